/** The paths of one endpoint, and the schemas that are its own. */

import { answerSchema } from './answers.ts'
import { type Examples, examplesOf } from './examples.ts'
import { requestSchema, rowSchema } from './features.ts'
import type { Schema } from './json-schema.ts'
import { inferAnswer, inferRequest } from './oip.ts'
import { json, type Operation, ok, operation, type PathEntry } from './operation.ts'
import {
  CODED_HEADERS,
  ID_PARAMETER,
  INFER_PARAMETERS,
  notReady,
  PREDICTION_HEADERS,
  schemaRef,
} from './responses.ts'
import type { ApiEndpoint, ApiVersion } from './source.ts'
import { tfsAnswer, tfsRequest } from './tfs.ts'

/** A component of an endpoint: names of endpoints have no `:`, but dots. */
const componentOf = (endpoint: string, what: string): Schema => schemaRef(`${endpoint}.${what}`)

interface Inference {
  readonly id: string
  readonly tag: Operation['tag']
  readonly kind: Operation['kind']
  readonly summary: string
  readonly endpoint: string
  /** `Infer`: of the components `InferRequest` and `InferAnswer`. */
  readonly what: string
  /** undefined: its rows are too long for any. */
  readonly example: Schema | undefined
  readonly parameters?: readonly Schema[]
  /** Forms beside JSON. */
  readonly otherRequests?: Schema
  readonly otherAnswers?: Schema
  readonly headers?: Schema
}

const NO_EXAMPLE = 'There is no example: a row has too many elements to be read.'

const inference = (given: Inference): Schema => {
  const { endpoint, what, example, parameters = [], headers = PREDICTION_HEADERS } = given
  const { otherRequests = {}, otherAnswers = {} } = given
  const request = json(componentOf(endpoint, `${what}Request`), example)
  const answer = json(componentOf(endpoint, `${what}Answer`))
  return {
    post: operation({
      ...given,
      parameters: [...INFER_PARAMETERS, ...parameters],
      requestBody: {
        ...(example === undefined ? { description: NO_EXAMPLE } : {}),
        required: true,
        content: { ...request, ...otherRequests },
      },
      responses: { 200: ok('The answer', { ...answer, ...otherAnswers }, headers) },
    }),
  }
}

/** `path` is its own, or `/predict`. */
const predictPath = (
  { name }: ApiEndpoint,
  examples: Examples | null,
  path: string,
  id: string,
): PathEntry => {
  return [
    path,
    inference({
      ...{ id, tag: 'predict', kind: 'Predict', endpoint: name, what: '' },
      summary: `Predict with ${name}`,
      example: examples?.predict,
    }),
  ]
}

const OCTETS = 'application/octet-stream'

/** JSON, and the tensors that it announces as bytes behind it (Triton's binary tensor data). */
const binary = (description: string): Schema => ({
  [OCTETS]: { schema: { type: 'string', format: 'binary', description } },
})

const BINARY_REQUEST = binary(
  'The JSON, of as many bytes as the header `inference-header-content-length` says, and behind it the tensors whose `parameters` have `binary_data_size` in place of `data`: little-endian, in the order of the JSON, texts each with its length in 4 bytes before it. With a length of 0: one tensor alone.',
)
const BINARY_ANSWER = binary(
  'The same form, with the same header, where an output was asked for as bytes',
)

/** The version whose row is shown, and which is named where a path wants one. */
const exampleVersion = ({ answering, pinned }: ApiEndpoint): ApiVersion | undefined =>
  answering[0] ?? pinned[0]

const versionParameter = (endpoint: ApiEndpoint): Schema => ({
  name: 'version',
  in: 'path',
  required: true,
  description: 'A version that is served',
  schema: { enum: endpoint.pinned.map(({ version }) => version) },
  example: exampleVersion(endpoint)?.version,
})

const inferPaths = (endpoint: ApiEndpoint, examples: Examples | null): PathEntry[] => {
  const { name } = endpoint
  const shared = {
    ...({ tag: 'oip', kind: 'Infer', endpoint: name } as const),
    otherRequests: BINARY_REQUEST,
    otherAnswers: BINARY_ANSWER,
    headers: { ...CODED_HEADERS, 'inference-header-content-length': JSON_LENGTH },
  }
  const path = `/v2/models/${name}`
  return [
    [
      `${path}/infer`,
      inference({
        ...shared,
        ...{ id: `infer_${name}`, summary: `Infer with ${name}`, what: 'Infer' },
        example: examples?.infer,
      }),
    ],
    [
      `${path}/versions/{version}/infer`,
      inference({
        ...shared,
        ...{ id: `infer_version_${name}`, what: 'PinnedInfer' },
        summary: `Infer with one version of ${name}`,
        example: examples?.infer,
        parameters: [versionParameter(endpoint)],
      }),
    ],
  ]
}

const JSON_LENGTH: Schema = {
  description: 'Bytes of JSON in front of the tensors, where outputs were asked for as bytes',
  schema: { type: 'integer', minimum: 1 },
}

