/**
 * What waits for the runs of a version: a lane of batches for each priority level. Rows are decoded
 * into the batches that they wait in; who leaves early leaves a gap, closed when the batch is run.
 */

import type { Tensor } from '../shared/tensor.ts'
import { Batch, denseRowsOf, rowStridesOf } from './batch.ts'
import type { BatcherPolicy } from './batcher-policy.ts'
import { type Lane, lanesOf } from './lane.ts'
import type { DecodeTarget, Queued } from './row-queue.ts'
import type { Session } from './session-types.ts'

/** Buffers kept for reuse. A turn rarely fills more. */
const SPARE_BATCHES_MAX = 8

/** What a member waits for no longer. */
export interface Left<M> {
  readonly member: M
  /** Rows that will not be run. */
  readonly rows: number
  /** None of its rows had a run. */
  readonly isWhole: boolean
}

export class Waiting<M extends Queued> {
  readonly lanes: readonly Lane<M>[]
  /** The lane of each level; at 0 that of a request that names none. */
  readonly #byLevel: readonly Lane<M>[]
  readonly #session: Session
  readonly #policy: BatcherPolicy
  readonly #strides: readonly number[]
  /** Rows of a dense batch; 0 when the version has none. */
  readonly denseRows: number
  readonly #spare: Batch<M>[] = []
  /** An empty dense batch at hand: it joins a lane with its first member. */
  #empty: Batch<M> | null = null
  /** The batch of the last target. */
  #opened: Batch<M> | null = null
  /** Rows on all lanes. */
  rows = 0
  /** No deadline or policy timeout of a member is earlier. */
  dueMs = Infinity

  constructor(session: Session, policy: BatcherPolicy) {
    this.#session = session
    this.#policy = policy
    this.lanes = lanesOf(policy.queue)
    const usual = this.lanes[Math.max(0, policy.queue.defaultLevel - 1)] ?? this.lanes[0]!
    this.#byLevel = [usual, ...this.lanes]
    const { rowsMax, mixesRequests } = policy
    const strides = rowsMax === 0 ? null : rowStridesOf(session.signature.inputs)
    this.#strides = strides ?? []
    this.denseRows = strides === null ? 0 : denseRowsOf(strides, mixesRequests ? rowsMax : 1)
  }

  /** Whether requests may share a run. */
  get mixes(): boolean {
    return this.#policy.mixesRequests
  }

  /** Most rows of a run that such a batch may have. */
  capacityOf(batch: Batch<M>): number {
    return batch.isDense ? this.denseRows : this.#policy.rowsMax
  }

  laneOf({ priority }: Queued): Lane<M> {
    return this.#byLevel[priority]!
  }

  /** The last batch of the default level, or an empty one: nothing is known of the request yet. */
  openTarget(target: DecodeTarget): void {
    if (this.denseRows === 0) {
      target.room = 0
      return
    }
    const last = this.#byLevel[0]!.batches.at(-1)
    const batch = last?.isDense && this.#takes(last, 1) ? last : this.#emptyDense()
    batch.opened++
    this.#opened = batch
    target.columns = batch.columns
    target.row = batch.rows
    target.room = this.denseRows - batch.rows
  }

  /** `mayJoin`: whether the last batch of the lane would keep its deadlines with so many rows. */
  admitInPlace(member: M, rows: number, nowMs: number, mayJoin: boolean): void {
    const opened = this.#opened!
    const lane = this.laneOf(member)
    const batch = this.#openDense(lane, rows, mayJoin)
    if (batch === opened) opened.opened--
    else batch.copyRows(opened, opened.rows, rows)
    this.#admit(lane, batch, member, rows, nowMs)
  }

  admitTensors(member: M, tensors: Tensor[], rows: number, nowMs: number, mayJoin: boolean): void {
    const lane = this.laneOf(member)
    const isDense = rows <= this.denseRows
    const batch = isDense
      ? this.#openDense(lane, rows, mayJoin)
      : this.#openLoose(lane, tensors, rows, mayJoin)
    if (isDense) batch.copyIn(tensors, rows)
    else batch.tensors.push(tensors)
    this.#admit(lane, batch, member, rows, nowMs)
  }

  #admit(lane: Lane<M>, batch: Batch<M>, member: M, rows: number, nowMs: number): void {
    if (batch.members.length === 0) {
      lane.batches.push(batch)
      lane.runs += this.runsOf(rows)
      if (batch === this.#empty) this.#empty = null
    }
    batch.add(member, rows, nowMs)
    lane.joined(rows)
    this.rows += rows
    if (batch.dueMs < this.dueMs) this.dueMs = batch.dueMs
  }

  /** Runs that a batch of so many rows takes. */
  runsOf(rows: number): number {
    const { mixesRequests, rowsMax } = this.#policy
    return rows <= rowsMax || !mixesRequests ? 1 : Math.ceil(rows / rowsMax)
  }

