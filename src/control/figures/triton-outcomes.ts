/** What became of the requests of a version, as Triton counts them. Pure. */

import {
  PROTOCOLS,
  REASON_ABORTED,
  REASON_OK,
  REASONS,
  reasonName,
  requestsIndex,
} from '../../shared/counters.ts'
import { outcomeOf } from './outcome.ts'

/** Reasons of failures (Triton: core, infer_stats.cc). */
export const FAILURE_REASONS = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const
export type FailureReason = (typeof FAILURE_REASONS)[number]

/**
 * Codes whose outcome does not tell what Triton makes of them: what its queue refuses is rejected,
 * and what fails once it is in the queue has failed, whatever its status here.
 */
const BY_CODE: Readonly<Record<string, FailureReason>> = {
  QUEUE_FULL: 'REJECTED',
  DEADLINE_UNMEETABLE: 'REJECTED',
  DEADLINE_EXPIRED: 'REJECTED',
  INFERENCE_FAILED: 'BACKEND',
  OUTPUT_NOT_FINITE: 'BACKEND',
  THREAD_LOST: 'BACKEND',
  ANSWER_TOO_LARGE: 'OTHER',
}

/**
 * Triton's reason for one of counters.ts; null where Triton counts no failure, as of what is
 * refused while it is decoded: its front ends answer that before its core counts anything.
 */
const failureReason = (reason: number): FailureReason | null => {
  if (reason === REASON_ABORTED) return 'CANCELED'
  const known = BY_CODE[reasonName(reason)]
  return known ?? (outcomeOf(reason) === 'failed' ? 'OTHER' : null)
}

export interface TritonOutcomes {
  readonly success: number
  readonly failures: Readonly<Record<FailureReason, number>>
}

/** Of the requests of a slot, or of the sum of several. */
export const tritonOutcomes = (slot: Float64Array): TritonOutcomes => {
  const failures = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 }
  let success = 0
  for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
    success += slot[requestsIndex(protocol, REASON_OK)]!
    for (let reason = REASON_OK + 1; reason < REASONS; reason++) {
      const count = slot[requestsIndex(protocol, reason)]!
      const name = count === 0 ? null : failureReason(reason)
      if (name !== null) failures[name] += count
    }
  }
  return { success, failures }
}
