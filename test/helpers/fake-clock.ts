/** Time that passes only when a test says so. */

import type { Clock } from '../../src/shared/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly task: () => void
}

/** Lets everything that is ready run: promise chains of any length, then one turn of the loop. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * A clock for tests. Wall and monotonic time start at different values, so that code that mixes
 * them up fails. `advance` moves both; `jump` moves the wall clock alone, as an operator or NTP
 * does.
 */
export class FakeClock implements Clock {
  #monotonicMs = 5_000
  #wallMs = Date.UTC(2025, 0, 1)
  #timers: Timer[] = []
  #order = 0

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  setTimer(delayMs: number, task: () => void): () => void {
    const atMs = this.#monotonicMs + Math.max(0, delayMs)
    const timer: Timer = { atMs, order: this.#order++, task }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Timers that are set and have not run. */
  get pending(): number {
    return this.#timers.length
  }

  /** Milliseconds until the next timer is due, or null when none is set. */
  get nextMs(): number | null {
    const next = this.#findNext(Number.POSITIVE_INFINITY)
    return next === undefined ? null : next.atMs - this.#monotonicMs
  }

  /** Moves the wall clock alone. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  /**
   * Lets `ms` pass. Timers that come due run in the order of their times, those of one time in the
   * order in which they were set, each after the promises of the one before have settled; timers
   * that they set run too when they come due within `ms`.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    await settle()
    await this.#runUntil(endMs)
  }

  /** Time in which nothing runs, as of a suspended machine: timers that came due run after it. */
  async standStill(ms: number): Promise<void> {
    this.#moveTo(this.#monotonicMs + ms)
    await this.#runUntil(this.#monotonicMs)
  }

  async #runUntil(endMs: number): Promise<void> {
    for (let next = this.#findNext(endMs); next !== undefined; next = this.#findNext(endMs)) {
      this.#moveTo(Math.max(next.atMs, this.#monotonicMs))
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.task()
      await settle()
    }
    this.#moveTo(endMs)
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }

  #findNext(endMs: number): Timer | undefined {
    return this.#timers
      .filter(({ atMs }) => atMs <= endMs)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
  }
}
