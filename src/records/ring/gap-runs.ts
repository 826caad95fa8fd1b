/** A bounded list of runs of sequence numbers that have no record, oldest first. */

import { GAP_REASON } from '../reasons.ts'

export class GapRuns {
  readonly #from: Float64Array
  readonly #to: Float64Array
  readonly #reasons: Uint8Array
  /** The first one, and how many there are; the list is moved down when its end is reached. */
  #first = 0
  #count = 0

  constructor(runsMax: number) {
    this.#from = new Float64Array(runsMax)
    this.#to = new Float64Array(runsMax)
    this.#reasons = new Uint8Array(runsMax)
  }

  get length(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.#from.length
  }

  from(index: number): number {
    return this.#from[this.#first + index]!
  }

  to(index: number): number {
    return this.#to[this.#first + index]!
  }

  reason(index: number): number {
    return this.#reasons[this.#first + index]!
  }

  /** The lowest number of all runs; Infinity where there is none. */
  lowest(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#count; i++) lowest = Math.min(lowest, this.from(i))
    return lowest
  }

  /**
   * One more number. Where there is no room for another run the last one is widened to it, with all
   * that is in between, and its reason is SEVERAL.
   */
  add(sequence: number, reason: number): void {
    const last = this.#first + this.#count - 1
    if (this.#count > 0 && this.#reasons[last] === reason && this.#to[last] === sequence - 1) {
      this.#to[last] = sequence
      return
    }
    if (this.isFull) {
      this.#from[last] = Math.min(this.#from[last]!, sequence)
      this.#to[last] = Math.max(this.#to[last]!, sequence)
      this.#reasons[last] = GAP_REASON.SEVERAL
      return
    }
    if (last + 1 === this.#from.length) this.#moveDown()
    const at = this.#first + this.#count++
    this.#from[at] = sequence
    this.#to[at] = sequence
    this.#reasons[at] = reason
  }

  /** The first `count` runs are done with. */
  take(count: number): void {
    this.#first += count
    this.#count -= count
    if (this.#count === 0) this.#first = 0
  }

  /** The first `count` numbers of the first run are done with. */
  shorten(count: number): void {
    this.#from[this.#first]! += count
  }

  #moveDown(): void {
    for (const list of [this.#from, this.#to, this.#reasons]) {
      list.copyWithin(0, this.#first, this.#first + this.#count)
    }
    this.#first = 0
  }
}
