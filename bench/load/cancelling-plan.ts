/** What clients that change their minds (cancelling.ts) are asked for, and what came of it. */

import type { Target } from './load.ts'

export interface CancellingPlan {
  readonly target: Target
  /** All ask at once, each on a connection of its own; every second one goes again. */
  readonly clients: number
  /** When those go that have no answer yet. */
  readonly cancelAfterMs: number
}

export interface CancellingResult {
  /** Answered with 200. */
  readonly answered: number
  /** Those that went while their requests waited or ran. */
  readonly cancelled: number
  /** Any other answer, and connections that broke. */
  readonly failed: number
}
