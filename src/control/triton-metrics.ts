/**
 * Triton's counters, by model and version, from our slots. Names and meaning:
 * docs/user_guide/metrics.md of triton-inference-server/server and src/infer_stats.cc of its core.
 *
 * - Durations are those of successful requests only (`UpdateSuccess`).
 * - A request that is refused while it is decoded is no failure: Triton's front ends answer it
 *   before its core counts anything.
 * - `nv_inference_pending_request_count` is left out: nothing counts waiting requests by version.
 */

import {
  COMPUTE_AT,
  PROTOCOLS,
  QUEUE_AT,
  REASON_ABORTED,
  REASON_OK,
  REASONS,
  ROWS_AT,
  RUNS_AT,
  reasonName,
  requestsIndex,
  type SlotKey,
  TOTAL_AT,
} from '../shared/counters.ts'
import { LATENCY_SLOTS } from '../shared/latency-slots.ts'
import { outcomeOf } from './outcome.ts'
import { type Sample, sample } from './sample.ts'

const FAILURE_REASONS = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const
type FailureReason = (typeof FAILURE_REASONS)[number]

/** Triton's reason for ours; null where Triton counts no failure. */
const failureReason = (reason: number): FailureReason | null => {
  if (reason === REASON_ABORTED) return 'CANCELED'
  const code = reasonName(reason)
  if (code === 'QUEUE_FULL') return 'REJECTED'
  if (code === 'INFERENCE_FAILED' || code === 'OUTPUT_NOT_FINITE') return 'BACKEND'
  return outcomeOf(reason) === 'failed' ? 'OTHER' : null
}

/** Series that a version takes. */
export const TRITON_SERIES = 6 + FAILURE_REASONS.length

/** The sums of one version over all its slots. */
export class TritonSums {
  readonly #labels: { readonly model: string; readonly version: string }
  readonly #failures = new Map<FailureReason, number>()
  #success = 0
  #rows = 0
  #runs = 0
  #requestSeconds = 0
  #queueSeconds = 0
  #computeSeconds = 0

  constructor({ model, version }: SlotKey) {
    this.#labels = { model, version }
  }

  add(slot: Float64Array): void {
    for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
      this.#success += slot[requestsIndex(protocol, REASON_OK)]!
      for (let reason = REASON_OK + 1; reason < REASONS; reason++) {
        const value = slot[requestsIndex(protocol, reason)]!
        const name = value === 0 ? null : failureReason(reason)
        if (name !== null) this.#failures.set(name, (this.#failures.get(name) ?? 0) + value)
      }
    }
    this.#rows += slot[ROWS_AT]!
    this.#runs += slot[RUNS_AT]!
    this.#requestSeconds += slot[TOTAL_AT + LATENCY_SLOTS]!
    this.#queueSeconds += slot[QUEUE_AT + LATENCY_SLOTS]!
    this.#computeSeconds += slot[COMPUTE_AT + LATENCY_SLOTS]!
  }

  samples(): Sample[] {
    const labels = this.#labels
    const microseconds = (seconds: number) => Math.round(seconds * 1e6)
    return [
      sample('nvSuccess', this.#success, labels),
      ...FAILURE_REASONS.map((reason) =>
        sample('nvFailure', this.#failures.get(reason) ?? 0, { ...labels, reason }),
      ),
      sample('nvCount', this.#rows, labels),
      sample('nvExecCount', this.#runs, labels),
      sample('nvRequestUs', microseconds(this.#requestSeconds), labels),
      sample('nvQueueUs', microseconds(this.#queueSeconds), labels),
      sample('nvComputeUs', microseconds(this.#computeSeconds), labels),
    ]
  }
}
