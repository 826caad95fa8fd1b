/** The paths of one endpoint, and the schemas that are its own. */

import { answerSchema } from './answers.ts'
import { type Examples, examplesOf } from './examples.ts'
import { requestSchema, rowSchema } from './features.ts'
import type { Schema } from './json-schema.ts'
import { code } from './naming.ts'
import { inferAnswer, inferRequest } from './oip.ts'
import { json, type Operation, ok, operation, type PathEntry } from './operation.ts'
import {
  CODED_HEADERS,
  ID_PARAMETER,
  notReady,
  PREDICT_PARAMETERS,
  PREDICTION_HEADERS,
  parameterRef,
  schemaRef,
} from './responses.ts'
import type { ApiEndpoint, ApiVersion } from './source.ts'
import { tfsAnswer, tfsRequest } from './tfs.ts'

/**
 * A path that every endpoint has: `base`, its name, `suffix`. No id begins with another one, nor
 * with one of `server-paths.ts` or the reverse: so the ids of all endpoints differ as their labels.
 */
interface Place {
  readonly id: string
  readonly tag: Operation['tag']
  readonly kind: Operation['kind']
  /** Ends with the name. */
  readonly summary: string
  readonly base: string
  readonly suffix: string
}

/** A path that takes rows. */
interface Inference extends Place {
  /** `Infer`: of the components `InferRequest` and `InferAnswer`. */
  readonly what: string
  readonly format: keyof Examples
  readonly parameters: readonly Schema[]
  readonly headers: Schema
  /** Forms beside JSON. */
  readonly requests?: Schema
  readonly answers?: Schema
}

/** JSON, and the tensors that it announces as bytes behind it (Triton's binary tensor data). */
const binary = (description: string): Schema => ({
  'application/octet-stream': { schema: { type: 'string', format: 'binary', description } },
})

const JSON_LENGTH: Schema = {
  description: 'Bytes of JSON in front of the tensors, where outputs were asked for as bytes',
  schema: { type: 'integer', minimum: 1 },
}

const CODED_PARAMETERS = [...PREDICT_PARAMETERS, parameterRef('AcceptEncoding')]

const PREDICT: Inference = {
  ...{ id: 'predict', tag: 'predict', kind: 'Predict', summary: 'Predict with' },
  ...{ base: '/predict/', suffix: '', what: 'Predict', format: 'predict' },
  parameters: PREDICT_PARAMETERS,
  headers: PREDICTION_HEADERS,
}

/** These are for a version as well. */
const INFERENCES: readonly Inference[] = [
  {
    ...{ id: 'infer', tag: 'oip', kind: 'Infer', summary: 'Infer with' },
    ...{ base: '/v2/models/', suffix: '/infer', what: 'Infer', format: 'infer' },
    parameters: [...CODED_PARAMETERS, parameterRef('JsonLength')],
    headers: { ...CODED_HEADERS, 'inference-header-content-length': JSON_LENGTH },
    requests: binary(
      'The JSON, of as many bytes as the header `inference-header-content-length` says, and behind it the tensors whose `parameters` have `binary_data_size` in place of `data`: little-endian, in the order of the JSON, texts each with its length in 4 bytes before it. With a length of 0: one tensor alone.',
    ),
    answers: binary('The same form, with the same header, where an output was asked for as bytes'),
  },
  {
    ...{ id: 'tfs', tag: 'tfs', kind: 'Tfs', summary: 'Rows or columns of' },
    ...{ base: '/v1/models/', suffix: ':predict', what: 'Tfs', format: 'tfs' },
    parameters: CODED_PARAMETERS,
    headers: CODED_HEADERS,
  },
]

/** A path that says something of an endpoint or a version. */
interface Statement extends Place {
  readonly responses: Schema
}

const STATEMENTS: readonly Statement[] = [
  {
    ...{ id: 'metadata', tag: 'oip', kind: 'Model', summary: 'Metadata of' },
    ...{ base: '/v2/models/', suffix: '' },
    responses: { 200: ok('Names, datatypes and shapes', json(schemaRef('ModelMetadata'))) },
  },
  {
    ...{ id: 'ready', tag: 'oip', kind: 'Model', summary: 'Readiness of' },
    ...{ base: '/v2/models/', suffix: '/ready' },
    responses: {
      200: ok('It can answer', json(schemaRef('ModelReadiness'))),
      503: notReady('Model', 'It cannot', 'ModelReadiness'),
    },
  },
  {
    ...{ id: 'config', tag: 'oip', kind: 'ModelControl', summary: 'Config in force of' },
    ...{ base: '/v2/models/', suffix: '/config' },
    responses: { 200: ok("Triton's `ModelConfig`", json(schemaRef('ModelConfig'))) },
  },
  {
    ...{ id: 'stats', tag: 'oip', kind: 'ModelControl', summary: 'Statistics of' },
    ...{ base: '/v2/models/', suffix: '/stats' },
    responses: { 200: ok('Counts and times since the start', json(schemaRef('Statistics'))) },
  },
  {
    ...{ id: 'status', tag: 'tfs', kind: 'Model', summary: 'Versions of' },
    ...{ base: '/v1/models/', suffix: '' },
    responses: { 200: ok('Versions that can answer', json(schemaRef('ModelStatus'))) },
  },
]

