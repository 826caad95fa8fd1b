/**
 * Runs batches of one version and hands each member its rows. When a run fails, its members are
 * halved until only the bad ones are left, and of these the bad row is looked for.
 */

import type { Refusal } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Batch } from './batch.ts'
import type { CostModel } from './cost-model.ts'
import { Parts, type PartsLimits } from './parts.ts'
import type { Queued } from './row-queue.ts'
import { rowsMatch, runFailure } from './run-result.ts'
import type { Session } from './session-types.ts'
import { sliceTensors } from './tensor-copies.ts'

/** Where the rows of a member stand. Valid during the call that it is given to, and no longer. */
export interface Place {
  /** Within the results, and within the inputs: `rowStart .. rowStart + rows - 1`. */
  rowStart: number
  rows: number
  /** Rows of the run that answered it; of the largest, where it took several. */
  runRows: number
  /**
   * What was run, in the order of the inputs of the signature: tensors of the member alone, or with
   * rows of others before and behind its own. null where they are not at hand: it had no run, or
   * they are gone with the thread that ran it. Without a row dimension: the tensors of the member.
   */
  inputs: readonly Tensor[] | null
}

export const emptyPlace = (): Place => ({ rowStart: 0, rows: 0, runRows: 0, inputs: null })

/** Of a member that had no run. */
const NO_PLACE: Place = Object.freeze(emptyPlace())

/**
 * Times of the run that answered a member, monotonic milliseconds. Where it took several: as if
 * they had come at a stretch, so that what it waited in between counts as waiting.
 */
export interface RunTimes {
  /** Its members have left the queue: from here on its inputs were assembled. */
  startedMs: number
  /** The session was called. Dense batches are assembled by decoding: then it is `startedMs`. */
  runStartMs: number
  endedMs: number
  /** The thread that answers had the results: `endedMs`, unless another one has run them. */
  takenMs: number
}

/**
 * What the owner of the members does. All but `onDone` and `onFailed` only keep accounts: they must
 * not throw.
 */
export interface BatcherHandlers<M> {
  /** Rows joined the queue, or left it for their run (negative). */
  onQueueRows(delta: number): void
  /** Around every call of the model, whatever comes of it. */
  onRunStart(): void
  onRunEnd(): void
  /** A member joined the queue, and left it, for its (first) run or otherwise: once each. */
  onQueued(member: M): void
  onUnqueued(member: M): void
  /**
   * A run gave answers. `first` is its first member, `rows` the size of the whole run, `times` its
   * own, also where it is one of several of a member.
   */
  onServed(first: M, rows: number, times: RunTimes): void
  /**
   * The rows at `place` of `results` belong to the member; all there is, where the model has no row
   * dimension.
   */
  onDone(member: M, results: readonly Tensor[], place: Place, times: RunTimes): void
  /**
   * `badRow`: the first row that fails when run alone, or -1 when unknown. `place`: of its inputs;
   * there are no results.
   */
  onFailed(member: M, refusal: Refusal, badRow: number, place: Place): void
  /** What `onDone` or `onFailed` of a member has thrown. The member has left all the same. */
  onFault(member: M, thrown: unknown): void
}

/** Time for finding a bad row: the client can look for it as well. */
const SEARCH_MS_MAX = 1000

export class BatchRuns<M extends Queued> {
  readonly #session: Session
  readonly #limits: PartsLimits
  readonly #monotonic: () => number
  readonly #handlers: BatcherHandlers<M>
  readonly #cost: CostModel
  readonly #times: RunTimes = { startedMs: 0, runStartMs: 0, endedMs: 0, takenMs: 0 }
  readonly #place = emptyPlace()
  /** Of a member that failed: one may leave while those of a run are being answered. */
  readonly #failedPlace = emptyPlace()
  /** Why the last run failed. */
  #thrown: unknown = null

  /** `limits.rowsMax`: 0 where the model has no row dimension. */
  constructor(
    session: Session,
    limits: PartsLimits,
    monotonic: () => number,
    handlers: BatcherHandlers<M>,
    cost: CostModel,
  ) {
    this.#session = session
    this.#limits = limits
    this.#cost = cost
    this.#monotonic = monotonic
    this.#handlers = handlers
  }

  /** Runs the members `from .. to - 1`; each of them leaves. */
  run(batch: Batch<M>, from: number, to: number, nowMs: number): void {
    const fromRow = batch.starts[from]!
    const rows = batch.endOf(to - 1) - fromRow
    const times = this.#times
    times.startedMs = nowMs
    const inputs = this.#inputsOf(batch, from, to)
    // A reading of the clock is 60 ns, and views on a dense batch are made in less.
    times.runStartMs = batch.isDense ? nowMs : this.#monotonic()
    const results = inputs === null ? null : this.#attempt(inputs, rows)
    times.takenMs = times.endedMs = this.#monotonic()
    if (results === null) {
      if (to - from > 1) this.#runHalves(batch, from, to)
      else this.#fail(batch.members[from]!, inputs, rows)
      return
    }
    this.#cost.observe(rows, (times.takenMs - nowMs) * 1000)
    this.#handlers.onServed(batch.members[from]!, rows, times)
    const place = this.#place
    place.runRows = rows
    place.inputs = inputs
    for (let i = from; i < to; i++) {
      place.rowStart = batch.starts[i]! - fromRow
      place.rows = batch.endOf(i) - batch.starts[i]!
      this.#done(batch.members[i]!, results)
    }
    place.inputs = null // they may be a client's texts, and the next run may be far away
  }

