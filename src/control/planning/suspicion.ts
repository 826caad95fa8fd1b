/**
 * Which version is to blame when replicas die or fall silent while they load a plan. Nobody says,
 * so it is narrowed down: of several suspects half are held back, until one is left; that one gets
 * a second try. What a replica has loaded before, without trouble, is no suspect.
 */

import { loadKey, type PlannedVersion } from '../../shared/epoch-plan.ts'

/** Silence blocks the data threads for a minute or more: nobody should go through that twice. */
const COST = { died: 1, silent: 2 } as const
const COST_MAX = 2

/** A replica that did not live to say whether it could prepare. */
export interface Loss {
  readonly how: keyof typeof COST
  /** What it had to load. */
  readonly loading: readonly PlannedVersion[]
  /** The version that it said it was at; null: it did not say. */
  readonly suspect: PlannedVersion | null
}

export class Suspicion {
  /** By key: what its preparations have cost, since the last that cost nothing. */
  readonly #costs = new Map<string, number>()
  readonly #trusted = new Set<string>()
  readonly #held = new Set<string>()

  isHeld(version: PlannedVersion): boolean {
    return this.#held.has(loadKey(version))
  }

  /** Some are held back, until it is known which of the others is to blame. */
  get isNarrowing(): boolean {
    return this.#held.size > 0
  }

  /** Replicas have loaded these. With `isWhole` every one that was asked has. */
  trust(versions: readonly PlannedVersion[], isWhole: boolean): void {
    for (const version of versions) {
      this.#trusted.add(loadKey(version))
      if (isWhole) this.#costs.delete(loadKey(version))
    }
  }

  /** Lets what was held back into the next plan; false when there is nothing. */
  release(): boolean {
    const hasHeld = this.#held.size > 0
    this.#held.clear()
    return hasHeld
  }

  /**
   * Takes a loss into account.
   *
   * @param mayHold whether a plan without some of the versions can be tried next
   * @returns the version that has cost too much; null while nothing is certain
   */
  blame({ how, loading, suspect }: Loss, mayHold: boolean): PlannedVersion | null {
    const isSuspect = (version: PlannedVersion) =>
      this.#costs.has(loadKey(version)) || !this.#trusted.has(loadKey(version))
    const suspects = suspect === null ? loading.filter(isSuspect) : [suspect]
    const [only] = suspects
    if (only === undefined) return null
    if (suspects.length > 1) {
      const half = mayHold ? suspects.slice(suspects.length >> 1) : []
      for (const each of half) this.#held.add(loadKey(each))
      return null
    }
    const cost = (this.#costs.get(loadKey(only)) ?? 0) + COST[how]
    this.#costs.set(loadKey(only), Math.min(cost, COST_MAX - 1))
    if (cost < COST_MAX) return null
    this.#trusted.delete(loadKey(only))
    this.#held.clear()
    return only
  }
}
