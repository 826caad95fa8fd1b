/**
 * The counters of one slot: (endpoint, model, version, variant, role). Each data thread owns one
 * Float64Array of `slots x SLOT_DOUBLES` in shared memory; only that thread writes it, so plain
 * increments suffice and a reader sees whole doubles (aligned 64-bit stores).
 *
 * ```
 * pending   1                     requests that wait for their run: a gauge
 * last      1                     end of the last run, ms since 1970: a maximum
 * requests  PROTOCOLS x REASONS   one per protocol and reason; reason 0 is `ok`
 * total     LATENCY_SLOTS + 1     slot counts, then the sum in seconds
 * queue     LATENCY_SLOTS + 1
 * compute   LATENCY_SLOTS + 1     the run of an answered request
 * input     1                     seconds that the run of an answered request was assembled in
 * output    1                     seconds that answers were written in
 * fail      1                     seconds of requests that were admitted and not answered
 * rows      1                     rows answered
 * runs      1                     batches run
 * run rows  1                     rows of these batches
 * run s     1                     seconds of these runs, each counted once however many it answers
 * batch     BATCH_SIZES x 4       by rows of the run: runs; seconds of input, of the run, of output
 * ```
 *
 * What stands before `requests` is no sum: over threads and replicas `pending` is added up for the
 * living alone, and of `last` the highest counts.
 */

import type { ErrorCode } from './errors.ts'
import { LATENCY_SLOTS } from './latency-slots.ts'

