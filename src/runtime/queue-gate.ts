/**
 * Who may wait for a version: the bounds of its queue and the deadlines of requests, against what
 * waits and what its runs cost.
 */

import type { Refusal } from '../shared/errors.ts'
import type { BatcherPolicy } from './batcher-policy.ts'
import type { CostModel } from './cost-model.ts'
import type { Lane } from './lane.ts'
import {
  type Ahead,
  CAUTION,
  isCostKnown,
  isOversized,
  nothingAhead,
  refuseFull,
  refuseLate,
  refuseMany,
  spreadOf,
} from './queue-admission.ts'
import type { Queued } from './row-queue.ts'
import type { ThreadWork, WorkSource } from './thread-work.ts'
import type { Waiting } from './waiting.ts'

/** A turn in which runs took this long ends, so that sockets are read in between. */
export const TURN_MS_MAX = 1

export class QueueGate<M extends Queued> implements WorkSource {
  readonly #policy: BatcherPolicy
  readonly #waiting: Waiting<M>
  readonly #cost: CostModel
  readonly #work: ThreadWork
  readonly #ahead = nothingAhead()
  #lastRunMs = -Infinity
  #refusals = 0

  constructor(policy: BatcherPolicy, waiting: Waiting<M>, cost: CostModel, work: ThreadWork) {
    this.#policy = policy
    this.#waiting = waiting
    this.#cost = cost
    this.#work = work
    work.join(this)
  }

  /** Its requests are no work of the thread any more. */
  dispose(): void {
    this.#work.leave(this)
  }

  waitingMs(): number {
    let us = 0
    for (const { runs, rows } of this.#waiting.lanes) us += this.#workUs(runs, rows)
    return us / 1000
  }

  turnMs(): number {
    return Math.max(TURN_MS_MAX, this.#cost.estimateUs(this.#policy.rowsMax) / 1000)
  }

  /** Runs have told what they cost. `beforeUs`: `ranUs` before them. */
  ran(nowMs: number, beforeUs: number): void {
    if (this.#cost.ranUs > beforeUs) this.#lastRunMs = nowMs
    this.#work.ranMs += (this.#cost.ranUs - beforeUs) / 1000
  }

  #workUs(runs: number, rows: number): number {
    return this.#cost.a * runs + this.#cost.b * rows
  }

  refusal(member: M, rows: number, nowMs: number): Refusal | null {
    const waiting = this.#waiting
    const { deadlineMs } = member
    if (waiting.rows === 0 && deadlineMs === Infinity) return null
    if (deadlineMs === Infinity && this.#fits(rows)) return null
    const lane = waiting.laneOf(member)
    const ahead = this.#lookAhead(lane, nowMs)
    const ownUs = this.#workUs(waiting.runsOf(rows), rows)
    const spread = spreadOf(this.#refusals + 1)
    const refusal =
      refuseMany(ahead, lane.requests, lane.policy.requestsMax, spread) ??
      refuseFull(ahead, rows, ownUs, this.#policy, spread) ??
      (deadlineMs === Infinity ? null : this.#late(deadlineMs, ownUs / 1000, nowMs, spread))
    if (refusal !== null) this.#refusals++
    return refusal
  }

  /** The usual case, where there is but one level: 14 ns, against 75 and more. */
  #fits(rows: number): boolean {
    const { lanes } = this.#waiting
    const { policy, rows: waitingRows, runs } = lanes[0]!
    if (lanes.length > 1 || policy.requestsMax > 0) return false
    const us = this.#workUs(runs + this.#waiting.runsOf(rows), waitingRows + rows)
    return !isOversized(waitingRows + rows, us, this.#policy)
  }

  /** What waits on the level and those above. */
  #lookAhead(own: Lane<M>, nowMs: number): Ahead {
    const ahead = this.#ahead
    ahead.rows = ahead.workUs = ahead.oversizedRows = ahead.oversizedUs = 0
    ahead.heldRows = ahead.heldUs = 0
    ahead.isFirst = own === this.#waiting.lanes[0]
    ahead.stretch = this.#work.stretch(nowMs)
    let isAhead = true
    for (const lane of this.#waiting.lanes) {
      ahead.heldRows += lane.rows - lane.oversizedRows
      ahead.heldUs += this.#workUs(lane.runs, lane.rows)
      if (isAhead && lane.rows > 0) this.#addTo(ahead, lane)
      if (lane === own) isAhead = false
    }
    return ahead
  }

  #addTo(ahead: Ahead, { rows, runs, oversized, oversizedRows }: Lane<M>): void {
    ahead.rows += rows
    ahead.workUs += this.#workUs(runs, rows)
    if (oversized === null) return
    ahead.oversizedRows += oversizedRows
    ahead.oversizedUs += this.#workUs(this.#waiting.runsOf(oversizedRows), oversizedRows)
  }

  #late(deadlineMs: number, ownMs: number, nowMs: number, spread: number): Refusal | null {
    const { workUs, oversizedUs, stretch } = this.#ahead
    const partMs = oversizedUs > 0 ? this.turnMs() : 0
    const runsMs = (workUs - oversizedUs) / 1000 + partMs
    const othersMs = this.#work.othersMs(this, runsMs + ownMs)
    const lagMs = runsMs > 0 ? this.#work.lagMs(nowMs) : 0
    const aheadMs = (runsMs + othersMs) * stretch * CAUTION + lagMs
    const isGuess = runsMs === 0 && !this.#isTrusted(nowMs)
    return refuseLate(deadlineMs - nowMs, aheadMs, ownMs, isGuess, spread)
  }

  #isTrusted(nowMs: number): boolean {
    return isCostKnown(nowMs - this.#lastRunMs)
  }

  /** Whether the last batch of its lane would keep its deadlines with these rows. */
  mayJoin(member: M, rows: number, nowMs: number): boolean {
    const lane = this.#waiting.laneOf(member)
    const last = lane.batches.at(-1)
    if (last === undefined || last.deadlineMs === Infinity) return true
    const runsMs = this.#workUs(lane.runs, lane.rows + rows) / 1000
    return nowMs + runsMs * this.#work.stretch(nowMs) <= last.deadlineMs
  }

  /** Whether it alone is more than may wait. */
  isOversized(rows: number): boolean {
    return isOversized(rows, this.#workUs(this.#waiting.runsOf(rows), rows), this.#policy)
  }

  /** When runs of so many rows end that begin now. */
  endMs(rows: number, nowMs: number): number {
    return nowMs + this.#workUs(this.#waiting.runsOf(rows), rows) / 1000
  }

  /** The same; now, where it is not known well enough to refuse somebody for it. */
  surelyEndMs(rows: number, nowMs: number): number {
    return this.#isTrusted(nowMs) ? this.endMs(rows, nowMs) : nowMs
  }
}