  /** Whether a waiting batch takes so many rows more. */
  #takes(batch: Batch<M>, rows: number): boolean {
    return this.#policy.mixesRequests && batch.rows + rows <= this.capacityOf(batch)
  }

  #openDense(lane: Lane<M>, rows: number, mayJoin: boolean): Batch<M> {
    const last = lane.batches.at(-1)
    return last?.isDense && mayJoin && this.#takes(last, rows) ? last : this.#emptyDense()
  }

  #emptyDense(): Batch<M> {
    this.#empty ??= this.#takeDense()
    return this.#empty
  }

  #openLoose(lane: Lane<M>, tensors: readonly Tensor[], rows: number, mayJoin: boolean): Batch<M> {
    const hasRows = this.#policy.rowsMax > 0
    const key = hasRows ? tensors.map(({ shape }) => shape.slice(1).join('x')).join(';') : ''
    const last = lane.batches.at(-1)
    const isLike = hasRows && last !== undefined && !last.isDense && last.shapeKey === key
    if (isLike && mayJoin && this.#takes(last, rows)) return last
    const batch = this.#newLoose()
    batch.shapeKey = key
    return batch
  }

  #takeDense(): Batch<M> {
    return (
      this.#spare.pop() ??
      new Batch<M>(this.#session.signature.inputs, this.#strides, this.denseRows)
    )
  }

  #newLoose(): Batch<M> {
    return new Batch<M>(this.#session.signature.inputs, [], 0)
  }

  /** An empty batch of the same kind. */
  emptyLike(batch: Batch<M>): Batch<M> {
    const empty = batch.isDense ? this.#takeDense() : this.#newLoose()
    empty.shapeKey = batch.shapeKey
    return empty
  }

  /** A batch that waits nowhere and has no members that anybody waits for. */
  recycle(batch: Batch<M>): void {
    if (!batch.isDense || this.#spare.length >= SPARE_BATCHES_MAX) return
    batch.clear()
    this.#spare.push(batch)
  }

  /** Takes a member out that has not begun, or is between parts. */
  take(member: M): Left<M> | null {
    const lane = this.laneOf(member)
    for (const list of [lane.batches, lane.delayed]) {
      for (const batch of list) {
        const index = batch.members.indexOf(member)
        if (index >= 0) return this.#remove(lane, batch, index)
      }
    }
    return null
  }

  #remove(lane: Lane<M>, batch: Batch<M>, index: number): Left<M> {
    const member = batch.members[index]!
    const isWhole = batch.parts === null
    const rows = isWhole ? batch.sizes[index]! : batch.leftRows
    const runs = this.runsOf(batch.leftRows)
    batch.remove(index)
    if (isWhole) lane.left(member, rows)
    else lane.leftRows(member, rows)
    this.rows -= rows
    if (batch.members.length === 0) {
      lane.drop(batch)
      lane.runs -= runs
      this.recycle(batch)
    }
    return { member, rows, isWhole }
  }

  /**
   * Takes out whose time is over, in all batches, and notes when that of the next will be. Those
   * whose policy has them delayed go behind the others of their lane instead.
   */
  sweep(nowMs: number): Left<M>[] {
    const left: Left<M>[] = []
    this.dueMs = Infinity
    for (const lane of this.lanes) {
      for (const batch of [...lane.batches]) this.sweepBatch(lane, batch, nowMs, left, nowMs)
      for (const batch of [...lane.delayed]) this.sweepBatch(lane, batch, nowMs, left, nowMs)
    }
    return left
  }

  /** The same for one batch. `endMs`: a deadline before it cannot be kept either. */
  sweepBatch(lane: Lane<M>, batch: Batch<M>, nowMs: number, left: Left<M>[], endMs: number): void {
    if (batch.dueMs <= nowMs || batch.deadlineMs < endMs) {
      const isInTime = batch.parts === null && lane.batches.includes(batch)
      const isDelayed = isInTime && lane.policy.timeoutAction === 'delay'
      for (let i = 0; i < batch.members.length; ) {
        const { deadlineMs, timeoutMs } = batch.members[i]!
        const isTimeOver = isInTime && timeoutMs <= nowMs
        if (deadlineMs <= nowMs || deadlineMs < endMs || (isTimeOver && !isDelayed)) {
          left.push(this.#remove(lane, batch, i))
        } else if (isTimeOver) this.#delay(lane, batch, i)
        else i++
      }
      batch.lookAtTimes(isInTime)
    }
    if (batch.dueMs < this.dueMs) this.dueMs = batch.dueMs
  }

  /** Behind all of its lane that are in time: a deadline alone can end its waiting now. */
  #delay(lane: Lane<M>, batch: Batch<M>, index: number): void {
    const rows = batch.sizes[index]!
    const last = lane.delayed.at(-1)
    let target = last
    if (target === undefined || !target.isLike(batch) || !this.#takes(target, rows)) {
      target = this.emptyLike(batch)
      lane.delayed.push(target)
      lane.runs += this.runsOf(rows)
    }
    target.adopt(batch, index)
    target.lookAtTimes(false)
    const runs = this.runsOf(batch.leftRows)
    batch.remove(index)
    if (batch.members.length > 0) return
    lane.drop(batch)
    lane.runs -= runs
    this.recycle(batch)
  }
}
