/** What is committed of a lane, as of its last commit: all of one moment. */

import type { Account } from './account.ts'
import { NO_TOTALS, type SegmentPlace, type ShipState, type ShipTotals } from './ship-state.ts'

/** Producers that are remembered when nothing of them is in the spool any more. */
const FINISHED_MAX = 256

/** A producer as its account says, without what only verification needs. */
export type CommittedProducer = Pick<Account, 'producer' | 'state' | 'taken' | 'records' | 'gaps'>

export class Committed {
  #segments: ReadonlyMap<string, SegmentPlace> = new Map()
  #totals = NO_TOTALS
  #open: readonly CommittedProducer[] = []
  /** In the order in which they have ended. */
  readonly #finished = new Map<string, CommittedProducer>()

  take({
    segments,
    totals,
    producers,
  }: Pick<ShipState, 'segments' | 'totals' | 'producers'>): void {
    this.#segments = new Map(Object.entries(segments))
    this.#totals = totals
    const all = Object.values(producers).map(({ account }): CommittedProducer => {
      const { producer, state, taken, records, gaps } = account
      return { producer, state, taken, records, gaps }
    })
    this.#open = all.filter(({ state }) => state === 'open')
    for (const one of all) if (one.state !== 'open') this.#finished.set(one.producer, one)
    for (const name of this.#finished.keys()) {
      if (this.#finished.size <= FINISHED_MAX) break
      this.#finished.delete(name)
    }
  }

  /** Places of segments by file. */
  get segments(): ReadonlyMap<string, SegmentPlace> {
    return this.#segments
  }

  get totals(): ShipTotals {
    return this.#totals
  }

  /** Those that are open, and those that have ended lately. */
  get producers(): readonly CommittedProducer[] {
    return [...this.#finished.values(), ...this.#open]
  }
}
