/**
 * Which level of a pooled version a compute thread takes from: as lane-order.ts, for what all data
 * threads let wait. Each thread keeps an account of its own runs.
 */

import type { CostModel } from '../cost-model.ts'
import { Floor } from '../lane-order.ts'
import {
  LEVEL_LINE_WORDS,
  LEVEL_WORDS,
  levelIndex,
  type PoolMemory,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
} from './pool-memory.ts'
import { firstReady } from './ready-slots.ts'

export class PoolOrder {
  readonly #pool: PoolMemory
  readonly #cost: CostModel
  readonly #rowsMax: number
  readonly #floor = new Floor()

  constructor(pool: PoolMemory, cost: CostModel, rowsMax: number) {
    this.#pool = pool
    this.#cost = cost
    this.#rowsMax = rowsMax
  }

  /** Index of the lowest level that waits; negative: none does. */
  get #lowest(): number {
    const { levels } = this.#pool
    let at = levels.length - LEVEL_LINE_WORDS
    while (at >= 0 && levels[at + LEVEL_WORDS.REQUESTS]! <= 0) at -= LEVEL_LINE_WORDS
    return at
  }

  /**
   * The first `count` of the ready slots that `isWanted`; only those of the lowest level, when it
   * has a right to a batch.
   */
  firstReady(count: number, nowMs: number, isWanted: (slot: number) => boolean): number[] {
    if (this.#pool.shape.levels > 1 && this.#hasRight()) {
      const lowest = this.#lowest
      const isNext = (slot: number) => this.#levelOf(slot) === lowest && isWanted(slot)
      const found = firstReady(this.#pool, count, nowMs, isNext)
      if (found.length > 0) return found
      this.#floor.rest() // nothing for this thread: rights are not saved up
    }
    return firstReady(this.#pool, count, nowMs, isWanted)
  }

  #hasRight(): boolean {
    return this.#floor.covers(this.#cost.estimateUs(this.#rowsMax) / 1000)
  }

  #levelOf(slot: number): number {
    const priority = this.#pool.slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.PRIORITY]!
    return levelIndex(this.#pool, priority)
  }

  /** A request of that priority was the first of a run. */
  ran(priority: number, runMs: number): void {
    if (this.#pool.shape.levels === 1) return
    const lowest = this.#lowest
    if (lowest < 0) this.#floor.rest()
    else this.#floor.ran(levelIndex(this.#pool, priority) >= lowest, runMs)
  }
}
