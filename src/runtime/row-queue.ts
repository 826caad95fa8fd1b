/**
 * What the request path knows of a version that can run: the place where its requests wait. The
 * same wherever the sessions live: `Batcher` in the thread itself, the pool's slots elsewhere.
 *
 * Every admitted member leaves exactly once, through the handlers of its queue (batch-runs.ts).
 */

import type { Refusal } from '../shared/errors.ts'
import type { Tensor, TensorData } from '../shared/tensor.ts'

/** Buffers to decode into: what is written there counts only once it is admitted. */
export interface DecodeTarget {
  columns: readonly TensorData[]
  /** The next row. */
  row: number
  /** How many rows still fit; 0: there are no buffers, tensors of the request's own are wanted. */
  room: number
}

/** What a queue reads of its members. Times are monotonic milliseconds. */
export interface Queued {
  /** Level of the version's queue policies, 1 first; 0 where it has none. */
  readonly priority: number
  /** The client's: what has not begun by then is never run. Infinity: none. */
  readonly deadlineMs: number
  /** When the time that the level's policy grants for waiting is over. Infinity: never. */
  readonly timeoutMs: number
}

/** The same, of requests that may run in another thread. */
export interface PoolQueued extends Queued {
  /** Its inputs are looked at when it leaves (`Place.inputs`): they are kept, or sent back. */
  readonly wantsInputs: boolean
}

export interface RowQueue<M extends Queued> {
  /**
   * Why `rows` more rows cannot be admitted now; null: they can. Cheap: it is asked before a body
   * is looked at, with 1 row, and again with all of them.
   */
  refusal(member: M, rows: number, nowMs: number): Refusal | null
  /** Where to decode the next request. */
  openTarget(target: DecodeTarget): void
  /** Admits `rows` rows that were decoded into the target of `openTarget`, in the same turn. */
  admitInPlace(member: M, rows: number, nowMs: number): void
  /** Admits a request with tensors of its own; `rows` is 1 for versions without row dimension. */
  admitTensors(member: M, tensors: Tensor[], rows: number, nowMs: number): void
  /**
   * The client has gone: unless its run has begun, the member leaves at once, through `onFailed`,
   * and is never run. False: it was not waiting any more.
   */
  cancel(member: M): boolean
}
