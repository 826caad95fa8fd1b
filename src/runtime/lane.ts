/** What waits on one priority level of a version: batches in their order, and how much it is. */

import type { QueuePolicies, QueuePolicy } from '../shared/queue-policy.ts'
import type { Batch } from './batch.ts'
import type { Queued } from './row-queue.ts'

export class Lane<M extends Queued> {
  readonly policy: QueuePolicy
  /** In the order in which they run; new members join the last one. */
  readonly batches: Batch<M>[] = []
  /** Of those whose policy time is over: they run after all that are in time. */
  readonly delayed: Batch<M>[] = []
  /** Requests and rows whose run has not begun. */
  requests = 0
  rows = 0
  /** Runs that they will take, as they lie. */
  runs = 0
  /** The request that is larger than the whole bound, and its rows that wait. */
  oversized: M | null = null
  oversizedRows = 0

  constructor(policy: QueuePolicy) {
    this.policy = policy
  }

  /** The batch that is next; undefined: nothing waits. */
  get head(): Batch<M> | undefined {
    return this.batches[0] ?? this.delayed[0]
  }

  /** A member joins. Its batch is counted with its first. */
  joined(rows: number): void {
    this.requests++
    this.rows += rows
  }

  /** A member that has not begun is not waiting any more. */
  left(member: M, rows: number): void {
    this.requests--
    this.leftRows(member, rows)
  }

  /** None of the members of a batch is waiting any more. */
  leftAll({ members, sizes, rows }: Batch<M>): void {
    this.requests -= members.length
    this.rows -= rows
    if (this.oversized === null) return
    const index = members.indexOf(this.oversized)
    if (index < 0) return
    this.oversizedRows -= sizes[index]!
    this.oversized = null
  }

  /** Rows of a member are not waiting any more. */
  leftRows(member: M, rows: number): void {
    this.rows -= rows
    if (member !== this.oversized) return
    this.oversizedRows -= rows
    if (this.oversizedRows <= 0) this.oversized = null
  }

  /** Takes a batch out of where it waits. */
  drop(batch: Batch<M>): void {
    const list = this.batches.includes(batch) ? this.batches : this.delayed
    list.splice(list.indexOf(batch), 1)
  }
}

/** One lane for each level, the first one first; a single one where there are no levels. */
export const lanesOf = <M extends Queued>({ levels, base, byLevel }: QueuePolicies): Lane<M>[] =>
  Array.from(
    { length: Math.max(1, levels) },
    (_, i) => new Lane<M>((levels > 0 ? byLevel[i + 1] : undefined) ?? base),
  )
