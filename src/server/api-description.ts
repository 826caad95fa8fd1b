/**
 * `GET /openapi.json`: written when first asked for, and kept as long as its epoch. An endpoint of
 * 30 features takes 1 ms and 31 KB; the longest description holds the thread up for 0.2 s, once.
 */

import type { Document } from './documents.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { openApiText } from './openapi/document.ts'
import { apiSource } from './openapi/source.ts'

const written = new WeakMap<LiveEpoch, Document>()

export const apiDescription = (epoch: LiveEpoch): Document => {
  const known = written.get(epoch)
  if (known !== undefined) return known
  const body = Buffer.from(openApiText(apiSource(epoch)))
  const document: Document = { status: 200, body }
  written.set(epoch, document)
  return document
}
