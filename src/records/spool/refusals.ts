/**
 * What a disk refuses, perhaps after seconds, each time that it is asked for it. It is asked again
 * one after the other, the one first that has waited longest, and so seldom that asking in vain
 * takes a small part of the time, however many they are and however long each of them takes. What
 * was refused but once may be well: it is asked for soon, in turn with what was refused again.
 */

/** At most, after one was refused for the first time, and for what is first in turn. */
const PAUSE_MS_MAX = 30_000

/** Monotonic ms. */
interface Asked {
  readonly atMs: number
  readonly notAgainBeforeMs: number
}

/** In the order in which they were asked for. */
type Queue = Map<string, Asked>

const firstOf = (queue: Queue): readonly [name: string, asked: Asked] | null =>
  queue.entries().next().value ?? null

export class Refusals {
  readonly #monotonic: () => number
  readonly #pause: number
  readonly #once: Queue = new Map()
  readonly #again: Queue = new Map()
  /** Of which one was asked for last. */
  #asked = this.#again
  /** Monotonic ms; what is refused for the first time does not change it, or others had no turn. */
  #askAtMs = Number.NEGATIVE_INFINITY
  /** The same for the queue whose turn it is not: what is first in the other may not be due. */
  #askOtherAtMs = Number.NEGATIVE_INFINITY
  #pauseUntilMs = Number.NEGATIVE_INFINITY

  /** @param pause how much longer than an asking in vain the time is until the next one */
  constructor(monotonic: () => number, pause: number) {
    this.#monotonic = monotonic
    this.#pause = pause
  }

  /** Whether one was asked for in vain, and others are to have their time. */
  get isPausing(): boolean {
    return this.#monotonic() < this.#pauseUntilMs
  }

  has(name: string): boolean {
    return this.#queueOf(name) !== null
  }

  /** Whether it was not refused, or it is its turn. */
  mayAsk(name: string): boolean {
    const queue = this.#queueOf(name)
    if (queue === null) return true
    const [first, { notAgainBeforeMs }] = firstOf(queue)!
    const askAtMs = queue === this.#inTurn ? this.#askAtMs : this.#askOtherAtMs
    return first === name && this.#monotonic() >= Math.max(askAtMs, notAgainBeforeMs)
  }

  /** It was asked for in vain; `sinceMs`: monotonic, when that began. */
  add(name: string, sinceMs: number): void {
    const nowMs = this.#monotonic()
    const pauseMs = this.#pause * (nowMs - sinceMs)
    const firstPauseMs = Math.min(pauseMs, PAUSE_MS_MAX)
    const queue = this.#queueOf(name)
    this.delete(name)
    if (queue === null) {
      this.#once.set(name, { atMs: nowMs, notAgainBeforeMs: nowMs + firstPauseMs })
      this.#pauseUntilMs = Math.max(this.#pauseUntilMs, nowMs + firstPauseMs)
    } else {
      this.#again.set(name, { atMs: nowMs, notAgainBeforeMs: nowMs })
      this.#askAtMs = nowMs + pauseMs
      this.#askOtherAtMs = this.#askAtMs + firstPauseMs
      this.#pauseUntilMs = this.#askAtMs
    }
  }

  /** It was refused before, nobody knows when. */
  queue(name: string): void {
    const unknown = Number.NEGATIVE_INFINITY
    this.#again.set(name, { atMs: unknown, notAgainBeforeMs: unknown })
  }

  /** It is none of them any more. */
  delete(name: string): void {
    this.#asked = this.#queueOf(name) ?? this.#asked
    this.#once.delete(name)
    this.#again.delete(name)
  }

  /** Forgets those that are not there. */
  keep(there: { has(name: string): boolean }): void {
    for (const queue of [this.#once, this.#again]) {
      for (const name of queue.keys()) if (!there.has(name)) queue.delete(name)
    }
  }

  #queueOf(name: string): Queue | null {
    if (this.#once.has(name)) return this.#once
    return this.#again.has(name) ? this.#again : null
  }

  /** Where the next one is asked for, unless it is not due for long. */
  get #inTurn(): Queue {
    const [once, again] = [firstOf(this.#once), firstOf(this.#again)]
    if (once === null) return this.#again
    const isWaiting = again !== null && again[1].atMs < once[1].atMs
    return isWaiting && this.#asked === this.#once ? this.#again : this.#once
  }
}
