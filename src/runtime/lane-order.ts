/**
 * Which level is next: the first one that has something, but for a floor of 5 % of the work for the
 * lowest that waits. Without it a lasting load above would starve it.
 */

import type { CostModel } from './cost-model.ts'
import type { Lane } from './lane.ts'
import type { Queued } from './row-queue.ts'

const FLOOR = 0.05

/** Runs that the lowest level has a right to, by those that others had while it waited. */
export class Floor {
  #ms = 0

  covers(runMs: number): boolean {
    return this.#ms > 0 && this.#ms >= runMs
  }

  ran(isLowest: boolean, runMs: number): void {
    this.#ms = isLowest ? Math.max(0, this.#ms - runMs) : this.#ms + runMs * FLOOR
  }

  /** Nothing waits any more: rights are not saved up. */
  rest(): void {
    this.#ms = 0
  }
}

export class LaneOrder<M extends Queued> {
  readonly #lanes: readonly Lane<M>[]
  readonly #cost: CostModel
  readonly #rowsMax: number
  readonly #floor = new Floor()

  constructor(lanes: readonly Lane<M>[], cost: CostModel, rowsMax: number) {
    this.#lanes = lanes
    this.#cost = cost
    this.#rowsMax = rowsMax
  }

  get #lowest(): Lane<M> | undefined {
    return this.#lanes.findLast(({ rows }) => rows > 0)
  }

  /** Something waits. */
  next(): Lane<M> {
    const lanes = this.#lanes
    if (lanes.length === 1) return lanes[0]!
    const lowest = this.#lowest!
    const rows = Math.min(lowest.head!.leftRows, this.#rowsMax)
    const hasRight = this.#floor.covers(this.#cost.estimateUs(rows) / 1000)
    return hasRight ? lowest : lanes.find((lane) => lane.rows > 0)!
  }

  /** The lane has had `runMs`, and something still waits. */
  ran(lane: Lane<M>, runMs: number): void {
    if (this.#lanes.length > 1) this.#floor.ran(this.#lowest === lane, runMs)
  }

  /** Nothing waits any more. */
  rest(): void {
    this.#floor.rest()
  }
}
