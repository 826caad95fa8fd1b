/**
 * Room of a ring that is promised to requests under way, where no answer may go out without its
 * record (`records.when_full: wait`).
 *
 * ```
 * used + promised + one filler + one GAP entry <= capacity      when a promise is given
 * used + what is wanted <= half of the ring                     for records without a promise
 * ```
 *
 * So whoever has a promise finds room. What is used goes around the end of the ring at most once,
 * so that one filler is lost at most, which is shorter than an entry. Records without a promise,
 * those of requests that were refused early, however many, leave half of the ring to the others.
 */

import { GAP_UNITS_MAX } from './gap-entry.ts'
import { claim, hasRoom, type RecordRing } from './record-ring.ts'

export class RingRoom {
  readonly #ring: RecordRing
  readonly #fillerUnits: number
  readonly #openUnits: number
  #promisedUnits = 0

  /** `entryUnitsMax`: of any record. */
  constructor(ring: RecordRing, entryUnitsMax: number) {
    this.#ring = ring
    this.#fillerUnits = entryUnitsMax
    this.#openUnits = ring.capacityUnits >> 1
  }

  /** That have been promised and not been given back. */
  get promisedUnits(): number {
    return this.#promisedUnits
  }

  /** What GAP entries leave free. Only they may have the rest: they must come through. */
  get keptUnits(): number {
    return this.#promisedUnits + this.#fillerUnits
  }

  /** Whether so many units can be promised. */
  has(units: number): boolean {
    return hasRoom(this.#ring, this.keptUnits + GAP_UNITS_MAX + units)
  }

  /** Promises room for an entry, if it can. */
  promise(units: number): boolean {
    if (!this.has(units)) return false
    this.#promisedUnits += units
    return true
  }

  /** A promise is over: its room is claimed right now, or is not wanted. */
  end(units: number): void {
    this.#promisedUnits -= units
  }

  /** As `claim`. `promised`: units of the promise that has just ended; 0: there was none. */
  claim(units: number, promised: number): number {
    if (promised >= units) return claim(this.#ring, units)
    if (promised === 0 && !hasRoom(this.#ring, this.#openUnits + units)) return -1
    return claim(this.#ring, units, this.keptUnits + GAP_UNITS_MAX)
  }
}
