/**
 * What a thread has to do for all of its versions: their queues take turns, so that how long one
 * takes depends on the others, and on what is not inference (sockets, decoding, answers).
 */

/** The queue of a version, as the others on its thread see it. */
export interface WorkSource {
  /** Milliseconds of runs that wait. */
  waitingMs(): number
  /** Milliseconds that one turn of it takes at most. */
  turnMs(): number
}

/** Weight that earlier turns keep. */
const KEPT = 0.9
/** A turn counts as at most so many of the usual ones, and so many milliseconds more. */
const TURN_FACTOR_MAX = 4
const TURN_MS_MORE = 20
/** What is known of busy turns loses half its weight in this time: no stall is held against all. */
const HALF_LIFE_MS = 1000

export class ThreadWork {
  readonly #sources = new Set<WorkSource>()
  /** Milliseconds of all runs on this thread so far. */
  ranMs = 0
  /** Decayed sums over busy turns: from the start of one to that of the next, and runs in it. */
  #turnMs = 0
  #turnRanMs = 0
  #turns = 0
  #measuredMs = 0

  join(source: WorkSource): void {
    this.#sources.add(source)
  }

  leave(source: WorkSource): void {
    this.#sources.delete(source)
  }

  /** From one turn of a queue, after which something still waited, to its next. */
  turned(turnMs: number, ranMs: number, nowMs: number): void {
    const usualMs = this.#turns === 0 ? turnMs : this.#turnMs / this.#turns
    this.#turns = this.#turns * KEPT + 1
    this.#turnMs = this.#turnMs * KEPT + Math.min(turnMs, usualMs * TURN_FACTOR_MAX + TURN_MS_MORE)
    this.#turnRanMs = this.#turnRanMs * KEPT + ranMs
    this.#measuredMs = nowMs
  }

  /** How many milliseconds pass while one of runs is worked off; at least 1. */
  stretch(nowMs: number): number {
    if (this.#turnRanMs <= 0) return 1
    const weight = this.#weight(nowMs)
    return 1 + weight * Math.max(0, this.#turnMs / this.#turnRanMs - 1)
  }

  /** Milliseconds from one busy turn to the next: as long may a request lie unread. */
  lagMs(nowMs: number): number {
    return this.#turns === 0 ? 0 : this.#weight(nowMs) * (this.#turnMs / this.#turns)
  }

  #weight(nowMs: number): number {
    return 2 ** (-Math.max(0, nowMs - this.#measuredMs) / HALF_LIFE_MS)
  }

  /**
   * Milliseconds of runs of other versions that come before `ownMs` of one are through: queues take
   * turns, so another one has at most as many as it.
   */
  othersMs(own: WorkSource, ownMs: number): number {
    if (this.#sources.size === 1) return 0
    const turns = Math.ceil(ownMs / Math.max(own.turnMs(), 1e-3))
    let sum = 0
    for (const other of this.#sources) {
      if (other !== own) sum += Math.min(other.waitingMs(), turns * other.turnMs())
    }
    return sum
  }
}
