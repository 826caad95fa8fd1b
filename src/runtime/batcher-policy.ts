/** What a batcher is told: how to batch and queue, and when. */

import type { BatchPolicy } from '../shared/epoch-plan.ts'
import type { QueuePolicies } from '../shared/queue-policy.ts'

/** When the batcher is called back. The event loop in production, a puppet in tests. */
export interface Turns {
  monotonic(): number
  /** At the end of this turn of the event loop. */
  soon(task: () => void): void
  after(delayMs: number, task: () => void): void
}

/** How requests wait for a version: in one thread, for a pooled version in all data threads. */
export interface WaitingPolicy extends BatchPolicy {
  /** Rows that may wait on one level. A request of more is oversized. */
  readonly queueRowsMax: number
  /** The same in milliseconds of work. */
  readonly queueWorkMsMax: number
  /** Levels, and what is granted on each. */
  readonly queue: QueuePolicies
}

/** How a thread batches a version. */
export interface BatcherPolicy extends WaitingPolicy {
  /** Values of all outputs that a request in parts may have: they are kept until its last part. */
  readonly keptValuesMax: number
}
