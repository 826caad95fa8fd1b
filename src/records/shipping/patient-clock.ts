/**
 * A wall clock for what cannot be undone. One that leaps ahead, by years where somebody sets it
 * wrong, would have every file past its time at once: a leap is not believed for a day, in which
 * somebody may set it right.
 */

import type { Clock } from '../../shared/clock.ts'

const HOUR_MS = 3_600_000

/** What is no leap: a clock that is set right, a machine that slept for a moment. */
const LEAP_MS_MIN = HOUR_MS
export const PATIENCE_MS = 24 * HOUR_MS

export class PatientClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #believedMs: number
  #seenMs: number
  /** Monotonic ms since when the wall clock is ahead; null: it is not. */
  #leaptAtMs: number | null = null

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock
    this.#believedMs = clock.now()
    this.#seenMs = clock.monotonic()
  }

  /** Wall clock in ms as far as it is believed; to be asked now and then. */
  now(): number {
    const [wallMs, nowMs] = [this.#clock.now(), this.#clock.monotonic()]
    const expectedMs = this.#believedMs + (nowMs - this.#seenMs)
    this.#seenMs = nowMs
    const isAhead = wallMs - expectedMs >= LEAP_MS_MIN
    if (!isAhead) this.#leaptAtMs = null
    else this.#leaptAtMs ??= nowMs
    const isBelieved = this.#leaptAtMs === null || nowMs - this.#leaptAtMs >= PATIENCE_MS
    this.#believedMs = isBelieved ? wallMs : expectedMs
    return this.#believedMs
  }
}