  /**
   * Runs the next rows of a batch whose one member has more than a run may have. True when the
   * member has left.
   */
  runPart(batch: Batch<M>, nowMs: number): boolean {
    const member = batch.members[0]!
    const whole = batch.inputs(0, 1)
    batch.parts ??= new Parts(whole, batch.rows, this.#limits)
    const { parts } = batch
    const { nextRows, done } = parts
    const inputs = parts.nextInputs()
    const times = this.#times
    times.startedMs = nowMs
    times.runStartMs = this.#monotonic()
    const answers = this.#attempt(inputs, nextRows)
    times.takenMs = times.endedMs = this.#monotonic()
    parts.runMs += times.endedMs - nowMs
    parts.inputMs += times.runStartMs - nowMs
    if (answers !== null) this.#cost.observe(nextRows, (times.endedMs - nowMs) * 1000)
    const refusal = answers === null ? null : parts.admit(answers)
    if (refusal !== null) {
      this.#handlers.onServed(member, nextRows, times)
      this.failed(member, refusal, -1, whole, batch.rows)
      return true
    }
    if (answers === null || !this.#take(parts, answers)) {
      const failure = runFailure(this.#thrown)
      const badRow = this.#badRowOf(inputs, nextRows)
      this.failed(member, failure, badRow < 0 ? -1 : done + badRow, whole, batch.rows)
      return true
    }
    this.#handlers.onServed(member, nextRows, times)
    const { results } = parts
    if (results === null) return false
    times.startedMs = times.endedMs - parts.runMs
    times.runStartMs = times.startedMs + parts.inputMs
    const place = this.#place
    place.rowStart = 0
    place.rows = batch.rows
    place.runRows = this.#limits.rowsMax
    place.inputs = whole
    this.#done(member, results)
    place.inputs = null
    return true
  }

  /** Joining tensors may ask for more memory than there is. */
  #inputsOf(batch: Batch<M>, from: number, to: number): readonly Tensor[] | null {
    try {
      return batch.inputs(from, to)
    } catch (thrown) {
      this.#thrown = thrown
      return null
    }
  }

  /** Results of one run; null, and why in `#thrown`, when it failed. */
  #attempt(inputs: readonly Tensor[], rows: number): Tensor[] | null {
    this.#handlers.onRunStart()
    let results: Tensor[] | null = null
    try {
      results = this.#session.run(inputs)
    } catch (thrown) {
      this.#thrown = thrown
    }
    this.#handlers.onRunEnd()
    const hasRows = this.#limits.rowsMax > 0
    if (results === null || !hasRows || rowsMatch(results, rows)) return results
    this.#thrown = new RangeError(`its outputs do not have one row for each of ${rows}`)
    return null
  }

  #take(parts: Parts, answers: readonly Tensor[]): boolean {
    try {
      if (parts.add(answers)) return true
      this.#thrown = new RangeError('the shape of its outputs changes from row to row')
    } catch (thrown) {
      this.#thrown = thrown // no memory for all the answers
    }
    return false
  }

  #runHalves(batch: Batch<M>, from: number, to: number): void {
    const middle = (from + to) >> 1
    this.run(batch, from, middle, this.#monotonic())
    this.run(batch, middle, to, this.#monotonic())
  }

  /** First row that fails alone; -1 when each half succeeds, or it would take too long. */
  #findBadRow(inputs: readonly Tensor[], rows: number): number {
    const untilMs = this.#monotonic() + SEARCH_MS_MAX
    let low = 0
    let high = rows
    while (high - low > 1) {
      if (this.#monotonic() > untilMs) return -1
      const middle = (low + high) >> 1
      if (this.#fails(inputs, low, middle)) high = middle
      else if (this.#fails(inputs, middle, high)) low = middle
      else return -1
    }
    return low
  }

  #fails(inputs: readonly Tensor[], from: number, to: number): boolean {
    return this.#attempt(sliceTensors(inputs, from, to), to - from) === null
  }

  #done(member: M, results: readonly Tensor[]): void {
    try {
      this.#handlers.onDone(member, results, this.#place, this.#times)
    } catch (thrown) {
      this.#handlers.onFault(member, thrown)
    }
  }

  /** The member, alone in its run, leaves for what `#thrown` says. */
  #fail(member: M, inputs: readonly Tensor[] | null, rows: number): void {
    const refusal = runFailure(this.#thrown)
    this.failed(member, refusal, this.#badRowOf(inputs, rows), inputs, rows)
  }

  #badRowOf(inputs: readonly Tensor[] | null, rows: number): number {
    return inputs === null || this.#limits.rowsMax === 0 ? -1 : this.#findBadRow(inputs, rows)
  }

  /** The member leaves. `inputs`: of its `rows` rows, where it had a run. */
  failed(
    member: M,
    refusal: Refusal,
    badRow: number,
    inputs: readonly Tensor[] | null = null,
    rows = 0,
  ): void {
    const place = inputs === null ? NO_PLACE : this.#failedPlace
    if (inputs !== null) {
      place.rows = rows
      place.inputs = inputs
    }
    try {
      this.#handlers.onFailed(member, refusal, badRow, place)
    } catch (thrown) {
      this.#handlers.onFault(member, thrown)
    }
    if (inputs !== null) place.inputs = null
  }
}
