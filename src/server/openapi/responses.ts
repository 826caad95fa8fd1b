/** Headers and error answers of the data plane, as components that operations refer to. */

import { ERRORS, type ErrorCode } from '../../shared/errors.ts'
import { PROBLEM_TYPE, STATUS_TITLES } from '../../shared/problem.ts'
import type { Schema } from './json-schema.ts'

export const JSON_TYPE = 'application/json'

/** Of whatever path: what is refused before the path is looked at, and faults of ours. */
const ANYWHERE: readonly ErrorCode[] = [
  'BODY_TOO_LARGE',
  'BODY_BUDGET_EXHAUSTED',
  'INTERNAL',
  // Where there are keys.
  'KEY_REQUIRED',
  'FORBIDDEN',
  'RATE_LIMITED',
]

/** Of whatever reads a body. */
const READING: readonly ErrorCode[] = [
  ...ANYWHERE,
  'REQUEST_MALFORMED',
  'REQUEST_TOO_DEEP',
  'DUPLICATE_KEY',
  'ENCODING_UNSUPPORTED',
  'ENCODING_RATIO_EXCEEDED',
]

/** Of whatever takes rows. */
const INFERENCE: readonly ErrorCode[] = [
  ...READING,
  'TENSOR_SHAPE_MISMATCH',
  'TENSOR_DATATYPE_MISMATCH',
  'INPUT_VALUE_INVALID',
  'INPUT_MISSING',
  'INPUT_UNKNOWN',
  'ANSWER_TOO_LARGE',
  'VERSION_NOT_READY',
  'QUEUE_FULL',
  'RECORD_UNAVAILABLE',
  'DEADLINE_UNMEETABLE',
  'DEADLINE_EXPIRED',
  'THREAD_LOST',
  'INFERENCE_FAILED',
  'OUTPUT_NOT_FINITE',
]

/** Of whatever names a model. */
const NAMED: readonly ErrorCode[] = ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND']

/** The codes that the paths of one kind can answer. */
const CODES = {
  Other: ANYWHERE,
  Predict: [...INFERENCE, 'ENDPOINT_NOT_FOUND'],
  Infer: [...INFERENCE, ...NAMED, 'EXTENSION_UNSUPPORTED', 'OUTPUT_UNKNOWN'],
  Oip: ANYWHERE,
  Model: [...ANYWHERE, ...NAMED, 'VERSION_NOT_READY'],
  Control: [...ANYWHERE, 'CONTROL_BUSY', 'CONTROL_UNREACHABLE'],
  ModelControl: [...ANYWHERE, ...NAMED, 'VERSION_NOT_READY', 'CONTROL_BUSY', 'CONTROL_UNREACHABLE'],
  Tfs: [...INFERENCE, ...NAMED],
  Feedback: [
    ...READING,
    'FEEDBACK_INVALID',
    'INPUT_VALUE_INVALID',
    'ENDPOINT_NOT_FOUND',
    'VERSION_NOT_READY',
    'RECORD_UNAVAILABLE',
    'NOT_IMPLEMENTED',
  ],
  Index: [...READING, 'CONTROL_BUSY', 'CONTROL_UNREACHABLE'],
  Load: [
    ...READING,
    'FORBIDDEN',
    'LOAD_FAILED',
    'NOT_IMPLEMENTED',
    'CONTROL_BUSY',
    'CONTROL_UNREACHABLE',
  ],
} as const satisfies Record<string, readonly ErrorCode[]>

export type PathKind = keyof typeof CODES

/** Kinds whose clients read RFC 9457; the others read `{"error": "..."}`. */
const PROBLEM_KINDS: ReadonlySet<PathKind> = new Set(['Other', 'Predict', 'Feedback'])

const statusesOf = (kind: PathKind): Map<number, ErrorCode[]> =>
  Map.groupBy(CODES[kind] as readonly ErrorCode[], (code) => ERRORS[code].http)

