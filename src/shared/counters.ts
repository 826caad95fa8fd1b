/**
 * The counters of one slot: (endpoint, model, version, variant, role). Each data thread owns one
 * Float64Array of `slots x SLOT_DOUBLES` in shared memory; only that thread writes it, so plain
 * increments suffice and a reader sees whole doubles (aligned 64-bit stores).
 *
 * ```
 * requests  PROTOCOLS x REASONS   one per protocol and reason; reason 0 is `ok`
 * total     LATENCY_SLOTS + 1     slot counts, then the sum in seconds
 * queue     LATENCY_SLOTS + 1
 * compute   LATENCY_SLOTS + 1
 * rows      1                     rows answered
 * runs      1                     batches run
 * batch     BATCH_SIZE_SLOTS + 1  runs by rows (powers of two), then the sum of rows
 * ```
 */

import { ERROR_CODES, type ErrorCode } from './errors.ts'
import { LATENCY_SLOTS } from './latency-slots.ts'

export const PROTOCOLS = ['features', 'oip', 'tfs', 'grpc', 'other'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** Room for codes to come, so that adopted replicas of the next release still fit. */
export const REASONS = 64

/** 1, 2, 4 ... 65536, more. */
export const BATCH_SIZE_SLOTS = 18

export const REASON_OK = 0
export const REASON_ABORTED = 1
/** Index of a reason in the requests block: `ok`, `aborted`, then the error codes. */
export const reasonIndex = (code: ErrorCode): number => 2 + ERROR_CODES.indexOf(code)
export const reasonName = (index: number): string =>
  index === REASON_OK ? 'ok' : index === REASON_ABORTED ? 'aborted' : (ERROR_CODES[index - 2] ?? '')

const HISTOGRAM = LATENCY_SLOTS + 1

export const REQUESTS_AT = 0
export const TOTAL_AT = REQUESTS_AT + PROTOCOLS.length * REASONS
export const QUEUE_AT = TOTAL_AT + HISTOGRAM
export const COMPUTE_AT = QUEUE_AT + HISTOGRAM
export const ROWS_AT = COMPUTE_AT + HISTOGRAM
export const RUNS_AT = ROWS_AT + 1
export const BATCH_AT = RUNS_AT + 1
export const SLOT_DOUBLES = BATCH_AT + BATCH_SIZE_SLOTS + 1

/** Index of the requests counter of a protocol and reason within a slot. */
export const requestsIndex = (protocol: number, reason: number): number =>
  REQUESTS_AT + protocol * REASONS + reason

/** Slot of a batch size: ceil(log2(rows)), at most BATCH_SIZE_SLOTS - 1. */
export const batchSizeSlot = (rows: number): number =>
  rows <= 1 ? 0 : Math.min(BATCH_SIZE_SLOTS - 1, 32 - Math.clz32(rows - 1))

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
