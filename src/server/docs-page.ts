/**
 * `GET /docs`: a page that shows `/openapi.json` and tries its paths out. Swagger UI from
 * `node_modules`, our frame around it; nothing is fetched from anywhere else.
 *
 * A name is looked up in a fixed table and never becomes part of a file name. A file is read when
 * this thread is first asked for it, and kept: 1.7 MB and 0.2 MB, 2 ms together.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Document } from './documents.ts'

export const DOCS_PACKAGE = 'swagger-ui-dist'

/**
 * Scripts and styles of ours only, no frame around the page, and requests to this server only.
 * `data:` is for the images inside the style sheet.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headOf = (type: string, caching: string): string =>
  [
    `content-type: ${type}`,
    `cache-control: ${caching}`,
    `content-security-policy: ${POLICY}`,
    'x-content-type-options: nosniff',
    'referrer-policy: no-referrer',
  ].join('\r\n')

/**
 * The version of the package is part of the path: a server that has another one answers 404, which
 * nobody keeps.
 */
const KEPT = 'public, max-age=31536000, immutable'

/** Read at every visit, so that an upgrade shows. */
const FRESH = 'no-cache'

const frame = (version: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/${version}/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript. The same in JSON: <a href="openapi.json">openapi.json</a></noscript>
<script src="docs/${version}/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

const START = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#page',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  showExtensions: true,
  validatorUrl: null,
})
`

const page = (type: string, body: string): Document => ({
  status: 200,
  head: headOf(`${type}; charset=utf-8`, FRESH),
  body,
})

/** @throws where the package is not installed */
const packaged = (type: string, url: string): Document => ({
  status: 200,
  head: headOf(`${type}; charset=utf-8`, KEPT),
  body: readFileSync(fileURLToPath(url)),
})

/** An instance may go without: an image that leaves the package out, a pruned installation. */
const NOT_INSTALLED: Document = {
  status: 404,
  head: 'content-type: text/plain; charset=utf-8\r\nx-sluice-error: ROUTE_NOT_FOUND',
  body: `This page needs the package ${DOCS_PACKAGE}, which is not installed here. The same in JSON: /openapi.json\n`,
}

/** What is made when it is first asked for. */
const once = (make: () => Document): (() => Document) => {
  let made: Document | null = null
  return () => {
    made ??= make()
    return made
  }
}

/** The page and its files by path. `version`: of the package; 'unknown': there is none. */
export const docsPage = (version: string): ReadonlyMap<string, () => Document> => {
  if (version === 'unknown') return new Map([['/docs', () => NOT_INSTALLED]])
  const css = () => packaged('text/css', import.meta.resolve('swagger-ui-dist/swagger-ui.css'))
  const script = () =>
    packaged('text/javascript', import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'))
  return new Map([
    ['/docs', once(() => page('text/html', frame(version)))],
    ['/docs/start.js', once(() => page('text/javascript', START))],
    [`/docs/${version}/swagger-ui.css`, once(css)],
    [`/docs/${version}/swagger-ui-bundle.js`, once(script)],
  ])
}
