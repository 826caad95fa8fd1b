/**
 * Who may wait for a pooled version: decisions of queue-admission.ts on figures that all threads
 * share, what waits on each level and what runs cost.
 */

import type { BatchPolicy } from '../shared/epoch-plan.ts'
import { type Refusal, refuse } from '../shared/errors.ts'
import type { QueuePolicies } from '../shared/queue-policy.ts'
import {
  LEVEL_LINE_WORDS,
  LEVEL_WORDS,
  levelIndex,
  POOL_DOUBLES,
  type PoolMemory,
} from './pool-memory.ts'
import { SLOTS_PER_THREAD } from './pool-shape.ts'
import { type Ahead, refuseFull, refuseLate, refuseMany, spreadOf } from './queue-admission.ts'
import { EXPIRED } from './queue-gate.ts'
import type { Queued } from './row-queue.ts'

/** How a data thread lets requests wait. */
export interface PoolPolicy extends BatchPolicy {
  /** Rows that may wait on one level, of all data threads. */
  readonly queueRowsMax: number
  /** The same in milliseconds of work. */
  readonly queueWorkMsMax: number
  readonly queue: QueuePolicies
}

/** What other versions mean for this one. */
export interface PoolNeighbours {
  /** Whether all compute threads of the version are at work. */
  isBusy(): boolean
  /** Milliseconds of runs of other versions that come before so many of its own are through. */
  othersMs(ownMs: number): number
}

/** After so long without a run, what runs cost is not known well enough to refuse all of them. */
const TRUST_MS_MAX = 1000
/** What waits is expected to take so many times as long: runs differ. */
const CAUTION = 1.2

export class PoolGate {
  readonly #pool: PoolMemory
  readonly #policy: PoolPolicy
  readonly #bounds: { readonly rowsMax: number; readonly workMsMax: number }
  readonly #neighbours: PoolNeighbours
  readonly #instances: number
  readonly #ahead: Ahead = {
    rows: 0,
    workUs: 0,
    oversizedRows: 0,
    oversizedUs: 0,
    isFirst: true,
    heldRows: 0,
    heldUs: 0,
    stretch: 1,
  }
  #refusals = 0

  /** `instances`: that work off what waits side by side. */
  constructor(pool: PoolMemory, policy: PoolPolicy, instances: number, neighbours: PoolNeighbours) {
    this.#pool = pool
    this.#policy = policy
    this.#bounds = { rowsMax: policy.queueRowsMax, workMsMax: policy.queueWorkMsMax }
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
    const waitingMs = (ahead.workUs / 1000) * ahead.stretch
    const refusal =
      (requestsMax > 0 && requests >= requestsMax
        ? refuseMany(requestsMax, waitingMs, spread)
        : null) ??
      refuseFull(ahead, rows, ownUs, this.#bounds, spread) ??
      (deadlineMs === Infinity
        ? null
        : this.#late(deadlineMs - nowMs, ownUs / 1000, nowMs + originMs, spread))
    if (refusal !== null) this.#refusals++
    return refusal
  }

  /** Whether a request alone is more than may wait. */
  isOversized(rows: number): boolean {
    const { rowsMax, workMsMax } = this.#bounds
    return rows > rowsMax || this.#workUs(rows, 1) > workMsMax * 1000
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

  /**
   * Whether it would end too late. Where nothing waits and no run has told for a while what runs
   * cost, one is let in: else a wrong figure could keep out all of them for ever.
   */
  #late(leftMs: number, ownMs: number, sharedMs: number, spread: number): Refusal | null {
    if (leftMs <= 0) return EXPIRED
    const { workUs, oversizedUs, oversizedRows } = this.#ahead
    const partMs = oversizedRows > 0 ? this.turnMs() : 0
    const runsMs = (workUs - oversizedUs) / 1000 / this.#instances + partMs
    const busyMs = this.#neighbours.isBusy() ? this.turnMs() : 0
    const aheadMs = (runsMs + this.#neighbours.othersMs(runsMs + ownMs)) * CAUTION + busyMs
    if (aheadMs + ownMs <= leftMs) return null
    if (runsMs === 0 && sharedMs - this.#pool.doubles[POOL_DOUBLES.LAST_RUN_MS]! > TRUST_MS_MAX) {
      return null
    }
    return refuseLate(leftMs, aheadMs, ownMs, spread)
  }
}
