/**
 * Continuous batching for one instance: what arrived in the same turn of the event loop, or while
 * the instance ran, is the next batch. An idle instance never waits, unless the version's policy
 * asks for a queue delay.
 *
 * Runs on the thread that owns the session. It has no thread and no timer of its own: `turns` calls
 * it back. Every admitted member leaves exactly once, through `onDone` or `onFailed`.
 *
 * ```
 * admit -> [batch][batch][open batch] -> run -> onDone for each member
 *                                         \-> threw: halve until only the bad member fails
 * ```
 *
 * Every arrival asks for a turn, and the turn decides whether its batch runs or waits. A timer only
 * sees to it that a turn comes when the waiting is over.
 */

import { type Refusal, refuse } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import { Batch, denseRowsOf, rowStridesOf } from './batch.ts'
import { type BatcherHandlers, BatchRuns } from './batch-runs.ts'
import type { BatcherPolicy, Turns } from './batcher-policy.ts'
import { CostModel } from './cost-model.ts'
import type { DecodeTarget, Queued, RowQueue } from './row-queue.ts'
import type { Session } from './session-types.ts'

/** Told to nobody: who is answered so has gone. */
const GONE = refuse('INFERENCE_FAILED', 'The client has gone')

/** A turn in which runs took this long ends, so that sockets are read in between. */
const TURN_MS_MAX = 1
/** Buffers kept for reuse. A turn rarely fills more. */
const SPARE_BATCHES_MAX = 8

export class Batcher<M extends Queued> implements RowQueue<M> {
  readonly #session: Session
  readonly #policy: BatcherPolicy
  readonly #turns: Turns
  readonly #handlers: BatcherHandlers<M>
  readonly #runs: BatchRuns<M>
  readonly #strides: readonly number[]
  /** What runs cost, as they go. */
  readonly cost: CostModel
  /** Rows of a dense batch; 0 when the version has none. */
  readonly denseRows: number
  /** How long a batch may wait for company; 0 where requests never share a run. */
  readonly #delayMs: number
  /** Rows that end the waiting. */
  readonly #enoughRows: number
  readonly #queue: Batch<M>[] = []
  readonly #spare: Batch<M>[] = []
  /** An empty dense batch at hand: it joins the queue with its first member. */
  #empty: Batch<M> | null = null
  #isTurnDue = false
  #isTimerSet = false
  /** Rows that were admitted and whose run has not begun. */
  queuedRows = 0
  /** Those of them that belong to an oversized request. */
  oversizedRows = 0
  /** The batch that they are in. */
  #oversized: Batch<M> | null = null

  constructor(session: Session, policy: BatcherPolicy, turns: Turns, handlers: BatcherHandlers<M>) {
    const { rowsMax, preferredRows, mixesRequests, queueDelayUsMax } = policy
    this.#session = session
    this.#policy = policy
    this.cost = new CostModel(policy.runUsByRows)
    this.#turns = turns
    this.#handlers = handlers
    this.#runs = new BatchRuns(session, policy, () => turns.monotonic(), handlers, this.cost)
    const strides = rowsMax === 0 ? null : rowStridesOf(session.signature.inputs)
    this.#strides = strides ?? []
    this.denseRows = strides === null ? 0 : denseRowsOf(strides, mixesRequests ? rowsMax : 1)
    this.#delayMs = mixesRequests ? queueDelayUsMax / 1000 : 0
    this.#enoughRows = Math.min(this.denseRows || rowsMax, ...preferredRows)
  }

  /**
   * Bounds the queue in rows. A request larger than the whole bound is let in when the queue is
   * empty: it could never be served otherwise. So there is at most one, and what waits of it is
   * left out, since it runs in parts and others have their turn in between.
   */
  refusal(_member: M, rows: number): Refusal | null {
    const { queuedRows, oversizedRows } = this
    const { queueRowsMax } = this.#policy
    if (queuedRows === 0 || queuedRows - oversizedRows + rows <= queueRowsMax) return null
    return refuse('QUEUE_FULL', `${queuedRows} rows are waiting; the limit is ${queueRowsMax}`)
  }

