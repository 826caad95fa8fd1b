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

/** What is believed is to be noted so often: a process that ends is to cost it no leap. */
const UNNOTED_MS_MAX = HOUR_MS / 2

/** Smaller ones make no difference to what is kept for days. */
const NOTED_MS_MIN = 24 * HOUR_MS
const NOTED_MAX = 8

/** The clock was set ahead, and that was believed. */
export interface Leap {
  /** What it would have said when it was believed. */
  readonly untilMs: number
  readonly byMs: number
}

const endOf = ({ untilMs, byMs }: Leap): number => untilMs + byMs

/** What the next process has to know of it. */
export interface PatientTime {
  /** Wall clock in ms as it was believed last. */
  readonly believedMs: number
  /** What the wall clock said when it was first seen to be ahead of that; null: it was not. */
  readonly leaptToMs: number | null
  /** What it should have said then; absent: as `leaptToMs`. */
  readonly leaptFromMs?: number | undefined
  /** The last ones, in order; absent: none. */
  readonly leaps?: readonly Leap[] | undefined
}

export class PatientClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #believedMs: number
  #seenMs: number
  /** Monotonic ms since when the wall clock is ahead; null: it is not. */
  #leaptAtMs: number | null = null

  #leaptToMs: number | null = null
  #leaptFromMs = 0
  #leaps: readonly Leap[]
  /** As it was noted last. */
  #noted: PatientTime

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, time: PatientTime | null = null) {
    this.#clock = clock
    const wallMs = clock.now()
    // A day has gone by since it was seen first, over several processes.
    const isBelieved = time === null || (time.leaptToMs ?? wallMs) + PATIENCE_MS <= wallMs
    this.#believedMs = isBelieved ? wallMs : time.believedMs
    this.#seenMs = clock.monotonic()
    this.#leaps = time?.leaps ?? []
    this.#noted = time ?? this.time
    if (time === null || time.leaptToMs === null) return
    const { leaptToMs, leaptFromMs = leaptToMs } = time
    this.#leaptFromMs = leaptFromMs
    if (isBelieved) this.#remember({ untilMs: time.believedMs, byMs: leaptToMs - leaptFromMs })
    else this.#leaptToMs = leaptToMs
  }

  get time(): PatientTime {
    const [believedMs, leaptToMs, leaps] = [this.#believedMs, this.#leaptToMs, this.#leaps]
    const leaptFromMs = leaptToMs === null ? undefined : this.#leaptFromMs
    return { believedMs, leaptToMs, leaptFromMs, leaps }
  }

  /** Whether the next process would not know enough of it. */
  get isUnnoted(): boolean {
    const { believedMs, leaptToMs } = this.#noted
    const isLeap = (leaptToMs === null) !== (this.#leaptToMs === null)
    return isLeap || Math.abs(this.#believedMs - believedMs) >= UNNOTED_MS_MAX
  }

  /** The time, which is noted now. */
  note(): PatientTime {
    this.#noted = this.time
    return this.#noted
  }

  /**
   * What an earlier time of the wall clock is by that of today: a machine without a clock of its
   * own says 1970 until it is told.
   */
  today(wallMs: number): number {
    return this.#leaps.reduce((ms, { untilMs, byMs }) => (ms <= untilMs ? ms + byMs : ms), wallMs)
  }

  /** Wall clock in ms as far as it is believed; to be asked now and then. */
  now(): number {
    const [wallMs, nowMs] = [this.#clock.now(), this.#clock.monotonic()]
    const expectedMs = this.#believedMs + (nowMs - this.#seenMs)
    this.#seenMs = nowMs
    const isAhead = wallMs - expectedMs >= LEAP_MS_MIN
    this.#leaptAtMs = isAhead ? (this.#leaptAtMs ?? nowMs) : null
    // Set back behind a leap it was wrong to leap, or does so again.
    this.#leaps = this.#leaps.filter((leap) => endOf(leap) - wallMs < NOTED_MS_MIN)
    const isBelieved = this.#leaptAtMs === null || nowMs - this.#leaptAtMs >= PATIENCE_MS
    if (isBelieved && isAhead) this.#remember({ untilMs: expectedMs, byMs: wallMs - expectedMs })
    if (!isBelieved && this.#leaptToMs === null) this.#leaptFromMs = expectedMs
    this.#leaptToMs = isBelieved ? null : (this.#leaptToMs ?? wallMs)
    this.#believedMs = isBelieved ? wallMs : expectedMs
    return this.#believedMs
  }

  #remember(leap: Leap): void {
    if (leap.byMs >= NOTED_MS_MIN) this.#leaps = [...this.#leaps, leap].slice(-NOTED_MAX)
  }
}
