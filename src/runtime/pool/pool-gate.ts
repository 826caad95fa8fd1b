/**
 * Who may wait for a pooled version: decisions of queue-admission.ts on figures that all threads
 * share, what waits on each level and what runs cost.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { WaitingPolicy } from '../batcher-policy.ts'
import {
  CAUTION,
  isCostKnown,
  isOversized,
  nothingAhead,
  refuseFull,
  refuseLate,
  refuseMany,
  spreadOf,
} from '../queue-admission.ts'
import type { Queued } from '../row-queue.ts'
import {
  LEVEL_LINE_WORDS,
  LEVEL_WORDS,
  levelIndex,
  POOL_DOUBLES,
  type PoolMemory,
} from './pool-memory.ts'
import { SLOTS_PER_THREAD } from './pool-shape.ts'

/** What other versions mean for this one. */
export interface PoolNeighbours {
  /** Whether all compute threads of the version are at work. */
  isBusy(): boolean
  /** Milliseconds of runs of other versions that come before so many of its own are through. */
  othersMs(ownMs: number): number
}

export class PoolGate {
  readonly #pool: PoolMemory
  readonly #policy: WaitingPolicy
  readonly #neighbours: PoolNeighbours
  readonly #instances: number
  readonly #ahead = nothingAhead()
  #refusals = 0

  /** `instances`: that work off what waits side by side. */
  constructor(
    pool: PoolMemory,
    policy: WaitingPolicy,
    instances: number,
    neighbours: PoolNeighbours,
  ) {
    this.#pool = pool
    this.#policy = policy
    this.#instances = instances
    this.#neighbours = neighbours
  }

  /**
   * `nowMs`, and the deadline of the request: in the time of the thread, which began `originMs`
   * after that of all threads. `held`: slots of this data thread that are in use.
   */
  refusal(
    { priority, deadlineMs }: Queued,
    rows: number,
    nowMs: number,
    originMs: number,
    held: number,
  ): Refusal | null {
    if (held >= SLOTS_PER_THREAD - 1) return refuse('QUEUE_FULL', `${held} requests are waiting`)
    const requests = this.#lookAhead(priority)
    const ahead = this.#ahead
    if (ahead.heldRows + ahead.oversizedRows === 0 && deadlineMs === Infinity) return null
    const ownUs = this.#workUs(rows, 1)
    const spread = spreadOf(this.#refusals + 1)
    const { requestsMax } = this.#policy.queue.byLevel[priority] ?? this.#policy.queue.base
    const refusal =
      refuseMany(ahead, requests, requestsMax, spread) ??
      refuseFull(ahead, rows, ownUs, this.#policy, spread) ??
      (deadlineMs === Infinity
        ? null
        : this.#late(deadlineMs - nowMs, ownUs / 1000, nowMs + originMs, spread))
    if (refusal !== null) this.#refusals++
    return refusal
  }

  /** Whether a request alone is more than may wait. */
  isOversized(rows: number): boolean {
    return isOversized(rows, this.#workUs(rows, 1), this.#policy)
  }

  /** Milliseconds until what waits is worked off, if nothing else is. */
  waitingMs(): number {
    let us = 0
    for (let at = 0; at < this.#pool.levels.length; at += LEVEL_LINE_WORDS) {
      us += this.#levelUs(at, LEVEL_WORDS.ROWS) + this.#levelUs(at, LEVEL_WORDS.OVERSIZED_ROWS)
    }
    return us / 1000 / this.#instances
  }

  /** Milliseconds of a full batch. */
  turnMs(): number {
    return this.#workUs(Math.max(1, this.#policy.rowsMax), 1) / 1000
  }

  /** Microseconds of the runs of so many rows, of so many requests. */
  #workUs(rows: number, requests: number): number {
    const { doubles } = this.#pool
    const { rowsMax, mixesRequests } = this.#policy
    const runs = mixesRequests ? Math.ceil(rows / rowsMax) : requests
    return doubles[POOL_DOUBLES.COST_RUN_US]! * runs + doubles[POOL_DOUBLES.COST_ROW_US]! * rows
  }

  #levelUs(at: number, which: number): number {
    const { levels } = this.#pool
    return this.#workUs(levels[at + which]!, levels[at + LEVEL_WORDS.REQUESTS]!)
  }

  /** What waits on the level of the request and those above. Gives the requests of its own. */
  #lookAhead(priority: number): number {
    const { levels } = this.#pool
    const ahead = this.#ahead
    ahead.rows = ahead.workUs = ahead.oversizedRows = ahead.oversizedUs = 0
    ahead.heldRows = ahead.heldUs = 0
    ahead.stretch = 1 / this.#instances
    const own = levelIndex(this.#pool, priority)
    ahead.isFirst = own === 0
    for (let at = 0; at < levels.length; at += LEVEL_LINE_WORDS) {
      const oversized = levels[at + LEVEL_WORDS.OVERSIZED_ROWS]!
      const oversizedUs = oversized > 0 ? this.#workUs(oversized, 1) : 0
      const us = oversizedUs + this.#levelUs(at, LEVEL_WORDS.ROWS)
      ahead.heldRows += levels[at + LEVEL_WORDS.ROWS]!
      ahead.heldUs += us
      if (at > own) continue
      ahead.rows += levels[at + LEVEL_WORDS.ROWS]! + oversized
      ahead.oversizedRows += oversized
      ahead.oversizedUs += oversizedUs
      ahead.workUs += us
    }
    return levels[own + LEVEL_WORDS.REQUESTS]!
  }

  #late(leftMs: number, ownMs: number, sharedMs: number, spread: number): Refusal | null {
    const { workUs, oversizedUs, oversizedRows } = this.#ahead
    const partMs = oversizedRows > 0 ? this.turnMs() : 0
    const runsMs = (workUs - oversizedUs) / 1000 / this.#instances + partMs
    const busyMs = this.#neighbours.isBusy() ? this.turnMs() : 0
    const aheadMs = (runsMs + this.#neighbours.othersMs(runsMs + ownMs)) * CAUTION + busyMs
    const sinceRunMs = sharedMs - this.#pool.doubles[POOL_DOUBLES.LAST_RUN_MS]!
    const isGuess = runsMs === 0 && !isCostKnown(sinceRunMs)
    return refuseLate(leftMs, aheadMs, ownMs, isGuess, spread)
  }
}
