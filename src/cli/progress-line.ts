/** A line on stderr that is written over, where stderr is a terminal; else nothing. */

import { systemClock } from '../shared/clock.ts'
import { plain } from './output.ts'

const EVERY_MS = 250

export class ProgressLine {
  #shownMs = Number.NEGATIVE_INFINITY

  /** Shows a text, unless another one was shown a moment ago. */
  show(text: () => string): void {
    const nowMs = systemClock.monotonic()
    if (!process.stderr.isTTY || nowMs - this.#shownMs < EVERY_MS) return
    this.#shownMs = nowMs
    process.stderr.write(`\r\u001b[K  ${plain(text())}`)
  }

  /** Takes it away. */
  end(): void {
    if (this.#shownMs > Number.NEGATIVE_INFINITY) process.stderr.write('\r\u001b[K')
  }
}