export const PROTOCOLS = ['features', 'oip', 'tfs', 'grpc', 'other'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** Room for codes to come, so that adopted replicas of the next release still fit. */
export const REASONS = 128

/** Runs of up to so many rows are told apart by each size. */
const EXACT_ROWS_MAX = 128
/** 1, 2, 3 ... 128, then up to 256, 512 ... 65536, more. */
export const BATCH_SIZES = EXACT_ROWS_MAX + 10

export const REASON_OK = 0
export const REASON_ABORTED = 1

/**
 * Index of an error code in the requests block. Replicas of one release are asked by the control of
 * another: a number is never changed and never given to another code. A new code takes the next
 * number below REASONS; a retired one keeps its line.
 */
const REASON_NUMBERS = {
  REQUEST_MALFORMED: 2,
  REQUEST_TOO_DEEP: 3,
  DUPLICATE_KEY: 4,
  TENSOR_SHAPE_MISMATCH: 5,
  TENSOR_DATATYPE_MISMATCH: 6,
  INPUT_VALUE_INVALID: 7,
  INPUT_MISSING: 8,
  INPUT_UNKNOWN: 9,
  OUTPUT_UNKNOWN: 10,
  BODY_TOO_LARGE: 11,
  ENCODING_UNSUPPORTED: 12,
  METHOD_NOT_ALLOWED: 13,
  ROUTE_NOT_FOUND: 14,
  ENDPOINT_NOT_FOUND: 15,
  MODEL_NOT_FOUND: 16,
  VERSION_NOT_FOUND: 17,
  VERSION_NOT_READY: 18,
  FORBIDDEN: 19,
  QUEUE_FULL: 20,
  BODY_BUDGET_EXHAUSTED: 21,
  INFERENCE_FAILED: 22,
  OUTPUT_NOT_FINITE: 23,
  INTERNAL: 24,
  MODEL_INVALID: 25,
  MODEL_UNSAFE: 26,
  MANIFEST_INVALID: 27,
  DIGEST_MISMATCH: 28,
  MODEL_CONFIG_INVALID: 29,
  PROVING_CRASHED: 30,
  PROVING_TIMEOUT: 31,
  PROVING_MEMORY: 32,
  PREPARE_FAILED: 33,
  BINDING_FAILED: 34,
  CONFIG_INVALID: 35,
  REPOSITORY_UNREADABLE: 36,
  PORT_IN_USE: 37,
  STATE_DIR_LOCKED: 38,
  STATE_TOO_NEW: 39,
  STATE_CORRUPT: 40,
  SOCKET_PATH_TOO_LONG: 41,
  CONTROL_UNREACHABLE: 42,
  STATE_DIR_INVALID: 43,
  STATE_UNWRITABLE: 44,
  REPLICAS_UNREACHABLE: 45,
  SERVER_TIMEOUT: 46,
  ANSWER_TOO_LARGE: 47,
  ENCODING_RATIO_EXCEEDED: 48,
  CONTROL_BUSY: 49,
  NOT_IMPLEMENTED: 50,
  EXTENSION_UNSUPPORTED: 51,
  PROVIDER_UNAVAILABLE: 52,
  DEADLINE_UNMEETABLE: 53,
  DEADLINE_EXPIRED: 54,
  KEY_REQUIRED: 55,
  RATE_LIMITED: 56,
  LOAD_FAILED: 58,
  VERSION_POISONED: 59,
  WARMUP_FAILED: 60,
  THREAD_LOST: 61,
  FILES_CHANGING: 62,
  RECORD_UNAVAILABLE: 63,
  FEEDBACK_INVALID: 64,
  FILE_INVALID: 65,
} as const satisfies Record<ErrorCode, number> & Record<string, number>

const REASON_NAMES: readonly string[] = (() => {
  const names: string[] = ['ok', 'aborted']
  for (const [code, number] of Object.entries(REASON_NUMBERS)) names[number] = code
  return names
})()

/** Index of a reason in the requests block: `ok`, `aborted`, then the error codes. */
export const reasonIndex = (code: ErrorCode): number => REASON_NUMBERS[code]
/** Name of a reason; '' for one that a newer release counts. */
export const reasonName = (index: number): string => REASON_NAMES[index] ?? ''

const HISTOGRAM = LATENCY_SLOTS + 1

export const PENDING_AT = 0
export const LAST_AT = 1
export const REQUESTS_AT = 2
export const TOTAL_AT = REQUESTS_AT + PROTOCOLS.length * REASONS
export const QUEUE_AT = TOTAL_AT + HISTOGRAM
export const COMPUTE_AT = QUEUE_AT + HISTOGRAM
export const INPUT_SECONDS_AT = COMPUTE_AT + HISTOGRAM
export const OUTPUT_SECONDS_AT = INPUT_SECONDS_AT + 1
export const FAIL_SECONDS_AT = OUTPUT_SECONDS_AT + 1
export const ROWS_AT = FAIL_SECONDS_AT + 1
export const RUNS_AT = ROWS_AT + 1
export const RUN_ROWS_AT = RUNS_AT + 1
export const RUN_SECONDS_AT = RUN_ROWS_AT + 1
export const BATCH_AT = RUN_SECONDS_AT + 1
/** Doubles of one batch size: runs; seconds of input, of the run, of output. */
export const BATCH_DOUBLES = 4
export const SLOT_DOUBLES = BATCH_AT + BATCH_SIZES * BATCH_DOUBLES

/** Sums of seconds in a slot; all its other sums are counts, whole numbers. */
export const SECONDS_AT: readonly number[] = [
  ...[TOTAL_AT, QUEUE_AT, COMPUTE_AT].map((at) => at + LATENCY_SLOTS),
  ...[INPUT_SECONDS_AT, OUTPUT_SECONDS_AT, FAIL_SECONDS_AT, RUN_SECONDS_AT],
  ...Array.from({ length: BATCH_SIZES }, (_, size) => BATCH_AT + size * BATCH_DOUBLES).flatMap(
    (at) => [at + 1, at + 2, at + 3],
  ),
]

/** Index of the requests counter of a protocol and reason within a slot. */
export const requestsIndex = (protocol: number, reason: number): number =>
  REQUESTS_AT + protocol * REASONS + reason

/** Place of a run of `rows` rows among the BATCH_SIZES. */
export const batchSizeOf = (rows: number): number => {
  if (rows <= EXACT_ROWS_MAX) return rows <= 1 ? 0 : rows - 1
  return Math.min(BATCH_SIZES - 1, EXACT_ROWS_MAX + 24 - Math.clz32(rows - 1))
}

/** The most rows that are counted at a place among the BATCH_SIZES; Infinity for the last. */
export const batchRowsMax = (size: number): number => {
  if (size < EXACT_ROWS_MAX) return size + 1
  return size < BATCH_SIZES - 1 ? 2 ** (size - EXACT_ROWS_MAX + 8) : Number.POSITIVE_INFINITY
}

/** First of the doubles of runs of `rows` rows within a slot. */
export const batchIndex = (rows: number): number => BATCH_AT + batchSizeOf(rows) * BATCH_DOUBLES

/** Labels of one slot. Empty strings where a request was refused before they were known. */
export interface SlotKey {
  readonly endpoint: string
  readonly model: string
  readonly version: string
  readonly variant: string
  readonly role: 'answer' | 'refused'
}

export const slotKeyText = (key: SlotKey): string =>
  JSON.stringify([key.endpoint, key.model, key.version, key.variant, key.role])

export const parseSlotKey = (text: string): SlotKey => {
  const [endpoint, model, version, variant, role] = JSON.parse(text) as string[]
  return {
    endpoint: endpoint ?? '',
    model: model ?? '',
    version: version ?? '',
    variant: variant ?? '',
    role: role === 'refused' ? 'refused' : 'answer',
  }
}
