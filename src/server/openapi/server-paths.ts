/** The paths that belong to no endpoint, and the schemas of what they answer. */

import { DATATYPES } from '../../shared/tensor.ts'
import { feedbackPath } from './feedback.ts'
import { listOf, open, type Schema } from './json-schema.ts'
import { json, type Operation, ok, operation, type PathEntry } from './operation.ts'
import { ID_PARAMETER, notReady, parameterRef, schemaRef } from './responses.ts'
import type { ApiSource } from './source.ts'

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

const COUNT: Schema = { type: 'integer', minimum: 0 }
const DURATION = open({ count: COUNT, ns: COUNT })

const durations = (...names: readonly string[]): Schema =>
  Object.fromEntries(names.map((name) => [name, DURATION]))

const COMPUTE = durations('compute_input', 'compute_infer', 'compute_output')

/** Triton's statistics extension. */
const STATISTICS: Schema = open({
  model_stats: listOf(
    open({
      name: TEXT,
      version: VERSION,
      last_inference: { ...COUNT, description: 'Milliseconds since 1970; 0: none yet' },
      inference_count: { ...COUNT, description: 'Rows' },
      execution_count: { ...COUNT, description: 'Runs' },
      inference_stats: open({
        ...durations('success', 'fail', 'queue'),
        ...COMPUTE,
        ...durations('cache_hit', 'cache_miss'),
      }),
      response_stats: open({}),
      batch_stats: listOf(open({ batch_size: { type: 'integer', minimum: 1 }, ...COMPUTE })),
      memory_usage: listOf(open({})),
    }),
  ),
})

const DECLARED: Schema = listOf(
  open({
    name: TEXT,
    data_type: { enum: DATATYPES.map((name) => `TYPE_${name === 'BYTES' ? 'STRING' : name}`) },
    dims: { type: 'array', items: { type: 'integer', minimum: -1 } },
  }),
)

/** Triton's `ModelConfig`; what clients look at is told, and the rest is there. */
const MODEL_CONFIG: Schema = open({
  name: TEXT,
  platform: { const: 'onnxruntime_onnx' },
  backend: { const: 'onnxruntime' },
  max_batch_size: { ...COUNT, description: '0: the first dimension of a tensor is not its rows' },
  input: DECLARED,
  output: DECLARED,
})

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
  ModelConfig: MODEL_CONFIG,
  Statistics: STATISTICS,
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

type Get = Omit<Operation, 'kind' | 'parameters' | 'requestBody'> & Partial<Pick<Operation, 'kind'>>

const get = (path: string, given: Get): PathEntry => [
  path,
  { get: operation({ kind: given.tag === 'oip' ? 'Oip' : 'Other', ...given }) },
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

const ANY_MODEL: Schema = {
  name: 'model',
  in: 'path',
  required: true,
  description: 'One that lies in the repository',
  schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$' },
}

/** Loads and unloads, in the mode `explicit` only, and only from the machine of the server. */
const control = (action: 'load' | 'unload', summary: string): PathEntry => [
  `/v2/repository/models/{model}/${action}`,
  {
    post: operation({
      ...{ id: `model_${action}`, tag: 'oip', kind: 'Load', summary },
      parameters: [...ID_PARAMETER, parameterRef('ContentEncoding'), ANY_MODEL],
      requestBody: { content: json({ type: 'object', maxProperties: 0 }) },
      responses: { 200: ok('Done; the body is empty', {}) },
    }),
  },
]

const STATS_OF_ALL = '/v2/models/stats'

const statsOfAll = (): PathEntry =>
  get(STATS_OF_ALL, {
    ...{ id: 'all_stats', tag: 'oip', kind: 'Control' },
    summary: 'Statistics of every version that serves',
    responses: { 200: ok('Counts and times since the start', json(schemaRef('Statistics'))) },
  })

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

/** `names`: of all endpoints, one of which may have taken a path. */
export const serverPaths = (
  { hasDocsPage, hasFeedback }: Pick<ApiSource, 'hasDocsPage' | 'hasFeedback'>,
  names: readonly string[],
): PathEntry[] => [
  ...(hasFeedback ? [feedbackPath()] : []),
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
  ...(names.some((name) => STATS_OF_ALL === `/v2/models/${name}`) ? [] : [statsOfAll()]),
  index('/v2/repository/index', 'index', []),
  index('/v2/repository/{repository}/index', 'index_of', [ANY_REPOSITORY]),
  control('load', 'Loads a model, or what is new of it; answers once it serves'),
  control('unload', 'Lets go of a model; answers once it takes no more requests'),
  live('/livez', 'server_live', 'server'),
  ready('/readyz', 'server_ready', 'server'),
  get('/openapi.json', {
    ...{ id: 'openapi', tag: 'server', summary: 'This description' },
    responses: { 200: ok('OpenAPI 3.1', json({ type: 'object' })) },
  }),
  ...(hasDocsPage ? [docs()] : []),
]
