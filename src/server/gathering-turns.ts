/**
 * Turns of queues whose answers wait for their records: what is asked for happens once a turn of
 * the event loop has brought no request, so that one run, one bell and one write are for all that
 * were on their way.
 *
 * ```
 * soon -> turn: requests came -> turn: none came -> run -> onRan: the bell
 * ```
 *
 * A run of few rows, and all that follows it, costs nearly what one of many does: with 16
 * connections, where answers that go out together let their clients ask again in two or three
 * turns, a fifth of the CPU of a request. Who is alone is kept waiting for one empty turn, 5 us.
 */

import type { Turns } from '../runtime/batcher-policy.ts'

/** While requests come in every turn, the first one waits so long. */
export const GATHER_MS = 0.5

export interface GatheringSurroundings {
  readonly turns: Turns
  /** Rises with every request. */
  taken(): number
  /** All that was asked for has happened. */
  onRan(): void
}

export class GatheringTurns implements Turns {
  readonly #around: GatheringSurroundings
  #due: (() => void)[] = []
  #isRunning = false
  /** When the first of `#due` came; no longer waited for, where what runs has left something. */
  #sinceMs = 0.5
  #takenSeen = 0

  constructor(around: GatheringSurroundings) {
    this.#around = around
  }

  monotonic(): number {
    return this.#around.turns.monotonic()
  }

  after(delayMs: number, task: () => void): void {
    this.#around.turns.after(delayMs, task)
  }

  soon(task: () => void): void {
    this.#due.push(task)
    if (this.#due.length > 1) return
    this.#sinceMs = this.#isRunning ? Number.NEGATIVE_INFINITY : this.monotonic()
    this.#around.turns.soon(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    const { turns, taken, onRan } = this.#around
    const isMore = taken() !== this.#takenSeen
    this.#takenSeen = taken()
    if (isMore && turns.monotonic() - this.#sinceMs < GATHER_MS) {
      turns.soon(this.#onTurn)
      return
    }
    const due = this.#due
    this.#due = []
    this.#isRunning = true
    try {
      while (due.length > 0) due.shift()!()
    } finally {
      for (const task of due) this.soon(task) // one has thrown: it is not to take their turn
      this.#isRunning = false
      onRan()
    }
  }
}
