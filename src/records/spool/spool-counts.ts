/** Counting into the figures of the spool, which outlive the thread. */

export class SpoolCounts {
  readonly #figures: Float64Array
  readonly #monotonic: () => number

  /** `figures`: of the spool's memory. */
  constructor(figures: Float64Array, monotonic: () => number) {
    this.#figures = figures
    this.#monotonic = monotonic
  }

  /** `figure`: of SPOOL_FIGURE. */
  add(figure: number, by: number): void {
    this.#figures[figure]! += by
  }

  /** Counts a call as one more of `figure`, and its seconds into the figure behind it. */
  timed<Value>(figure: number, call: () => Value): Value {
    const startMs = this.#monotonic()
    try {
      return call()
    } finally {
      this.add(figure, 1)
      this.add(figure + 1, (this.#monotonic() - startMs) / 1000)
    }
  }
}
