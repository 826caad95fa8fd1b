/**
 * What a disk refuses, perhaps after seconds, each time that it is asked for it. It is asked again
 * one after the other, the one first that has waited longest, and so seldom that asking in vain
 * takes a small part of the time, however many they are and however long each of them takes. What
 * was refused but once may be well: it is asked for soon, and before what was refused again.
 */

/** At most, after one was refused for the first time. */
const ONCE_PAUSE_MS_MAX = 30_000

export class Refusals {
  readonly #monotonic: () => number
  readonly #pause: number
  /** In the order in which they were asked for. */
  readonly #once = new Set<string>()
  readonly #again = new Set<string>()
  /** Monotonic ms. */
  #askAtMs = Number.NEGATIVE_INFINITY

  /** @param pause how much longer than an asking in vain the time is until the next one */
  constructor(monotonic: () => number, pause: number) {
    this.#monotonic = monotonic
    this.#pause = pause
  }

  /** Whether it is too early to ask again for any of them. */
  get isPausing(): boolean {
    return this.#monotonic() < this.#askAtMs
  }

  has(name: string): boolean {
    return this.#once.has(name) || this.#again.has(name)
  }

  /** Whether it was not refused, or it is its turn. */
  mayAsk(name: string): boolean {
    if (!this.has(name)) return true
    const names = this.#once.size > 0 ? this.#once : this.#again
    return !this.isPausing && names.values().next().value === name
  }

  /** It was asked for in vain; `sinceMs`: monotonic, when that began. */
  add(name: string, sinceMs: number): void {
    const nowMs = this.#monotonic()
    const pauseMs = this.#pause * (nowMs - sinceMs)
    const isAgain = this.has(name)
    this.delete(name)
    const names = isAgain ? this.#again : this.#once
    names.add(name)
    this.#askAtMs = nowMs + (isAgain ? pauseMs : Math.min(pauseMs, ONCE_PAUSE_MS_MAX))
  }

  /** It was refused before, nobody knows when. */
  queue(name: string): void {
    this.#again.add(name)
  }

  delete(name: string): void {
    this.#once.delete(name)
    this.#again.delete(name)
  }

  /** Forgets those that are not there. */
  keep(there: { has(name: string): boolean }): void {
    for (const names of [this.#once, this.#again]) {
      for (const name of names) if (!there.has(name)) names.delete(name)
    }
  }
}