const tfsPaths = (endpoint: ApiEndpoint, examples: Examples | null): PathEntry[] => {
  const { name } = endpoint
  const shared = { tag: 'tfs', kind: 'Tfs', endpoint: name, headers: CODED_HEADERS } as const
  const path = `/v1/models/${name}`
  const version = [versionParameter(endpoint)]
  const status = { 200: ok('Versions that can answer', json(schemaRef('ModelStatus'))) }
  const get = (id: string, summary: string, parameters: readonly Schema[] = []): Schema => ({
    get: operation({
      ...{ id, tag: 'tfs', kind: 'Model', summary, responses: status },
      parameters: [...ID_PARAMETER, ...parameters],
    }),
  })
  return [
    [
      `${path}:predict`,
      inference({
        ...shared,
        ...{ id: `tfs_${name}`, what: 'Tfs', summary: `Rows or columns of ${name}` },
        example: examples?.tfs,
      }),
    ],
    [
      `${path}/versions/{version}:predict`,
      inference({
        ...shared,
        ...{ id: `tfs_version_${name}`, what: 'PinnedTfs' },
        summary: `Rows or columns of one version of ${name}`,
        example: examples?.tfs,
        parameters: version,
      }),
    ],
    [path, get(`status_${name}`, `Versions of ${name}`)],
    [`${path}/versions/{version}`, get(`status_version_${name}`, `A version of ${name}`, version)],
  ]
}

const modelPaths = (endpoint: ApiEndpoint): PathEntry[] => {
  const { name } = endpoint
  const metadata = { 200: ok('Names, datatypes and shapes', json(schemaRef('ModelMetadata'))) }
  const ready = {
    200: ok('It can answer', json(schemaRef('ModelReadiness'))),
    503: notReady('Model', 'It cannot', 'ModelReadiness'),
  }
  const get = (id: string, summary: string, responses: Schema, parameters: readonly Schema[]) => ({
    get: operation({
      ...{ id: `${id}_${name}`, tag: 'oip', summary, kind: 'Model', responses },
      parameters: [...ID_PARAMETER, ...parameters],
    }),
  })
  const base = `/v2/models/${name}`
  const pinned = `${base}/versions/{version}`
  const version = [versionParameter(endpoint)]
  return [
    [base, get('metadata', `Metadata of ${name}`, metadata, [])],
    [pinned, get('version_metadata', `Metadata of a version of ${name}`, metadata, version)],
    [`${base}/ready`, get('ready', `Whether ${name} can answer`, ready, [])],
    [
      `${pinned}/ready`,
      get('version_ready', `Whether a version of ${name} can answer`, ready, version),
    ],
  ]
}

/** All paths. `isDefault`: it answers `/predict` as well. */
export const endpointPaths = (endpoint: ApiEndpoint, isDefault: boolean): PathEntry[] => {
  const { name } = endpoint
  const shown = exampleVersion(endpoint)
  const examples = shown === undefined ? null : examplesOf(shown)
  return [
    ...(isDefault ? [predictPath(endpoint, examples, '/predict', 'predict')] : []),
    predictPath(endpoint, examples, `/predict/${name}`, `predict_${name}`),
    ...inferPaths(endpoint, examples),
    ...modelPaths(endpoint),
    ...tfsPaths(endpoint, examples),
  ]
}

/** Whether every version that can be asked for by number answers without one as well. */
const areAll = ({ answering, pinned }: ApiEndpoint): boolean => answering.length === pinned.length

const pinnedSchemas = (pinned: readonly ApiVersion[]): Schema => ({
  PinnedInferRequest: inferRequest(pinned),
  PinnedInferAnswer: inferAnswer(pinned),
  PinnedTfsRequest: tfsRequest(pinned),
  PinnedTfsAnswer: tfsAnswer(pinned),
})

const pinnedReferences = (name: string): Schema => ({
  PinnedInferRequest: componentOf(name, 'InferRequest'),
  PinnedInferAnswer: componentOf(name, 'InferAnswer'),
  PinnedTfsRequest: componentOf(name, 'TfsRequest'),
  PinnedTfsAnswer: componentOf(name, 'TfsAnswer'),
})

export const endpointSchemas = (endpoint: ApiEndpoint): [string, Schema][] => {
  const { name, answering, pinned } = endpoint
  const schemas: Schema = {
    Row: rowSchema(endpoint),
    Request: requestSchema(endpoint, componentOf(name, 'Row')),
    Answer: answerSchema(endpoint),
    InferRequest: inferRequest(answering),
    InferAnswer: inferAnswer(answering),
    TfsRequest: tfsRequest(answering),
    TfsAnswer: tfsAnswer(answering),
    ...(areAll(endpoint) ? pinnedReferences(name) : pinnedSchemas(pinned)),
  }
  return Object.entries(schemas).map(([what, schema]) => [`${name}.${what}`, schema as Schema])
}
