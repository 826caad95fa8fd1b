/**
 * Every failure that Sluice reports, in one table. `docs/reference/errors.md` is generated from it.
 *
 * A code is stable: clients and alerts match on it. A retired code moves to `RETIRED_CODES` and is
 * never used again. Messages state what was tried, what was found and what is wanted; they hold no
 * path, stack or internal name.
 */

import { type ErrorEntry, entry, LOAD_ERRORS } from './load-errors.ts'

const badRequest = (cause: string, hint: string) =>
  entry(400, 'INVALID_ARGUMENT', false, cause, hint)
const notFound = (cause: string, hint: string) => entry(404, 'NOT_FOUND', false, cause, hint)

export const ERRORS = {
  // request
  REQUEST_MALFORMED: badRequest(
    'The body is not valid JSON, or not of the shape that this path takes',
    'Compare the body with the examples in docs/life-of-a-request.md',
  ),
  REQUEST_TOO_DEEP: badRequest(
    'The JSON body nests deeper than `limits.json_depth_max`',
    'Send flat data; no supported request needs deep nesting',
  ),
  DUPLICATE_KEY: badRequest(
    'A JSON object in the body names one key twice',
    'Send each key once: which value was meant cannot be known',
  ),
  TENSOR_SHAPE_MISMATCH: badRequest(
    'A shape, row length or element count is not what the model takes',
    'GET the model metadata for the shapes; -1 is the row dimension',
  ),
  TENSOR_DATATYPE_MISMATCH: badRequest(
    'A tensor or feature has another type than the model takes',
    'GET the model metadata for the datatypes; nothing is converted silently',
  ),
  INPUT_VALUE_INVALID: badRequest(
    'A value cannot be represented in the datatype of its input, or a string holds NUL or an unpaired surrogate',
    'Send a finite number within the range of the datatype, or valid Unicode text without NUL',
  ),
  INPUT_MISSING: badRequest(
    'A required feature or tensor is absent or null',
    'Send every required input; null and absent both mean missing, never 0',
  ),
  INPUT_UNKNOWN: badRequest(
    'A feature or tensor is named that the endpoint does not have',
    'Check the spelling against the endpoint metadata',
  ),
  FEEDBACK_INVALID: badRequest(
    'What was sent to /feedback is no feedback, or a value of it is out of range',
    'Send {"prediction_id": "...", "label": 1}, with the x-sluice-prediction-id of the answer; `errors` says where it differs, docs/life-of-a-request.md what else there is',
  ),
  OUTPUT_UNKNOWN: badRequest(
    'A requested output does not exist, or is requested twice',
    'GET the model metadata for the output names',
  ),
  BODY_TOO_LARGE: entry(
    413,
    'RESOURCE_EXHAUSTED',
    false,
    'The body is larger than `limits.body_bytes_max`, or than this path takes, or it holds more than 1,048,576 strings',
    'Send fewer rows in one request, or raise the limit',
  ),
  ANSWER_TOO_LARGE: entry(
    // Not 413: that is about the body of the request, which may be small.
    422,
    'RESOURCE_EXHAUSTED',
    false,
    'The answer would have more than 1,048,576 values, to one row more than 8,388,608 (a list, an object or a key counts as one, 16 characters of text as one more, 64 bytes of binary numbers as one, and each class of `classification` as 16), or more than 64 MiB of binary tensors, or a request that runs in parts would have more than 16,777,216 in all outputs of the model together',
    'Send fewer rows in one request, if there are several; over the Open Inference Protocol, name in `outputs` only those needed, and ask for binary data',
  ),
  ENCODING_UNSUPPORTED: entry(
    415,
    'UNIMPLEMENTED',
    false,
    'The body has a content encoding that this server does not support',
    'Send the body as it is, or compressed by gzip or deflate alone',
  ),
  EXTENSION_UNSUPPORTED: entry(
    // 400, as Triton answers what asks for a region that it does not know.
    400,
    'UNIMPLEMENTED',
    false,
    'A parameter of the request asks for an extension that this server does not have: shared memory or sequences',
    'Send tensors in the body, and nothing that depends on earlier requests; GET /v2 lists the extensions',
  ),
  ENCODING_RATIO_EXCEEDED: entry(
    // 413 for HTTP, but another remedy than that of BODY_TOO_LARGE.
    413,
    'RESOURCE_EXHAUSTED',
    false,
    'The compressed body would inflate to more than 11 times its bytes and 16 KiB, or holds more than one string for 2 of its bytes, and 2048',
    'Send it without content-encoding: the limit of plain bodies is `limits.body_bytes_max`',
  ),
  METHOD_NOT_ALLOWED: entry(
    405,
    'UNIMPLEMENTED',
    false,
    'The path exists, but not for this method',
    'Use the method named in the allow header',
  ),
  NOT_IMPLEMENTED: entry(
    501,
    'UNIMPLEMENTED',
    false,
    'The protocol has such a call, and this server does not have it',
    'See docs/guides/clients.md for what is supported, and what to use instead',
  ),
  // routing
  ROUTE_NOT_FOUND: notFound('No such path', 'See the list of paths in docs/life-of-a-request.md'),
  ENDPOINT_NOT_FOUND: notFound(
    'No endpoint has that name, or none was named and there are several',
    'Use one of the names in the message',
  ),
  MODEL_NOT_FOUND: notFound('No model has that name', 'Run `sluice models` for the names'),
  VERSION_NOT_FOUND: notFound(
    'The model has no such version that serves',
    'Run `sluice models` for the versions and their states',
  ),
  VERSION_NOT_READY: entry(
    503,
    'UNAVAILABLE',
    true,
    'The version exists but is not available',
    'Run `sluice models` for its state and reason',
  ),
  FORBIDDEN: entry(
    403,
    'PERMISSION_DENIED',
    false,
    'The call changes state and this server does not allow that here, or the key that was sent may not ask this endpoint',
    'Load and unload from the machine itself, with `model_control_mode: explicit`; else change the repository, which SIGHUP reads again. What a key may ask stands in `access.keys`',
  ),
  // access
  KEY_REQUIRED: entry(
    401,
    'UNAUTHENTICATED',
    false,
    'The server has keys, and the request has none, or one that it does not know',
    'Send a key as `authorization: Bearer <key>` or `x-api-key`; `sluice key new` makes one',
  ),
  RATE_LIMITED: entry(
    429,
    'RESOURCE_EXHAUSTED',
    true,
    'The key sends more than its `requests_per_second`',
    'Retry after the time in Retry-After, or have the limit raised',
  ),
  LOAD_FAILED: badRequest(
    'A model that a client asked for could not be loaded, or one that is not there unloaded',
    'See the reason; what was served before is served on',
  ),
  // capacity
  QUEUE_FULL: entry(
    503,
    'UNAVAILABLE',
    true,
    'More work is waiting than `limits.queue_work_ms_max`, more rows than `limits.queue_rows_max`, or more requests than `max_queue_size` of the model',
    'Retry after the time in Retry-After, with back-off',
  ),
  DEADLINE_UNMEETABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'The request is expected to end after its deadline; nothing was done for it',
    'Retry after the time in Retry-After, or grant it more time by `x-sluice-timeout-ms`',
  ),
  DEADLINE_EXPIRED: entry(
    503,
    'UNAVAILABLE',
    true,
    'The request waited past its deadline, or longer than the queue policy of the model grants, and was not run; or its record could not be written before its deadline, and `records.when_full` is `wait`',
    'Retry after the time in Retry-After, with back-off',
  ),
  RECORD_UNAVAILABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'There is no room for the record of the prediction, in memory or on disk, or it could not be written in five seconds, and `records.when_full` is `wait`',
    'Retry after the time in Retry-After; the metrics sluice_spool_ and sluice_records_ say what is full',
  ),
  CONTROL_UNREACHABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'The control process does not answer; predictions go on without it',
    'Start it with `sluice serve`; to the command line, name it with --server',
  ),
  CONTROL_BUSY: entry(
    503,
    'UNAVAILABLE',
    true,
    'As many calls to control as one replica may have are under way',
    'Retry after the time in Retry-After; ask for the index seldom',
  ),
  BODY_BUDGET_EXHAUSTED: entry(
    503,
    'RESOURCE_EXHAUSTED',
    true,
    'The bodies in flight together exceed `limits.body_bytes_in_flight_max`',
    'Retry after the time in Retry-After, or send smaller bodies',
  ),
  THREAD_LOST: entry(
    503,
    'UNAVAILABLE',
    true,
    'The compute thread that ran the request died, and so did the one that tried again, or its input was gone',
    'Retry it; if it happens again, the log of the replica says why the threads die',
  ),
  // run
  INFERENCE_FAILED: entry(
    500,
    'INTERNAL',
    false,
    'The model refused or failed on this input',
    'Check the named row; the same input fails again',
  ),
  OUTPUT_NOT_FINITE: entry(
    500,
    'INTERNAL',
    false,
    'The model answered NaN or infinity, which JSON cannot carry',
    'Check the input for missing values; over the Open Inference Protocol, binary outputs (`binary_data`) carry such values',
  ),
  INTERNAL: entry(
    500,
    'INTERNAL',
    false,
    'A fault in Sluice; the log has the details under the request id',
    'Report it with the request id',
  ),
  ...LOAD_ERRORS,
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

