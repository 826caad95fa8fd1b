/** What Prometheus makes of counters: every fall is a restart, after which all of it is new. */

export class Scraper {
  readonly #mayEnd: boolean
  readonly #last = new Map<string, number>()
  #resets = 0
  /** By series: how much it has risen, as `increase()` sees it. */
  readonly increase = new Map<string, number>()
  /** Counters that fell without a reset, fell to more than zero, or went missing, in words. */
  readonly faults: string[] = []

  /** `mayEnd`: a series may go. */
  constructor(mayEnd: boolean) {
    this.#mayEnd = mayEnd
  }

  /** Sees all series; `resets`: how often they were to begin again from zero so far. */
  scrape(exported: ReadonlyMap<string, number>, resets: number): void {
    const isReset = resets !== this.#resets
    this.#resets = resets
    for (const [series, last] of this.#last) {
      const value = exported.get(series)
      if (value === undefined) {
        this.#last.delete(series)
        // Labels that nothing was counted for are not exported: after a reset these are many.
        if (!this.#mayEnd && !isReset) this.faults.push(`${series} is gone`)
      } else if (value < last && !(isReset && value === 0)) {
        this.faults.push(`${series} fell from ${last} to ${value}`)
      }
    }
    for (const [series, value] of exported) {
      const last = this.#last.get(series) ?? 0
      const risen = value < last ? value : value - last
      this.increase.set(series, (this.increase.get(series) ?? 0) + risen)
      this.#last.set(series, value)
    }
  }
}
