/** Records of a data thread as feedback sees them: kept and released when a test says so. */

import type { FeedbackItem, FeedbackSink } from '../../src/server/feedback/feedback-sink.ts'
import type { Refusal } from '../../src/shared/errors.ts'

export interface KeptItem {
  /** null: none was named. */
  readonly endpoint: string | null
  readonly feedback: unknown
}

export class PuppetSink implements FeedbackSink {
  readonly kept: KeptItem[] = []
  /** Records that there is room for. */
  room = Number.POSITIVE_INFINITY
  /** By endpoint, '' where none is named. */
  readonly refusals = new Map<string, Refusal>()
  /** Whether what is kept is released in the same call. */
  isAtOnce = true
  readonly #held: (() => void)[] = []

  refusal(endpoint: FeedbackItem['endpoint']): Refusal | null {
    return this.refusals.get(endpoint?.name ?? '') ?? null
  }

  keep(_: unknown, items: readonly FeedbackItem[], done: (kept: number) => void): void {
    const taken = items.slice(0, this.room)
    for (const { endpoint, text } of taken) {
      this.kept.push({ endpoint: endpoint?.name ?? null, feedback: JSON.parse(text) })
    }
    this.#held.push(() => done(taken.length))
    if (this.isAtOnce) this.release()
  }

  release(): void {
    for (const done of this.#held.splice(0)) done()
  }
}
