/**
 * Continuous batching for one instance: what arrived in the same turn of the event loop, or while
 * the instance ran, is the next batch. An idle instance never waits, unless the version's policy
 * asks for a queue delay.
 *
 * Runs on the thread that owns the session. It has no thread and no timer of its own: `turns` calls
 * it back. Every admitted member leaves exactly once, through `onDone` or `onFailed`.
 *
 * ```
 * refusal -> admit -> level 1 [batch][batch][open batch] -> run -> onDone for each member
 *                     level 2 [batch][open batch]            \-> threw: halve until only the bad
 *                     (time over, delayed: [batch])              member fails
 * ```
 *
 * Every arrival asks for a turn, and the turn decides whether its batch runs or waits. A timer only
 * sees to it that a turn comes when the waiting is over, or the time of somebody who waits. What is
 * cancelled, or past its deadline, leaves at once and is never run.
 */

import type { Refusal } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Batch } from './batch.ts'
import { type BatcherHandlers, BatchRuns } from './batch-runs.ts'
import type { BatcherPolicy, Turns } from './batcher-policy.ts'
import { Company } from './company.ts'
import type { CostModel } from './cost-model.ts'
import { takeBatch } from './forming.ts'
import type { Lane } from './lane.ts'
import { LaneOrder } from './lane-order.ts'
import { EXPIRED, GONE, unmeetable } from './queue-admission.ts'
import { QueueGate, TURN_MS_MAX } from './queue-gate.ts'
import type { DecodeTarget, Queued, RowQueue } from './row-queue.ts'
import type { Session } from './session-types.ts'
import type { ThreadWork } from './thread-work.ts'
import { type Left, Waiting } from './waiting.ts'

/** What a batcher runs on, and shares with others. */
export interface BatcherSurroundings {
  readonly session: Session
  /** Of the session: it outlives the queues over it. */
  readonly cost: CostModel
  readonly work: ThreadWork
  readonly turns: Turns
}

export class Batcher<M extends Queued> implements RowQueue<M> {
  readonly #policy: BatcherPolicy
  readonly #turns: Turns
  readonly #handlers: BatcherHandlers<M>
  readonly #work: ThreadWork
  readonly #cost: CostModel
  readonly #runs: BatchRuns<M>
  readonly #waiting: Waiting<M>
  readonly #gate: QueueGate<M>
  readonly #order: LaneOrder<M>
  readonly #company: Company<M>
  #isTurnDue = false
  /** When the timer that is set goes off. */
  #wakeMs = Infinity
  /** Start of the last turn after which something still waited; negative: nothing did. */
  #turnMs = -1
  /** Milliseconds of runs on the thread by then. */
  #ranMs = 0
  /** When the batch is formed that is being formed. */
  #formedMs = 0

  constructor(
    { session, cost, work, turns }: BatcherSurroundings,
    policy: BatcherPolicy,
    handlers: BatcherHandlers<M>,
  ) {
    this.#policy = policy
    this.#turns = turns
    this.#handlers = handlers
    this.#cost = cost
    this.#work = work
    this.#runs = new BatchRuns(session, policy, () => turns.monotonic(), handlers, cost)
    this.#waiting = new Waiting<M>(session, policy)
    this.#gate = new QueueGate(policy, this.#waiting, cost, work)
    this.#order = new LaneOrder(this.#waiting.lanes, cost, policy.rowsMax)
    this.#company = new Company(this.#waiting, policy, cost)
  }

  /** Nobody has requests for it any more. */
  dispose(): void {
    this.#gate.dispose()
  }

  /** Rows of a dense batch; 0 when the version has none. */
  get denseRows(): number {
    return this.#waiting.denseRows
  }

  /** Rows that were admitted and whose run has not begun. */
  get queuedRows(): number {
    return this.#waiting.rows
  }

  /** Those of them that belong to requests larger than the whole bound. */
  get oversizedRows(): number {
    return this.#waiting.lanes.reduce((sum, lane) => sum + lane.oversizedRows, 0)
  }

  /** Milliseconds of runs that what waits is expected to take. */
  get waitingMs(): number {
    return this.#gate.waitingMs()
  }

  refusal(member: M, rows: number, nowMs: number): Refusal | null {
    return this.#gate.refusal(member, rows, nowMs)
  }

  openTarget(target: DecodeTarget): void {
    this.#waiting.openTarget(target)
  }

  /** `nowMs`: monotonic milliseconds. */
  admitInPlace(member: M, rows: number, nowMs: number): void {
    this.#waiting.admitInPlace(member, rows, nowMs, this.#gate.mayJoin(member, rows, nowMs))
    this.#admitted(member, rows)
  }

  admitTensors(member: M, tensors: Tensor[], rows: number, nowMs: number): void {
    const mayJoin = this.#gate.mayJoin(member, rows, nowMs)
    this.#waiting.admitTensors(member, tensors, rows, nowMs, mayJoin)
    this.#admitted(member, rows)
  }

  #admitted(member: M, rows: number): void {
    if (this.#gate.isOversized(rows)) {
      const lane = this.#waiting.laneOf(member)
      lane.oversized = member
      lane.oversizedRows = rows
    }
    this.#handlers.onQueueRows(rows)
    this.#handlers.onQueued(member)
    const { dueMs } = this.#waiting
    if (dueMs < this.#wakeMs) this.#wakeAt(dueMs, this.#turns.monotonic())
    this.#schedule()
  }

  cancel(member: M): boolean {
    const left = this.#waiting.take(member)
    if (left === null) return false
    this.#noteLeft(left)
    this.#runs.failed(member, GONE, -1)
    return true
  }

