/**
 * `GET /openapi.json`: the data plane as it is under one epoch, in OpenAPI 3.1. Pure. Every
 * endpoint has paths of its own, so that the schemas are exactly its own.
 */

import { VERSION } from '../../shared/version.ts'
import { answerSchema } from './answers.ts'
import { inferExamples, predictExamples } from './examples.ts'
import { requestSchema, rowSchema } from './features.ts'
import type { Schema } from './json-schema.ts'
import { inferAnswer, inferRequest, OIP_SCHEMAS } from './oip.ts'
import {
  ERROR_SCHEMAS,
  errorsOf,
  ID_HEADER,
  ID_PARAMETER,
  INFER_PARAMETERS,
  JSON_TYPE,
  notReady,
  type PathKind,
  PREDICTION_HEADERS,
  schemaRef,
  sharedComponents,
} from './responses.ts'
import type { ApiEndpoint, ApiSource, ApiVersion } from './source.ts'

const TAGS = {
  predict: 'Predict',
  oip: 'Open Inference Protocol v2',
  server: 'Health and description',
} as const

const DESCRIPTION = `What this server answers now: endpoints, their features and a row that works for each.

- \`HEAD\` is answered where \`GET\` is; another method with 405 and \`allow\`; an unknown path with 404 \`ROUTE_NOT_FOUND\`.
- Every error carries its stable code in \`x-sluice-error\`; a retry may help where there is \`retry-after\`.
- \`x-sluice-range\` and \`x-sluice-categories\` say what the model was trained with. They are no limits: whatever is outside is answered all the same.
- What is no HTTP/1.1 is answered before any path is looked at, without body and ids: 400, and with 431 or 408 a head that is too long or comes too slowly.
- Neither \`content-type\` nor a query is looked at.`

const json = (schema: Schema, more: Schema = {}): Schema => ({ [JSON_TYPE]: { schema, ...more } })

const ok = (description: string, content: Schema, headers = ID_HEADER): Schema => ({
  description,
  headers,
  content,
})

interface Operation {
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly kind: PathKind
  readonly responses: Schema
  readonly parameters?: readonly Schema[]
  readonly requestBody?: Schema
}

const operation = (given: Operation): Schema => {
  const { id, tag, summary, kind, responses, parameters = ID_PARAMETER, requestBody } = given
  return {
    operationId: id,
    tags: [TAGS[tag]],
    summary,
    parameters,
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...errorsOf(kind), ...responses },
  }
}

const body = (schema: Schema, examples: Schema): Schema => ({
  required: true,
  content: json(schema, { examples }),
})

const componentName = (endpoint: string, what: string): string => `${endpoint}.${what}`

const predictPath = ({ name, answering }: ApiEndpoint, id: string, summary: string): Schema => ({
  post: operation({
    id,
    tag: 'predict',
    summary,
    kind: 'Predict',
    parameters: INFER_PARAMETERS,
    requestBody: body(
      schemaRef(componentName(name, 'Request')),
      answering[0] === undefined ? {} : predictExamples(answering[0]),
    ),
    responses: {
      200: ok('The prediction', json(schemaRef(componentName(name, 'Answer'))), PREDICTION_HEADERS),
    },
  }),
})

interface InferPath {
  readonly id: string
  readonly summary: string
  readonly names: readonly [request: string, answer: string]
  readonly example: ApiVersion | undefined
  readonly parameters?: readonly Schema[]
}

const inferPath = ({ id, summary, names, example, parameters = [] }: InferPath): Schema => ({
  post: operation({
    id,
    tag: 'oip',
    summary,
    kind: 'Infer',
    parameters: [...INFER_PARAMETERS, ...parameters],
    requestBody: body(schemaRef(names[0]), example === undefined ? {} : inferExamples(example)),
    responses: { 200: ok('The outputs', json(schemaRef(names[1])), PREDICTION_HEADERS) },
  }),
})

const pathParameter = (name: string, values: readonly unknown[], description: string): Schema => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { enum: values },
})

const versionParameter = ({ pinned }: ApiEndpoint): Schema =>
  pathParameter(
    'version',
    pinned.map(({ version }) => version),
    'A version that is served',
  )