const header = (description: string, schema: Schema, isRequired = true): Schema => ({
  description,
  ...(isRequired ? { required: true } : {}),
  schema,
})

const ref = (kind: string, name: string): Schema => ({ $ref: `#/components/${kind}/${name}` })

export const schemaRef = (name: string): Schema => ref('schemas', name)
const headerRef = (name: string): Schema => ref('headers', name)

/** Of every answer. */
export const ID_HEADER: Schema = { 'x-request-id': headerRef('RequestId') }

/** Of every prediction. */
export const PREDICTION_HEADERS: Schema = {
  ...ID_HEADER,
  'x-sluice-prediction-id': headerRef('PredictionId'),
  'x-sluice-model': headerRef('Model'),
  'x-sluice-version': headerRef('Version'),
  'x-sluice-variant': headerRef('Variant'),
  'x-sluice-epoch': headerRef('Epoch'),
  'server-timing': headerRef('ServerTiming'),
}

/** Of predictions that may be compressed. */
export const CODED_HEADERS: Schema = {
  ...PREDICTION_HEADERS,
  'content-encoding': headerRef('ContentEncoding'),
  vary: headerRef('Vary'),
}

const TEXT: Schema = { type: 'string' }

const HEADERS: Schema = {
  RequestId: header(
    'The id that counts: that of the head, else that of the body where it is safe here, else ours',
    { type: 'string', pattern: '^[A-Za-z0-9._~-]{1,128}$' },
  ),
  PredictionId: header('Unique; ours', TEXT),
  RefusedPredictionId: header('Unique; ours; where an endpoint was found', TEXT, false),
  Model: header('The model that answered', TEXT),
  Version: header('Its version', { type: 'integer', minimum: 1 }),
  Variant: header('The arm of the traffic policy', TEXT),
  Epoch: header('Number of the traffic configuration', { type: 'integer', minimum: 1 }),
  ServerTiming: header('Where the time went, if `x-sluice-explain: 1` was sent', TEXT, false),
  ContentEncoding: header('If it was asked for', { enum: ['gzip', 'deflate'] }, false),
  Vary: header('Where it is compressed, or only pages of some origins may read it', TEXT, false),
  Authenticate: header('How a key is sent', { const: 'Bearer' }),
  AcceptEncoding: header('What may be sent', { const: 'gzip, deflate' }),
  RetryAfter: header('Seconds after which another try may help', { type: 'integer', minimum: 1 }),
}

/** Parameters of the head. */
const PARAMETERS: Schema = {
  RequestId: {
    name: 'x-request-id',
    in: 'header',
    description: 'Counts if it is 1 to 128 of `A-Z a-z 0-9 . _ ~ -`; anything else is ignored',
    schema: TEXT,
  },
  Explain: {
    name: 'x-sluice-explain',
    in: 'header',
    description: '`1` asks for the header `server-timing`; anything else is ignored',
    schema: TEXT,
  },
  Timeout: {
    name: 'x-sluice-timeout-ms',
    in: 'header',
    description:
      'Milliseconds in which an answer is worth having: what cannot be answered by then is refused, and never run',
    schema: { type: 'string', pattern: '^([0-9]{1,12}(\\.[0-9]{1,6})?)?$' },
  },
  ContentEncoding: {
    name: 'content-encoding',
    in: 'header',
    description: 'How the body is compressed',
    // An empty one is none.
    schema: { type: 'string', enum: ['', 'identity', 'gzip', 'deflate'] },
  },
  AcceptEncoding: {
    name: 'accept-encoding',
    in: 'header',
    description: 'How the answer may be compressed: `gzip` and `deflate` are looked for',
    schema: TEXT,
  },
  JsonLength: {
    name: 'inference-header-content-length',
    in: 'header',
    description:
      'Bytes of JSON at the front of the body; without it all of the body is JSON, with 0 none',
    schema: { type: 'integer', minimum: 0 },
  },
}

export const parameterRef = (name: string): Schema => ref('parameters', name)

export const ID_PARAMETER: readonly Schema[] = [parameterRef('RequestId')]

