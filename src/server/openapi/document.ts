/**
 * `GET /openapi.json`: the data plane as it is under one epoch, in OpenAPI 3.1. Pure. Every
 * endpoint has paths of its own, so that the schemas are exactly its own.
 */

import { VERSION } from '../../shared/version.ts'
import { endpointParts } from './endpoint-paths.ts'
import { feedbackSchemas } from './feedback.ts'
import type { Schema } from './json-schema.ts'
import { code, labelsOf } from './naming.ts'
import { OIP_SCHEMAS } from './oip.ts'
import { TAGS } from './operation.ts'
import { ERROR_SCHEMAS, sharedComponents } from './responses.ts'
import { SERVER_SCHEMAS, serverPaths } from './server-paths.ts'
import type { ApiEndpoint, ApiSource } from './source.ts'

const REMARKS = [
  'Every error carries its stable code in `x-sluice-error`; another try may help where there is `retry-after`.',
  '`x-sluice-range` and `x-sluice-categories` say what the model was trained with. They are no limits: what is outside is answered all the same.',
  '`HEAD` is answered where `GET` is, `OPTIONS` on every path that exists, with 204 and `allow`; other methods get 405 `METHOD_NOT_ALLOWED` and `allow`, unknown paths 404 `ROUTE_NOT_FOUND`. Neither `content-type` nor a query is looked at.',
  'Bodies may be compressed: `content-encoding: gzip` or `deflate`. Answers of inference under `/v1` and `/v2` are, from 1 KiB on, if `accept-encoding` asks for it.',
  'What Triton and TensorFlow Serving have and this server has not is answered with 501 `NOT_IMPLEMENTED`; what would change models or settings, with 403 `FORBIDDEN`.',
  'What is no HTTP/1.1 is answered before any path is looked at, without body and ids: 400, or 431 and 408 where a head is too long or comes too slowly.',
]

/** So many names of endpoints stand in a sentence. */
const NAMES_MAX = 1000

const listed = (names: readonly string[]): string => {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
  return `${names.slice(0, NAMES_MAX).map(code).join(', ')}${more}`
}

const descriptionOf = ({ unavailable }: ApiSource, omitted: readonly string[]): string => {
  const remarks = [...REMARKS]
  if (omitted.length > 0) {
    const what = 'Served as well, on paths like those of the others, but too long to be described'
    remarks.unshift(`${what}: ${listed(omitted)}.`)
  }
  if (unavailable.length > 0) {
    const what = 'No version can answer now, and so 503 `VERSION_NOT_READY`'
    remarks.unshift(`${what}: ${listed(unavailable)}.`)
  }
  const first = 'What this server answers now: its endpoints, their features and a row that works.'
  return `${first}\n\n${remarks.map((remark) => `- ${remark}`).join('\n')}`
}

/**
 * Of all endpoints together, whether kept or not, and of one alone. A thread writes 0.3 MB in
 * 10 ms, in which it answers nobody.
 */
const ENDPOINTS_LENGTH_MAX = 4 * 1024 * 1024
const ENDPOINT_LENGTH_MAX = 1024 * 1024

/** About the length of its text: what is far too long is not written to find that out. */
const roughLength = ({ answering, pinned }: ApiEndpoint): number => {
  let length = 0
  for (const { signature } of pinned) {
    length += 1000 * (signature.inputs.length + signature.outputs.length)
  }
  for (const { binding, reading } of answering) {
    length += 100 * (reading?.classes.length ?? 0)
    for (const { name, codes } of binding.features) {
      length += 200 + 2 * name.length + 10 * (codes?.size ?? 0)
    }
  }
  return length
}

/** Members of objects, as text. */
interface Section {
  readonly paths: string
  readonly schemas: string
}

const members = (object: Schema): string => JSON.stringify(object).slice(1, -1)

const endpointSection = (...given: Parameters<typeof endpointParts>): Section => {
  const { paths, schemas } = endpointParts(...given)
  return { paths: members(paths), schemas: members(schemas) }
}

/** Of as many endpoints as there is room for, that of `/predict` first. */
const endpointSections = (source: ApiSource): { sections: Section[]; omitted: string[] } => {
  const sections: Section[] = []
  const omitted: string[] = []
  const labels = labelsOf(source.endpoints.map(({ name }) => name))
  let room = ENDPOINTS_LENGTH_MAX
  const isDefault = ({ name }: ApiEndpoint): boolean => name === source.defaultEndpoint
  const ordered = source.endpoints.toSorted((a, b) => Number(isDefault(b)) - Number(isDefault(a)))
  for (const endpoint of ordered) {
    const isTooLong = room < 0 || roughLength(endpoint) > ENDPOINT_LENGTH_MAX
    const label = labels.get(endpoint.name)!
    const section = isTooLong ? null : endpointSection(endpoint, label, isDefault(endpoint))
    const length = section === null ? 0 : section.paths.length + section.schemas.length
    room -= length
    if (section === null || room < 0 || length > ENDPOINT_LENGTH_MAX) omitted.push(endpoint.name)
    else sections.push(section)
  }
  return { sections, omitted }
}

/** The description of everything that is served, as JSON. */
export const openApiText = (source: ApiSource): string => {
  const { sections, omitted } = endpointSections(source)
  const head = {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: VERSION,
      description: descriptionOf(source, omitted),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '.' }],
    // The first: where there are no keys, none is asked for.
    security: [{}, { Bearer: [] }, { ApiKey: [] }],
    tags: Object.values(TAGS).map((name) => ({ name })),
  }
  const names = source.endpoints.map(({ name }) => name)
  const ownPaths = members(Object.fromEntries(serverPaths(source, names)))
  const paths = [...sections.map((section) => section.paths), ownPaths].join()
  const feedback = source.hasFeedback ? feedbackSchemas(names) : {}
  const ownSchemas = members({ ...SERVER_SCHEMAS, ...feedback, ...OIP_SCHEMAS, ...ERROR_SCHEMAS })
  const schemas = [...sections.map((section) => section.schemas), ownSchemas].join()
  const components = `"schemas":{${schemas}},${members(sharedComponents())}`
  return `{${members(head)},"paths":{${paths}},"components":{${components}}}`
}
