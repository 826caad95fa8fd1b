/** The life of the shipper: turn after turn, and an end in order. */

import { type Clock, delay } from '../../shared/clock.ts'
import type { Shipping } from './shipping.ts'

export interface ShipperLoopOptions {
  readonly shipping: Pick<Shipping, 'step' | 'failures' | 'hasLeft'>
  readonly clock: Clock
  /** Called once a second or so. */
  report(): void
}

/** Between two looks at the spool while there is nothing new. */
const IDLE_MS = 250
const REPORT_MS = 1000
/** A sink that has failed so often in a row is away: an end does not wait for it to come back. */
const FAILURES_MAX = 3

export class ShipperLoop {
  readonly #options: ShipperLoopOptions
  /** Monotonic ms by which it must end; null: it goes on. */
  #endByMs: number | null = null
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(options: ShipperLoopOptions) {
    this.#options = options
  }

  /** Commits what is there and ends, after `drainMs` at the latest. */
  drain(drainMs: number): void {
    const endByMs = this.#options.clock.monotonic() + drainMs
    this.#endByMs = Math.min(this.#endByMs ?? endByMs, endByMs)
  }

  /**
   * Resolves when it has been told to end, and has: true, all that lies in the spool is shipped.
   *
   * @throws what only a new process can mend
   */
  async run(): Promise<boolean> {
    const { shipping, clock } = this.#options
    for (;;) {
      const isEnding = this.#endByMs !== null
      const isBusy = await shipping.step(isEnding)
      this.#report()
      if (isEnding && !isBusy && shipping.failures === 0) return !shipping.hasLeft
      const isAway = shipping.failures >= FAILURES_MAX
      if (isEnding && (isAway || clock.monotonic() >= this.#endByMs!)) return false
      // Also where there is more to do: signals and messages want their turn.
      await (isBusy ? nextTurn() : delay(clock, IDLE_MS))
    }
  }

  /** For what takes long within a step: reports, where that is due, and lets others have a turn. */
  breathe(): Promise<void> {
    this.#report()
    return nextTurn()
  }

  #report(): void {
    const { clock, report } = this.#options
    const nowMs = clock.monotonic()
    if (nowMs - this.#reportedMs < REPORT_MS) return
    this.#reportedMs = nowMs
    report()
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
