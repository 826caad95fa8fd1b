/**
 * Which accounts may go: those of producers of whom nothing is left. A disk may take seconds to
 * refuse one, and there may be many: after the first refusal nothing is asked for a while, and what
 * was refused comes last.
 */

import { GatewayError } from '../../shared/errors.ts'
import { isForgettable } from '../shipping/account.ts'
import { NumberRuns } from '../shipping/number-runs.ts'
import { type AccountsWorld, readAccountFile } from './account-files.ts'
import { HOUR_MS } from './partitions.ts'

/** Accounts that are read at once. */
const ACCOUNTS_MAX = 200

export class Forgetting {
  readonly #world: AccountsWorld
  /** Producers, in the order in which their accounts are asked about. */
  readonly #asked = new Set<string>()
  /** Monotonic ms. */
  #askAtMs = Number.NEGATIVE_INFINITY

  constructor(world: AccountsWorld) {
    this.#world = world
  }

  /** How many are to be asked about. */
  get size(): number {
    return this.#asked.size
  }

  /** Something of it may have been the last. */
  add(producer: string): void {
    this.#asked.add(producer)
  }

  /**
   * Asks about as many as may be at once.
   *
   * @param own numbers of all files that there are
   * @returns those that may go
   */
  async forgettable(monotonicMs: number, own: readonly number[]): Promise<readonly string[]> {
    const found: string[] = []
    let asked = 0
    for (const producer of [...this.#asked]) {
      if (asked >= ACCOUNTS_MAX || monotonicMs < this.#askAtMs) break
      asked++
      this.#asked.delete(producer)
      if (this.#isForgettable(producer, monotonicMs, own)) found.push(producer)
      await this.#world.breathe?.()
    }
    return found
  }

  #isForgettable(producer: string, monotonicMs: number, own: readonly number[]): boolean {
    const { files, root, onFault } = this.#world
    try {
      const account = readAccountFile(files, root, producer)
      if (account === null || !isForgettable(account)) return false
      // What is counted may be there all the same.
      const counted = new NumberRuns(account.retired.files)
      return !own.some((number) => counted.has(number))
    } catch (thrown) {
      onFault(producer, thrown)
      // What is damaged is so the next time, too.
      if (thrown instanceof GatewayError) return false
      this.#asked.add(producer)
      this.#askAtMs = monotonicMs + HOUR_MS
      return false
    }
  }
}
