/**
 * How every sequence number of one producer ended: in a record, or for a reason without one.
 * Numbers are taken in order and settled in any order; what has no record goes into the ring as GAP
 * entries.
 *
 * ```
 * window       a byte for each number from `base` on: 0 open, 1 record, else 1 + reason
 * stragglers   numbers below `base` that are still open
 * runs         below `base`, without record, not yet in the ring
 * ```
 *
 * Memory is bounded by all three. A number that nobody settles until the stragglers are too many is
 * UNACCOUNTED: it pins neither memory nor the floor.
 */

import { GAP_REASON } from '../reasons.ts'
import { GapRuns } from './gap-runs.ts'

const OPEN = 0
const RECORD = 1

/** So many numbers are settled in one go; `GapBook.isDue` says when it is time. */
const SWEEP = 4096

export interface GapBookLimits {
  /** A power of two. */
  readonly window: number
  readonly stragglersMax: number
  readonly runsMax: number
}

/**
 * 256 KiB and 24 KiB; a second and more of the fastest data thread. As many requests as there are
 * stragglers cannot wait in one thread.
 */
const LIMITS: GapBookLimits = { window: 64 * SWEEP, stragglersMax: 65_536, runsMax: 1024 }

export class GapBook {
  readonly #states: Uint8Array
  readonly #mask: number
  /** In ascending order. */
  readonly #stragglers = new Set<number>()
  readonly #stragglersMax: number
  readonly #runs: GapRuns
  readonly #counts: Float64Array
  #taken = 0
  #base = 1
  /** What had been taken at the last beat: who is open at the next one is a straggler. */
  #takenBefore = 0

  /** `counts`: of GAP_REASON_COUNT doubles, raised by reason; may be shared. */
  constructor(counts: Float64Array, limits: GapBookLimits = LIMITS) {
    this.#counts = counts
    this.#states = new Uint8Array(limits.window)
    this.#mask = limits.window - 1
    this.#stragglersMax = limits.stragglersMax
    this.#runs = new GapRuns(limits.runsMax)
  }

  /** The last number that was taken; 0: none was. */
  get taken(): number {
    return this.#taken
  }

  /** Many numbers have been taken since they were last looked at: `flush` is due. */
  get isDue(): boolean {
    return (this.#taken & (SWEEP - 1)) === 0
  }

  /** The next number, from 1. It is open until it is settled. */
  take(): number {
    const next = this.#taken + 1
    if (next - this.#base > this.#mask) this.#makeRoom()
    this.#taken = next
    return next
  }

  /** Whether a number was taken and not settled. */
  isOpen(sequence: number): boolean {
    if (sequence > this.#taken) return false
    if (sequence < this.#base) return this.#stragglers.has(sequence)
    return this.#states[sequence & this.#mask] === OPEN
  }

  /** Its record is in the ring. */
  recorded(sequence: number): void {
    if (!this.isOpen(sequence)) return
    if (sequence < this.#base) this.#stragglers.delete(sequence)
    else this.#states[sequence & this.#mask] = RECORD
  }

  /** It has no record. Whoever is settled stays as it is. */
  skipped(sequence: number, reason: number): void {
    if (!this.isOpen(sequence)) return
    this.#counts[reason]! += 1
    if (sequence >= this.#base) this.#states[sequence & this.#mask] = RECORD + reason
    else {
      this.#stragglers.delete(sequence)
      this.#runs.add(sequence, reason)
    }
  }

  /**
   * Hands runs to `put` until it answers false: it takes them off the list that it is given, some
   * or all. `isBeat`: who has been open since the beat before no longer holds up the others.
   */
  flush(put: (runs: GapRuns) => boolean, isBeat: boolean): void {
    const straggling = isBeat ? this.#takenBefore : 0
    if (isBeat) this.#takenBefore = this.#taken
    let hasRoom = true
    do {
      this.#sweep(this.#taken, straggling)
      const isMore = this.#runs.isFull
      while (this.#runs.length > 0 && hasRoom) hasRoom = put(this.#runs)
      if (!isMore) return
    } while (hasRoom)
  }

  /** The producer ends: `reason` is why something is still open; settled by nobody, unless said. */
  close(reason: number = GAP_REASON.UNACCOUNTED): void {
    for (const sequence of this.#stragglers) this.skipped(sequence, reason)
    for (let sequence = this.#base; sequence <= this.#taken; sequence++) {
      this.skipped(sequence, reason)
    }
  }

  /** Every lower number has its record, or its gap, in the ring. */
  floor(): number {
    const [oldest = Number.POSITIVE_INFINITY] = this.#stragglers
    return Math.min(this.#base, oldest, this.#runs.lowest())
  }

  /**
   * Moves the base up to `last` or the first open number above `straggling`, or until there are too
   * many runs.
   */
  #sweep(last: number, straggling: number): void {
    while (this.#base <= last && !this.#runs.isFull) {
      const isOpen = this.#states[this.#base & this.#mask] === OPEN
      if (isOpen && this.#base > straggling) return
      this.#pass()
    }
  }

  /** The base moves up by one number, open or not. */
  #pass(): void {
    const sequence = this.#base++
    const at = sequence & this.#mask
    const state = this.#states[at]!
    this.#states[at] = OPEN
    if (state > RECORD) this.#runs.add(sequence, state - RECORD)
    else if (state === OPEN) this.#straggle(sequence)
  }

  #straggle(sequence: number): void {
    if (this.#stragglers.size === this.#stragglersMax) {
      const [oldest = 0] = this.#stragglers
      this.skipped(oldest, GAP_REASON.UNACCOUNTED)
    }
    this.#stragglers.add(sequence)
  }

  /** The window is full: its oldest part goes, whatever is open in it. */
  #makeRoom(): void {
    const until = Math.min(this.#taken + 1, this.#base + Math.min(SWEEP, this.#mask))
    while (this.#base < until) this.#pass()
  }
}