  #noteLeft({ member, rows, isWhole }: Left<M>): void {
    this.#handlers.onQueueRows(-rows)
    if (isWhole) this.#handlers.onUnqueued(member)
  }

  /** Who has left because the time is over, or would be before a run has ended, is told so. */
  #refuseAll(left: readonly Left<M>[], nowMs: number): void {
    for (const each of left) this.#noteLeft(each)
    for (const { member } of left) {
      const isOver = Math.min(member.deadlineMs, member.timeoutMs) <= nowMs
      const refusal = isOver ? EXPIRED : unmeetable(member.deadlineMs - nowMs)
      this.#runs.failed(member, refusal, -1)
    }
  }

  #schedule(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    this.#turns.soon(this.#onTurn)
  }

  /** Sees to a turn at that time, or later if the thread is busy. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#wakeMs) return
    this.#wakeMs = atMs
    this.#turns.after(Math.max(1, Math.ceil(atMs - nowMs)), this.#onTimer)
  }

  readonly #onTurn = (): void => {
    this.#isTurnDue = false
    this.#takeTurn()
  }

  readonly #onTimer = (): void => {
    this.#wakeMs = Infinity
    this.#takeTurn()
  }

  #takeTurn(): void {
    const startedMs = this.#turns.monotonic()
    const waiting = this.#waiting
    let nowMs = startedMs
    if (this.#turnMs >= 0) this.#noteBusyTurn(nowMs)
    if (waiting.dueMs <= nowMs) this.#refuseAll(waiting.sweep(nowMs), nowMs)
    while (waiting.rows > 0 && nowMs - startedMs <= TURN_MS_MAX) {
      const lane = this.#order.next()
      if (this.#dropLate(lane, nowMs)) continue
      const { rowsMax, waitMs } = this.#company.plan(lane.head!, nowMs)
      if (waitMs > 0) {
        this.#await(waitMs, nowMs)
        return
      }
      this.#run(lane, rowsMax, nowMs)
      if (waiting.rows === 0) break
      const endedMs = this.#turns.monotonic()
      this.#order.ran(lane, endedMs - nowMs)
      nowMs = endedMs
    }
    if (waiting.rows > 0) this.#goOn(startedMs)
    else this.#order.rest()
  }

  /** Of the next batch, whose time is over before its run has ended; true: somebody has left. */
  #dropLate(lane: Lane<M>, nowMs: number): boolean {
    const head = lane.head!
    if (head.dueMs === Infinity) return false
    const endMs = this.#gate.surelyEndMs(head.leftRows, nowMs)
    if (head.dueMs > nowMs && head.deadlineMs >= endMs) return false
    const left: Left<M>[] = []
    this.#waiting.sweepBatch(lane, head, nowMs, left, endMs)
    this.#refuseAll(left, nowMs)
    return true
  }

  /** Until somebody else comes, or the time is over. */
  #await(waitMs: number, nowMs: number): void {
    // Timers have 1 ms steps; the last part of a wait is spent turning the loop.
    if (waitMs < 1) this.#schedule()
    else this.#wakeAt(nowMs + Math.floor(waitMs), nowMs)
    this.#wakeAt(this.#waiting.dueMs, nowMs)
  }

  /** Sockets are read before what still waits has its turn. */
  #goOn(startedMs: number): void {
    this.#turnMs = startedMs
    this.#ranMs = this.#work.ranMs
    this.#schedule()
  }

  #noteBusyTurn(nowMs: number): void {
    this.#work.turned(nowMs - this.#turnMs, this.#work.ranMs - this.#ranMs, nowMs)
    this.#turnMs = -1
  }

  #run(lane: Lane<M>, rowsMax: number, nowMs: number): void {
    const head = lane.head!
    if (this.#policy.mixesRequests && head.rows > this.#policy.rowsMax) {
      this.#runPart(lane, head, nowMs)
      return
    }
    this.#formedMs = nowMs
    const batch = takeBatch(this.#waiting, lane, rowsMax, nowMs, this.#keepsDeadline)
    this.#handlers.onQueueRows(-batch.rows)
    for (const member of batch.members) this.#handlers.onUnqueued(member)
    const { ranUs } = this.#cost
    this.#runs.run(batch, 0, batch.members.length, nowMs)
    this.#gate.ran(nowMs, ranUs)
    this.#waiting.recycle(batch)
  }

  readonly #keepsDeadline = (rows: number, deadlineMs: number): boolean =>
    deadlineMs === Infinity || this.#gate.endMs(rows, this.#formedMs) <= deadlineMs

  /** Between the parts of a large request the others have their turn. */
  #runPart(lane: Lane<M>, batch: Batch<M>, nowMs: number): void {
    const list = lane.batches[0] === batch ? lane.batches : lane.delayed
    list.shift()
    const member = batch.members[0]!
    const left = batch.leftRows
    const rows = Math.min(left, this.#policy.rowsMax)
    lane.runs--
    if (batch.parts === null) lane.left(member, rows)
    else lane.leftRows(member, rows)
    this.#waiting.rows -= rows
    this.#noteLeft({ member, rows, isWhole: batch.parts === null })
    const { ranUs } = this.#cost
    const hasLeft = this.#runs.runPart(batch, nowMs)
    this.#gate.ran(nowMs, ranUs)
    if (!hasLeft) {
      batch.lookAtTimes(false)
      list.push(batch)
    } else if (left > rows) {
      // It failed before its last part.
      lane.runs -= this.#waiting.runsOf(left - rows)
      lane.leftRows(member, left - rows)
      this.#waiting.rows -= left - rows
      this.#handlers.onQueueRows(rows - left)
    }
  }
}
