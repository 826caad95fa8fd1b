/**
 * Triton's counters, by model and version, from our slots. Names and meaning:
 * docs/user_guide/metrics.md of triton-inference-server/server and src/infer_stats.cc of its core.
 * Durations are those of successful requests only (`UpdateSuccess`).
 */

import {
  COMPUTE_AT,
  INPUT_SECONDS_AT,
  OUTPUT_SECONDS_AT,
  PENDING_AT,
  QUEUE_AT,
  ROWS_AT,
  RUNS_AT,
  SLOT_DOUBLES,
  type SlotKey,
  TOTAL_AT,
} from '../../shared/counters.ts'
import { LATENCY_SLOTS } from '../../shared/latency-slots.ts'
import type { MetricName } from './metric-table.ts'
import { type Sample, sample } from './sample.ts'
import { addTo } from './slot-sums.ts'
import { FAILURE_REASONS, tritonOutcomes } from './triton-outcomes.ts'

/** Seconds of successful requests. */
const DURATIONS: readonly (readonly [MetricName, number])[] = [
  ['nvRequestUs', TOTAL_AT + LATENCY_SLOTS],
  ['nvQueueUs', QUEUE_AT + LATENCY_SLOTS],
  ['nvInputUs', INPUT_SECONDS_AT],
  ['nvComputeUs', COMPUTE_AT + LATENCY_SLOTS],
  ['nvOutputUs', OUTPUT_SECONDS_AT],
]

/** Series that a version takes. */
export const TRITON_SERIES = 4 + DURATIONS.length + FAILURE_REASONS.length

/** The sums of one version over all its slots. */
export class TritonSums {
  readonly #labels: { readonly model: string; readonly version: string }
  readonly #sum = new Float64Array(SLOT_DOUBLES)

  constructor({ model, version }: SlotKey) {
    this.#labels = { model, version }
  }

  add(slot: Float64Array): void {
    addTo(this.#sum, slot)
  }

  samples(): Sample[] {
    const [labels, sum] = [this.#labels, this.#sum]
    const { success, failures } = tritonOutcomes(sum)
    return [
      sample('nvSuccess', success, labels),
      ...FAILURE_REASONS.map((reason) =>
        sample('nvFailure', failures[reason], { ...labels, reason }),
      ),
      sample('nvCount', sum[ROWS_AT]!, labels),
      sample('nvExecCount', sum[RUNS_AT]!, labels),
      ...DURATIONS.map(([metric, at]) => sample(metric, Math.round(sum[at]! * 1e6), labels)),
      sample('nvPending', sum[PENDING_AT]!, labels),
    ]
  }
}
