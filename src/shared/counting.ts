/**
 * The increments of stage 8, over the counters of one data thread (counters.ts). Monomorphic and
 * free of allocation: they run for every request.
 */

import { BATCH_AT, BATCH_SIZE_SLOTS, batchSizeSlot, RUNS_AT, requestsIndex } from './counters.ts'
import { LATENCY_SLOTS, latencySlot } from './latency-slots.ts'

/** Counts a request in the slot at `base`. `reason`: REASON_OK or reasonIndex(code). */
export const countRequest = (
  counters: Float64Array,
  base: number,
  protocol: number,
  reason: number,
): void => {
  counters[base + requestsIndex(protocol, reason)]! += 1
}

/** Adds a duration in microseconds to the histogram that starts at `at`; its sum is in seconds. */
export const observe = (counters: Float64Array, at: number, us: number): void => {
  counters[at + latencySlot(us)]! += 1
  counters[at + LATENCY_SLOTS]! += us / 1e6
}

/** Counts a run of `rows` rows in the slot at `base`. */
export const countRun = (counters: Float64Array, base: number, rows: number): void => {
  counters[base + RUNS_AT]! += 1
  counters[base + BATCH_AT + batchSizeSlot(rows)]! += 1
  counters[base + BATCH_AT + BATCH_SIZE_SLOTS]! += rows
}
