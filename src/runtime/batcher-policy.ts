/** What a batcher is told: how to batch and queue, and when. */

import type { BatchPolicy, PlannedVersion } from '../shared/epoch-plan.ts'

/** When the batcher is called back. The event loop in production, a puppet in tests. */
export interface Turns {
  monotonic(): number
  /** At the end of this turn of the event loop. */
  soon(task: () => void): void
  after(delayMs: number, task: () => void): void
}

/** How a thread batches a version. */
export interface BatcherPolicy extends BatchPolicy {
  /** Rows that may wait. A request of more is oversized. */
  readonly queueRowsMax: number
  /** Values of all outputs that a request in parts may have: they are kept until its last part. */
  readonly keptValuesMax: number
  /** What runs cost before the first one. */
  readonly runUsByRows: PlannedVersion['runUsByRows']
}
