/** The end of a replica: its threads end when they are quiet, or when the time for that is over. */

import type { Clock } from '../shared/clock.ts'

/** How long threads may take to end when the time for draining is over. */
const CLOSE_MS_MAX = 500

export interface DrainParts {
  readonly clock: Clock
  /** Has the threads accept nothing new and end when they are quiet. */
  begin(): void
  /** Has those that have not ended end now. */
  close(): void
  /** Puts away what the threads have left. Comes last, also where some have not ended. */
  finish(): Promise<void>
}

export class AgentDrain {
  readonly #parts: DrainParts
  #drained: Promise<void> | null = null
  #closeAtMs = Number.POSITIVE_INFINITY
  #cancelClose = () => {}
  #onQuiet = () => {}

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  get isDraining(): boolean {
    return this.#drained !== null
  }

  /**
   * Resolves when all threads have ended, or when some have not although their time is over. Called
   * again, the earlier end of time counts.
   */
  drain(limitMs: number): Promise<void> {
    const { clock, begin, finish } = this.#parts
    if (this.#drained === null) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onQuiet = resolve
      this.#drained = promise.then(finish)
      begin()
    }
    const closeAtMs = clock.monotonic() + limitMs
    if (closeAtMs < this.#closeAtMs) {
      this.#closeAtMs = closeAtMs
      this.#cancelClose()
      this.#cancelClose = clock.setTimer(limitMs, () => this.#close())
    }
    return this.#drained
  }

  /** The last thread has ended. */
  onThreadsEnded(): void {
    this.#cancelClose()
    this.#onQuiet()
  }

  #close(): void {
    this.#parts.close()
    // A thread that is stuck in a run cannot end: it must not hold up the process.
    this.#cancelClose = this.#parts.clock.setTimer(CLOSE_MS_MAX, this.#onQuiet)
  }
}