  /** The open dense batch. */
  openTarget(target: DecodeTarget): void {
    if (this.denseRows === 0) {
      target.room = 0
      return
    }
    const batch = this.#openDense(1)
    batch.opened++
    target.columns = batch.columns
    target.row = batch.rows
    target.room = this.denseRows - batch.rows
  }

  /** `nowMs`: monotonic milliseconds. */
  admitInPlace(member: M, rows: number, nowMs: number): void {
    const batch = this.#openDense(rows)
    batch.opened--
    this.#admit(batch, member, rows, nowMs)
  }

  admitTensors(member: M, tensors: Tensor[], rows: number, nowMs: number): void {
    const isDense = rows <= this.denseRows
    const batch = isDense ? this.#openDense(rows) : this.#openLoose(tensors, rows)
    if (isDense) batch.copyIn(tensors, rows)
    else batch.tensors.push(tensors)
    this.#admit(batch, member, rows, nowMs)
  }

  #admit(batch: Batch<M>, member: M, rows: number, nowMs: number): void {
    if (batch.members.length === 0) {
      this.#queue.push(batch)
      if (batch === this.#empty) this.#empty = null
    }
    batch.add(member, rows, nowMs)
    if (rows > this.#policy.queueRowsMax) {
      this.#oversized = batch
      this.oversizedRows = rows
    }
    this.#noteQueue(rows)
    this.#handlers.onQueued(member)
    this.#schedule()
  }

  cancel(member: M): boolean {
    for (const [i, batch] of this.#queue.entries()) {
      const index = batch.members.indexOf(member)
      if (index < 0) continue
      if (batch.parts === null) this.#handlers.onUnqueued(member)
      this.#leaveQueue(batch, batch.sizes[index]! - (batch.parts?.done ?? 0))
      batch.remove(index)
      if (batch.members.length === 0) {
        this.#queue.splice(i, 1)
        this.#recycle(batch)
      }
      this.#runs.failed(member, GONE, -1)
      return true
    }
    return false
  }

