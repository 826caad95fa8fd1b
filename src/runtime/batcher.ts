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
 */

import type { BatchPolicy } from '../shared/epoch-plan.ts'
import type { Refusal } from '../shared/errors.ts'
import type { Tensor, TensorData } from '../shared/tensor.ts'
import { Batch, denseRowsOf, rowStridesOf } from './batch.ts'
import { rowsMatch, runFailure } from './run-result.ts'
import type { Session } from './session-types.ts'

/** When the batcher is called back. The event loop in production, a puppet in tests. */
export interface Turns {
  monotonic(): number
  /** At the end of this turn of the event loop. */
  soon(task: () => void): void
  after(delayMs: number, task: () => void): void
}

/** Times of the run that answered a member, monotonic milliseconds. */
export interface RunTimes {
  startedMs: number
  endedMs: number
}

export interface BatcherHandlers<M> {
  onRunStart(): void
  /** `rows` is the size of the whole run. */
  onRunEnd(rows: number, times: RunTimes): void
  /**
   * Rows `rowStart .. rowStart + rows - 1` of `results` belong to the member. `isWhole`: the
   * results are all its own.
   */
  onDone(
    member: M,
    results: readonly Tensor[],
    place: { rowStart: number; rows: number; isWhole: boolean },
    times: RunTimes,
  ): void
  /** `badRow`: the row that fails when run alone, or -1 when unknown. */
  onFailed(member: M, refusal: Refusal, badRow: number, times: RunTimes): void
}

/** A turn in which runs took this long ends, so that sockets are read in between. */
const TURN_MS_MAX = 1
/** Buffers kept for reuse. A turn rarely fills more. */
const SPARE_BATCHES_MAX = 8

export class Batcher<M> {
  readonly #session: Session
  readonly #policy: BatchPolicy
  readonly #turns: Turns
  readonly #handlers: BatcherHandlers<M>
  readonly #strides: readonly number[]
  /** Rows of a dense batch; 0 when the version has none. */
  readonly denseRows: number
  readonly #queue: Batch<M>[] = []
  readonly #spare: Batch<M>[] = []
  #isScheduled = false
  /** Rows admitted and not yet answered. */
  queuedRows = 0
  readonly #times: RunTimes = { startedMs: 0, endedMs: 0 }
  readonly #place = { rowStart: 0, rows: 0, isWhole: false }

  constructor(session: Session, policy: BatchPolicy, turns: Turns, handlers: BatcherHandlers<M>) {
    this.#session = session
    this.#policy = policy
    this.#turns = turns
    this.#handlers = handlers
    const strides = policy.rowsMax === 0 ? null : rowStridesOf(session.signature.inputs)
    this.#strides = strides ?? []
    this.denseRows = strides === null ? 0 : denseRowsOf(strides, policy.rowsMax)
  }

  /** The open dense batch, to decode into: its buffers, the next row, how many rows still fit. */
  openTarget(target: { columns: readonly TensorData[]; row: number; room: number }): void {
    if (this.denseRows === 0) {
      target.room = 0
      return
    }
    const batch = this.#openDense(1)
    target.columns = batch.columns
    target.row = batch.rows
    target.room = this.denseRows - batch.rows
  }

  /** Admits `rows` rows that were decoded into the target of `openTarget`, in the same turn. */
  admitInPlace(member: M, rows: number): void {
    const batch = this.#openDense(rows)
    batch.add(member, rows, this.#turns.monotonic())
    this.#admitted(rows)
  }

  /** Admits a request with tensors of its own; `rows` is 1 for versions without row dimension. */
  admitTensors(member: M, tensors: Tensor[], rows: number): void {
    const nowMs = this.#turns.monotonic()
    if (rows <= this.denseRows) {
      const batch = this.#openDense(rows)
      batch.copyIn(tensors, rows)
      batch.add(member, rows, nowMs)
    } else {
      const batch = this.#openLoose(tensors, rows)
      batch.tensors.push(tensors)
      batch.add(member, rows, nowMs)
    }
    this.#admitted(rows)
  }

  #admitted(rows: number): void {
    this.queuedRows += rows
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#turns.soon(this.#onTurn)
  }

