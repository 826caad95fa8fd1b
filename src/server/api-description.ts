/**
 * What describes the data plane: `GET /openapi.json` for programs, and where it is wanted `/docs`
 * for people. The former is written when first asked for, and kept as long as its epoch: an
 * endpoint of 30 features takes 1 ms and 31 KB, the longest description 0.2 s, once.
 */

import { packageVersion } from '../shared/package-version.ts'
import { DOCS_PACKAGE, docsPage } from './docs-page.ts'
import type { Document } from './documents.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { openApiText } from './openapi/document.ts'
import { type ApiSource, apiSource } from './openapi/source.ts'

/** How to answer a path under an epoch; null for a path that describes nothing. */
export type Describe = (epoch: LiveEpoch, path: string) => (() => Document) | null

/** What this server has beside its endpoints. */
type Has = Pick<ApiSource, 'hasDocsPage' | 'hasFeedback'>

/** Of one thread. */
export const apiDescription = (has: Has): Describe => {
  const written = new WeakMap<LiveEpoch, Document>()
  const openApi = (epoch: LiveEpoch): Document => {
    const known = written.get(epoch)
    if (known !== undefined) return known
    const body = Buffer.from(openApiText(apiSource(epoch, has)))
    const document: Document = { status: 200, body }
    written.set(epoch, document)
    return document
  }
  const docs = has.hasDocsPage ? docsPage(packageVersion(DOCS_PACKAGE)) : null
  return (epoch, path) =>
    path === '/openapi.json' ? () => openApi(epoch) : (docs?.get(path) ?? null)
}
