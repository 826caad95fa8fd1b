/**
 * `GET /openapi.json`: the data plane as it is under one epoch, in OpenAPI 3.1. Pure. Every
 * endpoint has paths of its own, so that the schemas are exactly its own.
 */

import { VERSION } from '../../shared/version.ts'
import { endpointPaths, endpointSchemas, predictPath } from './endpoint-paths.ts'
import type { Schema } from './json-schema.ts'
import { type PathEntry, TAGS } from './operation.ts'
import { ERROR_SCHEMAS, sharedComponents } from './responses.ts'
import { SERVER_SCHEMAS, serverPaths } from './server-paths.ts'
import type { ApiSource } from './source.ts'

const REMARKS = [
  'Every error carries its stable code in `x-sluice-error`; another try may help where there is `retry-after`.',
  '`x-sluice-range` and `x-sluice-categories` say what the model was trained with. They are no limits: what is outside is answered all the same.',
  '`HEAD` is answered where `GET` is, `OPTIONS` everywhere with 204 and `allow`; other methods get 405 `METHOD_NOT_ALLOWED` and `allow`, unknown paths 404 `ROUTE_NOT_FOUND`. Neither `content-type` nor a query is looked at.',
  'Bodies may be compressed: `content-encoding: gzip` or `deflate`. Answers of inference under `/v1` and `/v2` are, from 1 KiB on, if `accept-encoding` asks for it.',
  'What Triton and TensorFlow Serving have and this server has not is answered with 501 `NOT_IMPLEMENTED`; what would change models or settings, with 403 `FORBIDDEN`.',
  'What is no HTTP/1.1 is answered before any path is looked at, without body and ids: 400, or 431 and 408 where a head is too long or comes too slowly.',
]

const descriptionOf = ({ unavailable }: ApiSource): string => {
  const remarks =
    unavailable.length === 0
      ? REMARKS
      : [
          `No version can answer now, and so 503 \`VERSION_NOT_READY\`: ${unavailable.join(', ')}.`,
          ...REMARKS,
        ]
  const first = 'What this server answers now: its endpoints, their features and a row that works.'
  return `${first}\n\n${remarks.map((remark) => `- ${remark}`).join('\n')}`
}

const predictDefault = ({ endpoints, defaultEndpoint }: ApiSource): PathEntry[] =>
  endpoints
    .filter(({ name }) => name === defaultEndpoint)
    .map((endpoint) => predictPath(endpoint, '/predict', 'predict'))

/** The description of everything that is served. */
export const openApiDocument = (source: ApiSource): Schema => ({
  openapi: '3.1.0',
  info: {
    title: 'Sluice',
    version: VERSION,
    description: descriptionOf(source),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  tags: Object.values(TAGS).map((name) => ({ name })),
  paths: Object.fromEntries([
    ...predictDefault(source),
    ...source.endpoints.flatMap(endpointPaths),
    ...serverPaths(source.hasDocsPage),
  ]),
  components: {
    schemas: {
      ...Object.fromEntries(source.endpoints.flatMap(endpointSchemas)),
      ...SERVER_SCHEMAS,
      ...ERROR_SCHEMAS,
    },
    ...sharedComponents(),
  },
})
