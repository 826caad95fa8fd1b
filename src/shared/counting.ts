/**
 * The increments of stage 8, over the counters of one data thread (counters.ts). Monomorphic and
 * free of allocation: they run for every request.
 */

import {
  batchIndex,
  INPUT_SECONDS_AT,
  LAST_AT,
  OUTPUT_SECONDS_AT,
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  requestsIndex,
} from './counters.ts'
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
export const countRun = (
  counters: Float64Array,
  base: number,
  rows: number,
  inputSeconds: number,
  runSeconds: number,
): void => {
  counters[base + RUNS_AT]! += 1
  counters[base + RUN_ROWS_AT]! += rows
  counters[base + RUN_SECONDS_AT]! += runSeconds
  const at = base + batchIndex(rows)
  counters[at]! += 1
  counters[at + 1]! += inputSeconds
  counters[at + 2]! += runSeconds
}

/** Notes the end of a run, milliseconds since 1970. The clock may have been set back since. */
export const noteEnd = (counters: Float64Array, base: number, endedAtMs: number): void => {
  if (endedAtMs > counters[base + LAST_AT]!) counters[base + LAST_AT] = endedAtMs
}

/**
 * Adds what an answered request has of the run that answered it, and of its answer.
 *
 * @param runRows rows of that run
 */
export const countParts = (
  counters: Float64Array,
  base: number,
  runRows: number,
  inputSeconds: number,
  outputSeconds: number,
): void => {
  counters[base + INPUT_SECONDS_AT]! += inputSeconds
  counters[base + OUTPUT_SECONDS_AT]! += outputSeconds
  counters[base + batchIndex(runRows) + 3]! += outputSeconds
}
