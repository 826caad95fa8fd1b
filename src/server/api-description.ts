/** `GET /openapi.json`: written when first asked for, and kept as long as its epoch. */

import type { Document } from './documents.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { openApiDocument } from './openapi/document.ts'
import { descriptionText } from './openapi/json-schema.ts'
import { apiSource } from './openapi/source.ts'

const written = new WeakMap<LiveEpoch, Document>()

export const apiDescription = (epoch: LiveEpoch): Document => {
  const known = written.get(epoch)
  if (known !== undefined) return known
  const body = descriptionText(openApiDocument(apiSource(epoch)))
  const document: Document = { status: 200, body }
  written.set(epoch, document)
  return document
}