interface Spot {
  readonly path: string
  readonly about: Pick<Operation, 'id' | 'tag' | 'kind' | 'summary'>
  readonly parameters: readonly Schema[]
}

const spot = ({ id, tag, kind, summary, base, suffix }: Place, { name, label }: Named): Spot => ({
  path: `${base}${name}${suffix}`,
  about: { id: `${id}_${label}`, tag, kind, summary: `${summary} ${code(name)}` },
  parameters: [],
})

const pinnedSpot = (place: Place, { name, label, version }: Named): Spot => ({
  path: `${place.base}${name}/versions/{version}${place.suffix}`,
  about: {
    ...{ id: `pinned_${place.id}_${label}`, tag: place.tag, kind: place.kind },
    summary: `${place.summary} one version of ${code(name)}`,
  },
  parameters: [version],
})

/** An endpoint as its paths have it. */
interface Named {
  readonly name: string
  readonly label: string
  readonly version: Schema
  /** undefined: its rows are too long for any. */
  readonly examples: Examples | undefined
}

const NO_EXAMPLE = 'There is no example: a row has too many elements to be read.'

/** `what`: of the components. */
const inference = (given: Inference, spot: Spot, named: Named, what: string): PathEntry => {
  const { format, parameters, headers, requests = {}, answers = {} } = given
  const component = (kind: string) => schemaRef(`${what}${kind}.${named.label}`)
  const example = named.examples?.[format]
  const post = operation({
    ...spot.about,
    parameters: [...parameters, ...spot.parameters],
    requestBody: {
      ...(example === undefined ? { description: NO_EXAMPLE } : {}),
      required: true,
      content: { ...json(component('Request'), example), ...requests },
    },
    responses: {
      200: ok('The answer', { ...json(component('Answer')), ...answers }, headers),
    },
  })
  return [spot.path, { post }]
}

const statement = ({ responses }: Statement, spot: Spot): PathEntry => {
  const parameters = [...ID_PARAMETER, ...spot.parameters]
  return [spot.path, { get: operation({ ...spot.about, parameters, responses }) }]
}

const versionParameter = ({ pinned }: ApiEndpoint, shown: ApiVersion | undefined): Schema => ({
  name: 'version',
  in: 'path',
  required: true,
  description: 'A version that is served',
  schema: { type: 'integer', enum: pinned.map(({ version }) => version) },
  example: shown?.version,
})

/** Schemas of bodies, by name of their component without the label. */
const bodySchemas = (what: string, versions: readonly ApiVersion[]): Schema =>
  what === 'Infer'
    ? { InferRequest: inferRequest(versions), InferAnswer: inferAnswer(versions) }
    : { TfsRequest: tfsRequest(versions), TfsAnswer: tfsAnswer(versions) }

export interface EndpointParts {
  readonly paths: Schema
  readonly schemas: Schema
}

/** `label`: stands for the name in ids. `isDefault`: it answers `/predict` as well. */
export const endpointParts = (
  endpoint: ApiEndpoint,
  label: string,
  isDefault: boolean,
): EndpointParts => {
  const { name, answering, pinned } = endpoint
  const shown = answering[0] ?? pinned[0]
  const examples = shown && (examplesOf(shown) ?? undefined)
  const named: Named = { name, label, version: versionParameter(endpoint, shown), examples }
  const own = spot(PREDICT, named)
  const alone: Spot = { ...own, path: '/predict', about: { ...own.about, id: 'predict' } }
  const paths: PathEntry[] = [own, ...(isDefault ? [alone] : [])].map((each) =>
    inference(PREDICT, each, named, 'Predict'),
  )
  const schemas: Record<string, unknown> = {
    Row: rowSchema(endpoint),
    PredictRequest: requestSchema(endpoint, schemaRef(`Row.${label}`)),
    PredictAnswer: answerSchema(endpoint),
  }
  for (const each of INFERENCES) {
    const { what } = each
    const bodies = bodySchemas(what, answering)
    const pinnedBodies = bodySchemas(what, pinned)
    const areSame = JSON.stringify(bodies) === JSON.stringify(pinnedBodies)
    Object.assign(schemas, bodies)
    for (const key of areSame ? [] : Object.keys(bodies)) {
      schemas[`Pinned${key}`] = pinnedBodies[key]
    }
    paths.push(
      inference(each, spot(each, named), named, what),
      inference(each, pinnedSpot(each, named), named, areSame ? what : `Pinned${what}`),
    )
  }
  for (const each of STATEMENTS) {
    paths.push(statement(each, spot(each, named)), statement(each, pinnedSpot(each, named)))
  }
  const labelled = Object.entries(schemas).map(([key, schema]) => [`${key}.${label}`, schema])
  return { paths: Object.fromEntries(paths), schemas: Object.fromEntries(labelled) as Schema }
}