const endpointPaths = (endpoint: ApiEndpoint): [string, Schema][] => {
  const { name, answering, pinned } = endpoint
  const names = (what: string) =>
    [componentName(name, `${what}Request`), componentName(name, `${what}Answer`)] as const
  return [
    [`/predict/${name}`, predictPath(endpoint, `predict_${name}`, `Predict with ${name}`)],
    [
      `/v2/models/${name}/infer`,
      inferPath({
        id: `infer_${name}`,
        summary: `Infer with ${name}`,
        names: names('Infer'),
        example: answering[0],
      }),
    ],
    [
      `/v2/models/${name}/versions/{version}/infer`,
      inferPath({
        id: `infer_version_${name}`,
        summary: `Infer with one version of ${name}`,
        names: names('PinnedInfer'),
        example: pinned.at(-1),
        parameters: [versionParameter(endpoint)],
      }),
    ],
    ...modelPaths(endpoint),
  ]
}

const modelPaths = (endpoint: ApiEndpoint): [string, Schema][] => {
  const { name } = endpoint
  const metadata = { 200: ok('Names, datatypes and shapes', json(schemaRef('ModelMetadata'))) }
  const readiness = json(schemaRef('ModelReadiness'))
  const ready = {
    200: ok('It can answer', readiness),
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

const endpointSchemas = (endpoint: ApiEndpoint): [string, Schema][] => {
  const { name, answering, pinned } = endpoint
  const row = componentName(name, 'Row')
  return [
    [row, rowSchema(endpoint)],
    [componentName(name, 'Request'), requestSchema(endpoint, schemaRef(row))],
    [componentName(name, 'Answer'), answerSchema(endpoint)],
    [componentName(name, 'InferRequest'), inferRequest(answering)],
    [componentName(name, 'InferAnswer'), inferAnswer(answering)],
    [componentName(name, 'PinnedInferRequest'), inferRequest(pinned)],
    [componentName(name, 'PinnedInferAnswer'), inferAnswer(pinned)],
  ]
}

const health = (
  id: string,
  path: string,
  tag: Operation['tag'],
  isReady: boolean,
): [string, Schema] => {
  const kind = tag === 'oip' ? 'Oip' : 'Other'
  const content = json(schemaRef(isReady ? 'Ready' : 'Live'))
  const responses = {
    200: ok(isReady ? 'Ready' : 'Alive', content),
    ...(isReady ? { 503: notReady(kind, 'Not ready', 'Ready') } : {}),
  }
  const summary = isReady ? 'Whether every endpoint can answer' : 'Whether the server answers'
  return [path, { get: operation({ id, tag, summary, kind, responses }) }]
}

const serverPaths = (): [string, Schema][] => [
  health('livez', '/livez', 'server', false),
  health('readyz', '/readyz', 'server', true),
  [
    '/openapi.json',
    {
      get: operation({
        ...{ id: 'openapi', tag: 'server', summary: 'This description', kind: 'Other' },
        responses: { 200: ok('OpenAPI 3.1', json({ type: 'object' })) },
      }),
    },
  ],
  [
    '/v2',
    {
      get: operation({
        ...{ id: 'server_metadata', tag: 'oip', summary: 'About the server', kind: 'Oip' },
        responses: { 200: ok('Name, version, extensions', json(schemaRef('ServerMetadata'))) },
      }),
    },
  ],
  health('v2_live', '/v2/health/live', 'oip', false),
  health('v2_ready', '/v2/health/ready', 'oip', true),
]

const predictDefault = ({ endpoints, defaultEndpoint }: ApiSource): [string, Schema][] =>
  endpoints
    .filter(({ name }) => name === defaultEndpoint)
    .map((each) => ['/predict', predictPath(each, 'predict', `Predict with ${each.name}`)])

const aboutUnavailable = ({ unavailable }: ApiSource): string =>
  unavailable.length === 0
    ? ''
    : `\n\nWithout an available version now, and so answered with 503 \`VERSION_NOT_READY\`: ${unavailable.join(', ')}.`

/** The description of everything that is served. */
export const openApiDocument = (source: ApiSource): Schema => ({
  openapi: '3.1.0',
  info: {
    title: 'Sluice',
    version: VERSION,
    description: DESCRIPTION + aboutUnavailable(source),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  tags: Object.values(TAGS).map((name) => ({ name })),
  paths: Object.fromEntries([
    ...predictDefault(source),
    ...source.endpoints.flatMap(endpointPaths),
    ...serverPaths(),
  ]),
  components: {
    schemas: {
      ...Object.fromEntries(source.endpoints.flatMap(endpointSchemas)),
      ...OIP_SCHEMAS,
      ...ERROR_SCHEMAS,
    },
    ...sharedComponents(),
  },
})
