/** The paths that belong to no endpoint, and the schemas of what they answer. */

import { DATATYPES } from '../../shared/tensor.ts'
import { listOf, open, type Schema } from './json-schema.ts'
import { json, type Operation, ok, operation, type PathEntry } from './operation.ts'
import { ID_PARAMETER, notReady, parameterRef, schemaRef } from './responses.ts'

const TEXT: Schema = { type: 'string' }
const FLAG: Schema = { type: 'boolean' }
const VERSION: Schema = { type: 'string', pattern: '^[1-9][0-9]{0,14}$' }

const TENSORS: Schema = listOf(
  open({
    name: TEXT,
    datatype: { enum: DATATYPES },
    shape: { type: 'array', items: { type: 'integer', minimum: -1 } },
  }),
)

/** Components that do not depend on what is served. */
export const SERVER_SCHEMAS: Schema = {
  Live: open({ live: FLAG }),
  Ready: open({ ready: FLAG }),
  ServerMetadata: open({ name: { const: 'sluice' }, version: TEXT, extensions: listOf(TEXT) }),
  ModelList: open({ models: listOf(TEXT) }),
  ModelMetadata: open({
    name: TEXT,
    versions: listOf(VERSION),
    platform: { const: 'onnxruntime_onnx' },
    inputs: TENSORS,
    outputs: TENSORS,
  }),
  ModelReadiness: open({ name: TEXT, ready: FLAG }),
  ModelStatus: open({
    name: TEXT,
    ready: { const: true },
    model_version_status: listOf(
      open({
        version: VERSION,
        state: { const: 'AVAILABLE' },
        status: open({ error_code: { const: 'OK' }, error_message: TEXT }),
      }),
    ),
  }),
  IndexRequest: {
    type: 'object',
    properties: { ready: { ...FLAG, description: 'Only versions that serve' } },
  },
  Index: listOf({
    type: 'object',
    properties: {
      name: TEXT,
      version: { ...VERSION, description: 'Absent for a model without versions' },
      state: { enum: ['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'] },
      reason: TEXT,
    },
    required: ['name', 'state', 'reason'],
  }),
}

type Get = Omit<Operation, 'kind' | 'parameters' | 'requestBody'>

const get = (path: string, given: Get): PathEntry => [
  path,
  { get: operation({ ...given, kind: given.tag === 'oip' ? 'Oip' : 'Other' }) },
]

const live = (path: string, id: string, tag: Operation['tag']): PathEntry => {
  const responses = { 200: ok('It does', json(schemaRef('Live'))) }
  return get(path, { id, tag, summary: 'Whether the server answers', responses })
}

const ready = (path: string, id: string, tag: 'oip' | 'server'): PathEntry => {
  const responses = {
    200: ok('They can', json(schemaRef('Ready'))),
    503: notReady(tag === 'oip' ? 'Oip' : 'Other', 'Not ready', 'Ready'),
  }
  return get(path, { id, tag, summary: 'Whether every endpoint can answer', responses })
}

const index = (path: string, id: string, parameters: readonly Schema[]): PathEntry => [
  path,
  {
    post: operation({
      ...{ id, tag: 'oip', kind: 'Index', summary: 'Every version, its state and why' },
      parameters: [...ID_PARAMETER, parameterRef('ContentEncoding'), ...parameters],
      requestBody: { content: json(schemaRef('IndexRequest')) },
      responses: { 200: ok('The index', json(schemaRef('Index'))) },
    }),
  },
]

const ANY_REPOSITORY: Schema = {
  name: 'repository',
  in: 'path',
  required: true,
  description: 'Any: there is one repository',
  schema: { type: 'string', minLength: 1 },
}

const docs = (): PathEntry => {
  const content = { 'text/html': { schema: TEXT } }
  const missing = { 'text/plain': { schema: TEXT } }
  return get('/docs', {
    ...{ id: 'docs', tag: 'server', summary: 'This page' },
    responses: {
      200: ok('A page for browsers', content),
      404: ok('`swagger-ui-dist` is not installed', missing),
    },
  })
}

export const serverPaths = (hasDocsPage: boolean): PathEntry[] => [
  get('/v2', {
    ...{ id: 'server_metadata', tag: 'oip', summary: 'About the server' },
    responses: { 200: ok('Name, version, extensions', json(schemaRef('ServerMetadata'))) },
  }),
  live('/v2/health/live', 'v2_live', 'oip'),
  ready('/v2/health/ready', 'v2_ready', 'oip'),
  get('/v2/models', {
    ...{ id: 'models', tag: 'oip', summary: 'Names of all endpoints' },
    responses: { 200: ok('Names', json(schemaRef('ModelList'))) },
  }),
  index('/v2/repository/index', 'index', []),
  index('/v2/repository/{repository}/index', 'index_of', [ANY_REPOSITORY]),
  live('/livez', 'server_live', 'server'),
  ready('/readyz', 'server_ready', 'server'),
  get('/openapi.json', {
    ...{ id: 'openapi', tag: 'server', summary: 'This description' },
    responses: { 200: ok('OpenAPI 3.1', json({ type: 'object' })) },
  }),
  ...(hasDocsPage ? [docs()] : []),
]