/** All codes, in the order of the table. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[]

/** Codes of earlier releases. They must not be used again. */
export const RETIRED_CODES: readonly string[] = []

/** One fault inside a request, located by an RFC 6901 JSON pointer into its body. */
export interface FieldFault {
  readonly pointer: string
  readonly detail: string
}

/**
 * An expected "no": returned, not thrown, on the data plane. Only plain data, so that it travels
 * between threads and processes.
 */
export interface Refusal {
  readonly code: ErrorCode
  readonly detail: string
  readonly errors?: readonly FieldFault[]
  /** When it may be tried again, where that is known better than for its code. */
  readonly retryAfterMs?: number
}

export const refuse = (code: ErrorCode, detail: string, errors?: readonly FieldFault[]): Refusal =>
  errors === undefined ? { code, detail } : { code, detail, errors }

/** Tells a refusal from what a function returns otherwise. */
export const isRefusal = (value: object): value is Refusal => 'code' in value && 'detail' in value

/** The one error class. `code` decides what is done with it; `detail` is for people. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldFault[] | undefined

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions & { errors?: FieldFault[] }) {
    super(detail, options)
    this.name = 'GatewayError'
    this.code = code
    this.errors = options?.errors
  }

  /** Total: whatever was thrown becomes a GatewayError; foreign errors become INTERNAL. */
  static from(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown
    return new GatewayError('INTERNAL', 'Internal error', { cause: thrown })
  }

  toRefusal(): Refusal {
    return refuse(this.code, this.message, this.errors)
  }
}
