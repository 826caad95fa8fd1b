/**
 * What a disk refuses, perhaps after seconds, each time that it is asked for it. It is asked again
 * one after the other, the one first that has waited longest, and so seldom that asking in vain
 * takes a small part of the time, however many they are and however long each of them takes.
 */

export class Refusals {
  readonly #monotonic: () => number
  readonly #pause: number
  /** In the order in which they were asked for. */
  readonly #names = new Set<string>()
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
    return this.#names.has(name)
  }

  /** Whether it was not refused, or it is its turn. */
  mayAsk(name: string): boolean {
    if (!this.#names.has(name)) return true
    return !this.isPausing && this.#names.values().next().value === name
  }

  /** It was asked for in vain; `sinceMs`: monotonic, when that began. */
  add(name: string, sinceMs: number): void {
    const nowMs = this.#monotonic()
    this.#names.delete(name)
    this.#names.add(name)
    this.#askAtMs = nowMs + this.#pause * (nowMs - sinceMs)
  }

  delete(name: string): void {
    this.#names.delete(name)
  }

  /** Forgets those that are not there. */
  keep(there: { has(name: string): boolean }): void {
    for (const name of this.#names) if (!there.has(name)) this.#names.delete(name)
  }
}
