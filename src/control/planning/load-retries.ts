/** When what failed is tried again by itself: with growing distance, so many times. Pure. */

import type { ErrorCode } from '../../shared/errors.ts'

export interface RetryPolicy {
  /** Tries after the first; 0: none. */
  readonly max: number
  /** From the first failure to the next try; then twice that, and so on. */
  readonly firstMs: number
}

/** Failures that may pass without a change of the files. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'DIGEST_MISMATCH',
  'PREPARE_FAILED',
  'PROVING_CRASHED',
  'PROVING_MEMORY',
  'PROVING_TIMEOUT',
  'REPOSITORY_UNREADABLE',
])

export const mayPass = (code: ErrorCode): boolean => PASSING.has(code)

/** Milliseconds from the last of `tries` failures in a row to the next try; null: there is none. */
export const retryDelayMs = (tries: number, { max, firstMs }: RetryPolicy): number | null =>
  tries > max ? null : firstMs * 2 ** (tries - 1)

/** A failure in a row of them, and what follows. */
export interface Attempt {
  /** Failures in a row; 0: none. */
  readonly tries: number
  /** Monotonic milliseconds; null: it is not tried again by itself. */
  readonly retryAtMs: number | null
  /** For its reader: how often it was tried and when it is again; '' where that is all. */
  readonly note: string
}

export const NO_ATTEMPT: Attempt = { tries: 0, retryAtMs: null, note: '' }

/** One more failure after `tries` others. */
export const failedAttempt = (
  code: ErrorCode,
  tries: number,
  policy: RetryPolicy,
  nowMs: number,
): Attempt => {
  if (!mayPass(code) || policy.max === 0) return { ...NO_ATTEMPT, tries: tries + 1 }
  const delayMs = retryDelayMs(tries + 1, policy)
  const tried = `tried ${tries + 1} of ${policy.max + 1} times`
  if (delayMs === null) return { tries: tries + 1, retryAtMs: null, note: tried }
  const again = `again ${delayMs / 1000} s after the last`
  return { tries: tries + 1, retryAtMs: nowMs + delayMs, note: `${tried}, ${again}` }
}