  #noteQueue(deltaRows: number): void {
    this.queuedRows += deltaRows
    this.#handlers.onQueueRows(deltaRows)
  }

  /** Rows of a batch begin their run, or will have none. */
  #leaveQueue(batch: Batch<M>, rows: number): void {
    this.#noteQueue(-rows)
    if (batch !== this.#oversized) return
    this.oversizedRows = Math.max(0, this.oversizedRows - rows)
    if (this.oversizedRows === 0) this.#oversized = null
  }

  #schedule(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    this.#turns.soon(this.#onTurn)
  }

  /** A batch that takes no more members: requests never share a run here, or it is full. */
  #isClosed(batch: Batch<M>, rows: number): boolean {
    return !this.#policy.mixesRequests || batch.rows + rows > this.#policy.rowsMax
  }

  /** The last batch while it takes `rows` more, else an empty one that is not in the queue yet. */
  #openDense(rows: number): Batch<M> {
    const last = this.#queue.at(-1)
    if (last?.isDense && !this.#isClosed(last, rows) && last.rows + rows <= this.denseRows) {
      return last
    }
    this.#empty ??= this.#takeDense()
    return this.#empty
  }

  #takeDense(): Batch<M> {
    return (
      this.#spare.pop() ??
      new Batch<M>(this.#session.signature.inputs, this.#strides, this.denseRows)
    )
  }

  #openLoose(tensors: readonly Tensor[], rows: number): Batch<M> {
    const hasRows = this.#policy.rowsMax > 0
    const key = hasRows ? tensors.map(({ shape }) => shape.slice(1).join('x')).join(';') : ''
    const last = this.#queue.at(-1)
    const joins = hasRows && last !== undefined && !last.isDense && last.shapeKey === key
    if (joins && !this.#isClosed(last, rows)) return last
    const batch = this.#newLoose()
    batch.shapeKey = key
    return batch
  }

  #newLoose(): Batch<M> {
    return new Batch<M>(this.#session.signature.inputs, [], 0)
  }

  readonly #onTurn = (): void => {
    this.#isTurnDue = false
    this.#takeTurn()
  }

  readonly #onTimer = (): void => {
    this.#isTimerSet = false
    this.#takeTurn()
  }

  #takeTurn(): void {
    const startedMs = this.#turns.monotonic()
    let nowMs = startedMs
    while (this.#queue.length > 0 && nowMs - startedMs <= TURN_MS_MAX) {
      const head = this.#queue[0]!
      const waitMs = this.#queue.length > 1 ? 0 : this.#waitMs(head, nowMs)
      if (waitMs > 0) {
        this.#wait(waitMs)
        return
      }
      this.#queue.shift()
      this.#run(head, nowMs)
      if (this.#queue.length === 0) return
      nowMs = this.#turns.monotonic()
    }
    if (this.#queue.length > 0) this.#schedule()
  }

  /** Milliseconds that a batch with none behind it should still wait for company. */
  #waitMs({ rows, openedMs }: Batch<M>, nowMs: number): number {
    if (this.#delayMs === 0 || rows >= this.#enoughRows) return 0
    return openedMs + this.#delayMs - nowMs
  }

  #wait(waitMs: number): void {
    // Timers have 1 ms steps; the last part of a wait is spent turning the loop.
    if (waitMs < 1) this.#schedule()
    // One that is set goes off no later than this one would: batches are opened in turn.
    else if (!this.#isTimerSet) {
      this.#isTimerSet = true
      this.#turns.after(Math.floor(waitMs), this.#onTimer)
    }
  }

  #run(batch: Batch<M>, nowMs: number): void {
    if (this.#policy.mixesRequests && batch.rows > this.#policy.rowsMax) {
      this.#runPart(batch, nowMs)
      return
    }
    batch.pack()
    if (this.#queue.length === 0) this.#trimToPreferred(batch, nowMs)
    this.#leaveQueue(batch, batch.rows)
    for (const member of batch.members) this.#handlers.onUnqueued(member)
    this.#runs.run(batch, 0, batch.members.length, nowMs)
    this.#recycle(batch)
  }

  /** Between the parts of a large request the others have their turn. */
  #runPart(batch: Batch<M>, nowMs: number): void {
    const left = batch.rows - (batch.parts?.done ?? 0)
    const rows = Math.min(left, this.#policy.rowsMax)
    this.#leaveQueue(batch, rows)
    if (batch.parts === null) this.#handlers.onUnqueued(batch.members[0]!)
    if (!this.#runs.runPart(batch, nowMs)) this.#queue.push(batch)
    else if (left > rows) this.#leaveQueue(batch, left - rows) // it failed before its last part
  }

  /**
   * Leaves what exceeds the largest preferred size that members add up to for the next batch, as
   * long as that may wait.
   */
  #trimToPreferred(batch: Batch<M>, nowMs: number): void {
    const { preferredRows } = this.#policy
    if (preferredRows.length === 0 || nowMs >= batch.openedMs + this.#delayMs) return
    let cut = -1
    for (let i = 1; i < batch.members.length; i++) {
      if (preferredRows.includes(batch.starts[i]!)) cut = i
    }
    if (cut < 0 || preferredRows.includes(batch.rows)) return
    const rest = batch.isDense ? this.#takeDense() : this.#newLoose()
    batch.splitInto(rest, cut)
    this.#queue.push(rest)
  }

  #recycle(batch: Batch<M>): void {
    if (!batch.isDense || this.#spare.length >= SPARE_BATCHES_MAX) return
    batch.clear()
    this.#spare.push(batch)
  }
}