/** Of whatever takes rows. */
export const PREDICT_PARAMETERS: readonly Schema[] = [
  ...ID_PARAMETER,
  parameterRef('Explain'),
  parameterRef('Timeout'),
  parameterRef('ContentEncoding'),
]

const PROBLEM: Schema = {
  description: 'RFC 9457',
  type: 'object',
  properties: {
    type: { const: 'about:blank', description: '`code` tells problems apart' },
    title: TEXT,
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong, for people' },
    code: { type: 'string', description: 'Stable' },
    errors: {
      description: 'Every single thing that is wrong, up to 16',
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'RFC 6901, into the body' },
          detail: TEXT,
        },
        required: ['pointer', 'detail'],
      },
    },
    hint: TEXT,
    retryable: { type: 'boolean' },
    retry_after_ms: { type: 'integer', minimum: 1 },
    request_id: TEXT,
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'retryable', 'request_id'],
}

const ERROR: Schema = {
  type: 'object',
  properties: { error: { type: 'string', description: 'What is wrong, for people' } },
  required: ['error'],
}

export const ERROR_SCHEMAS: Schema = { Problem: PROBLEM, Error: ERROR }

const responseName = (kind: PathKind, status: number): string => `${kind}${status}`

const errorResponse = (kind: PathKind, status: number, codes: readonly ErrorCode[]): Schema => {
  const isProblem = PROBLEM_KINDS.has(kind)
  const causes = codes.map((code) => `- \`${code}\`: ${ERRORS[code].cause}.`)
  return {
    description: `${STATUS_TITLES[status]}\n\n${causes.join('\n')}`,
    headers: {
      ...ID_HEADER,
      'x-sluice-error': header('The stable code', { enum: codes }),
      'x-sluice-prediction-id': headerRef('RefusedPredictionId'),
      ...(status === 401 ? { 'www-authenticate': headerRef('Authenticate') } : {}),
      ...(status === 415 ? { 'accept-encoding': headerRef('AcceptEncoding') } : {}),
      ...(status === 503 || status === 429 ? { 'retry-after': headerRef('RetryAfter') } : {}),
    },
    content: isProblem
      ? { [PROBLEM_TYPE]: { schema: schemaRef('Problem') } }
      : { [JSON_TYPE]: { schema: schemaRef('Error') } },
  }
}

/** References to all error answers of a path of this kind. */
export const errorsOf = (kind: PathKind): Schema =>
  Object.fromEntries(
    [...statusesOf(kind).keys()]
      .sort((a, b) => a - b)
      .map((status) => [status, ref('responses', responseName(kind, status))]),
  )

/** 503 of a path that says with it that something is not ready. */
export const notReady = (kind: PathKind, description: string, schema: string): Schema => {
  const codes = new Set([...(statusesOf(kind).get(503) ?? []), 'VERSION_NOT_READY' as const])
  const { content, ...rest } = errorResponse(kind, 503, [...codes])
  const said = { schema: schemaRef(schema) }
  return {
    ...rest,
    description: `${description}; or too busy to say. ${rest['description']}`,
    content: PROBLEM_KINDS.has(kind)
      ? { ...(content as Schema), [JSON_TYPE]: said }
      : { [JSON_TYPE]: { schema: { anyOf: [said.schema, schemaRef('Error')] } } },
  }
}

/** What the references lead to. */
export const sharedComponents = (): Schema => {
  const responses = (Object.keys(CODES) as PathKind[]).flatMap((kind) =>
    [...statusesOf(kind)].map(
      ([status, codes]) =>
        [responseName(kind, status), errorResponse(kind, status, codes)] as const,
    ),
  )
  const securitySchemes = {
    Bearer: { type: 'http', scheme: 'bearer', description: 'A key, where there are keys' },
    ApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key' },
  }
  return {
    responses: Object.fromEntries(responses),
    headers: HEADERS,
    parameters: PARAMETERS,
    securitySchemes,
  }
}
