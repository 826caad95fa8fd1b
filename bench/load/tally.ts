/** What the connections of a load count together. */

import {
  LATENCY_SLOTS,
  latencySlot,
  latencySlotEdgeUs,
  quantileUs,
} from '../../src/shared/latency-slots.ts'
import type { GeneratorResult } from './load.ts'

const IDS_CHECKED_MAX = 10_000

export class Tally {
  readonly #slots = new Float64Array(LATENCY_SLOTS)
  readonly #ids = new Set<string>()
  #requests = 0
  #failures = 0
  #badAnswers = 0
  #idsTwice = 0
  #idsChecked = 0
  #firstFailure: string | null = null

  /**
   * An answer has come.
   *
   * @param sinceMs when its latency began
   * @param failure why it is none that was wanted; null: it is
   * @param idOf its prediction id; asked of the first answers alone
   */
  answered(sinceMs: number, failure: string | null, idOf: () => string | undefined): void {
    this.#requests++
    const slot = latencySlot((performance.now() - sinceMs) * 1000)
    this.#slots[slot] = this.#slots[slot]! + 1
    if (failure !== null) {
      this.#badAnswers++
      this.failed(failure)
    }
    if (this.#idsChecked === IDS_CHECKED_MAX) return
    const id = idOf()
    if (id === undefined) return
    if (this.#ids.has(id)) this.#idsTwice++
    this.#ids.add(id)
    this.#idsChecked++
  }

  failed(why: string): void {
    this.#failures++
    this.#firstFailure ??= why.slice(0, 500)
  }

  result(seconds: number): GeneratorResult {
    const last = this.#slots.findLastIndex((count) => count > 0)
    return {
      requests: this.#requests,
      seconds,
      failures: this.#failures,
      badAnswers: this.#badAnswers,
      latencyUs: {
        p50: quantileUs(this.#slots, 0, 0.5),
        p99: quantileUs(this.#slots, 0, 0.99),
        highest: last < 0 ? 0 : latencySlotEdgeUs(last),
      },
      idsChecked: this.#idsChecked,
      idsTwice: this.#idsTwice,
      firstFailure: this.#firstFailure,
    }
  }
}