  /** A batch that takes no more members: requests never share a run here, or it is full. */
  #isClosed(batch: Batch<M>, rows: number): boolean {
    if (batch.members.length === 0) return false
    return !this.#policy.mixesRequests || batch.rows + rows > this.#policy.rowsMax
  }

  #openDense(rows: number): Batch<M> {
    const last = this.#queue.at(-1)
    if (last?.isDense && !this.#isClosed(last, rows) && last.rows + rows <= this.denseRows) {
      return last
    }
    const batch = this.#takeDense()
    this.#queue.push(batch)
    return batch
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
    const batch = new Batch<M>(this.#session.signature.inputs, [], 0)
    batch.shapeKey = key
    this.#queue.push(batch)
    return batch
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false
    const turnStartedMs = this.#turns.monotonic()
    while (this.#queue.length > 0) {
      const head = this.#queue[0]!
      if (head.members.length === 0) {
        this.#recycle(this.#queue.shift()!)
        continue
      }
      const waitMs = this.#waitMs(head)
      if (waitMs > 0) {
        this.#wait(waitMs)
        return
      }
      this.#queue.shift()
      this.#trimToPreferred(head)
      this.#run(head)
      this.#recycle(head)
      if (this.#turns.monotonic() - turnStartedMs > TURN_MS_MAX) break
    }
    if (this.#queue.length > 0) this.#schedule()
  }

  /** Milliseconds that the head batch should still wait for company. */
  #waitMs(head: Batch<M>): number {
    const { queueDelayUsMax, rowsMax, preferredRows, mixesRequests } = this.#policy
    if (queueDelayUsMax === 0 || !mixesRequests || this.#queue.length > 1) return 0
    const enough = preferredRows.length > 0 ? Math.min(...preferredRows) : rowsMax
    if (head.rows >= enough) return 0
    return head.openedMs + queueDelayUsMax / 1000 - this.#turns.monotonic()
  }

  #wait(waitMs: number): void {
    this.#isScheduled = true
    // Timers have 1 ms steps; the last part of a wait is spent turning the loop.
    if (waitMs >= 1) this.#turns.after(Math.floor(waitMs), this.#onTurn)
    else this.#turns.soon(this.#onTurn)
  }

  /** Leaves what exceeds the largest preferred size that members add up to for the next batch. */
  #trimToPreferred(head: Batch<M>): void {
    const { preferredRows } = this.#policy
    if (preferredRows.length === 0 || this.#queue.length > 0) return
    let cut = -1
    for (let i = 1; i < head.members.length; i++) {
      if (preferredRows.includes(head.starts[i]!)) cut = i
    }
    if (cut < 0 || preferredRows.includes(head.rows)) return
    const rest = head.isDense
      ? this.#takeDense()
      : new Batch<M>(this.#session.signature.inputs, [], 0)
    head.splitInto(rest, cut)
    this.#queue.unshift(rest)
  }

  #recycle(batch: Batch<M>): void {
    if (!batch.isDense || this.#spare.length >= SPARE_BATCHES_MAX) return
    batch.clear()
    this.#spare.push(batch)
  }

  #run(batch: Batch<M>): void {
    this.queuedRows -= batch.rows
    this.#runMembers(batch, 0, batch.members.length)
  }

  #runMembers(batch: Batch<M>, from: number, to: number): void {
    const fromRow = batch.starts[from]!
    const rows = batch.endOf(to - 1) - fromRow
    const times = this.#times
    times.startedMs = this.#turns.monotonic()
    this.#handlers.onRunStart()
    let results: Tensor[]
    try {
      results = this.#session.run(batch.inputs(from, to))
    } catch (thrown) {
      this.#ended(rows)
      this.#onThrown(batch, from, to, thrown)
      return
    }
    this.#ended(rows)
    if (to - from > 1 && !rowsMatch(results, rows)) {
      this.#onThrown(batch, from, to, new RangeError('outputs do not have one row per input row'))
      return
    }
    const place = this.#place
    place.isWhole = !batch.isDense && to - from === 1
    for (let i = from; i < to; i++) {
      place.rowStart = batch.starts[i]! - fromRow
      place.rows = batch.endOf(i) - batch.starts[i]!
      this.#handlers.onDone(batch.members[i]!, results, place, times)
    }
  }

  #ended(rows: number): void {
    this.#times.endedMs = this.#turns.monotonic()
    this.#handlers.onRunEnd(rows, this.#times)
  }

  /** Halves the members until those that fail stand alone. */
  #onThrown(batch: Batch<M>, from: number, to: number, thrown: unknown): void {
    if (to - from > 1) {
      const middle = (from + to) >> 1
      this.#runMembers(batch, from, middle)
      this.#runMembers(batch, middle, to)
      return
    }
    const badRow = batch.isDense
      ? this.#findBadRow(batch, batch.starts[from]!, batch.endOf(from))
      : -1
    this.#handlers.onFailed(batch.members[from]!, runFailure(thrown), badRow, this.#times)
  }

  /** First row, relative to `fromRow`, that fails alone; -1 when each half succeeds. */
  #findBadRow(batch: Batch<M>, fromRow: number, toRow: number): number {
    let low = fromRow
    let high = toRow
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#fails(batch, low, middle)) high = middle
      else if (this.#fails(batch, middle, high)) low = middle
      else return -1
    }
    return low - fromRow
  }

  #fails(batch: Batch<M>, fromRow: number, toRow: number): boolean {
    try {
      this.#session.run(batch.denseInputs(fromRow, toRow))
      return false
    } catch {
      return true // the failure itself was reported by the run that led here
    }
  }
}
