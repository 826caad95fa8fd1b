/**
 * A wall clock for what cannot be undone. One that leaps ahead, by years where somebody sets it
 * wrong, would have every file past its time at once: a leap is not believed for a day, in which
 * somebody may set it right. Nor is one at the start of a process: it goes on from what an earlier
 * one believed.
 */

import type { Clock } from '../../shared/clock.ts'

const HOUR_MS = 3_600_000

/** What is no leap: a clock that is set right, a machine that slept for a moment. */
const LEAP_MS_MIN = HOUR_MS
export const PATIENCE_MS = 24 * HOUR_MS

/** What the next process has to know of it. */
export interface PatientTime {
  /** Wall clock in ms as it was believed last. */
  readonly believedMs: number
  /** What the wall clock said when it was first seen to be ahead of that; null: it was not. */
  readonly leaptToMs: number | null
}

export class PatientClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #believedMs: number
  #seenMs: number
  /** Monotonic ms since when the wall clock is ahead; null: it is not. */
  #leaptAtMs: number | null = null

  #leaptToMs: number | null = null

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, time: PatientTime | null = null) {
    this.#clock = clock
    const wallMs = clock.now()
    // A day has gone by since it was seen first, over several processes.
    const isBelieved = time === null || (time.leaptToMs ?? wallMs) + PATIENCE_MS <= wallMs
    this.#believedMs = isBelieved ? wallMs : time.believedMs
    this.#seenMs = clock.monotonic()
    if (!isBelieved) this.#leaptToMs = time.leaptToMs
  }

  get time(): PatientTime {
    return { believedMs: this.#believedMs, leaptToMs: this.#leaptToMs }
  }

  /** Wall clock in ms as far as it is believed; to be asked now and then. */
  now(): number {
    const [wallMs, nowMs] = [this.#clock.now(), this.#clock.monotonic()]
    const expectedMs = this.#believedMs + (nowMs - this.#seenMs)
    this.#seenMs = nowMs
    const isAhead = wallMs - expectedMs >= LEAP_MS_MIN
    this.#leaptAtMs = isAhead ? (this.#leaptAtMs ?? nowMs) : null
    const isBelieved = this.#leaptAtMs === null || nowMs - this.#leaptAtMs >= PATIENCE_MS
    this.#leaptToMs = isBelieved ? null : (this.#leaptToMs ?? wallMs)
    this.#believedMs = isBelieved ? wallMs : expectedMs
    return this.#believedMs
  }
}
