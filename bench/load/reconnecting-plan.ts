/** What reconnecting clients (reconnecting.ts) are asked for, and what came of it. */

import type { Target } from './load.ts'

/** The line that says that from now on everything counts. */
export const COUNTING = 'counting'

export interface ReconnectingPlan {
  readonly target: Target
  readonly clients: number
  /** Before anything counts: who is let in settles first, among clients that start cold. */
  readonly settleSeconds: number
  readonly seconds: number
  readonly requestsPerConnection: number
  /** An answer counts when it has come so long after its request was sent. */
  readonly deadlineMs: number
}

export interface ReconnectingResult {
  readonly seconds: number
  readonly good: number
  /** Answered with 200 behind the deadline. */
  readonly late: number
  /** Answered with 503 or 429. */
  readonly refused: number
  /** Any other answer. */
  readonly failed: number
  /** Connections that were refused, or closed under a request. */
  readonly broken: number
  readonly connected: number
}
