/** Whether a batch waits for company (`max_queue_delay_microseconds`), and how large it gets. */

import type { Batch } from './batch.ts'
import type { BatcherPolicy } from './batcher-policy.ts'
import type { CostModel } from './cost-model.ts'
import { lookAhead } from './forming.ts'
import type { Queued } from './row-queue.ts'
import type { Waiting } from './waiting.ts'

/** Part of the time to a deadline that waiting for company may take: its turn may come late. */
const PATIENCE = 0.5

export interface Plan {
  /** Most rows of the next batch. */
  readonly rowsMax: number
  /** Milliseconds that it waits first; 0: none. */
  readonly waitMs: number
}

const NOW: Plan = { rowsMax: Infinity, waitMs: 0 }

export class Company<M extends Queued> {
  readonly #waiting: Waiting<M>
  readonly #cost: CostModel
  readonly #preferred: readonly number[]
  /** 0 where requests never share a run, or are not to wait. */
  readonly #delayMs: number
  /** Rows that end the waiting: the largest preferred size. */
  readonly #enoughRows: number

  constructor(waiting: Waiting<M>, policy: BatcherPolicy, cost: CostModel) {
    const { mixesRequests, queueDelayUsMax, preferredRows, rowsMax } = policy
    this.#waiting = waiting
    this.#cost = cost
    this.#preferred = preferredRows
    this.#delayMs = mixesRequests ? queueDelayUsMax / 1000 : 0
    const capacity = waiting.denseRows || rowsMax
    const sizes = preferredRows.filter((rows) => rows <= capacity)
    this.#enoughRows = sizes.length === 0 ? capacity : Math.max(...sizes)
  }

  /**
   * What becomes of the batch that is next. It runs as soon as it can grow no more, or members add
   * up to a preferred size: then those alone. As Triton's, but that what fits into one run is never
   * taken apart once its waiting is over.
   */
  plan(head: Batch<M>, nowMs: number): Plan {
    if (this.#delayMs === 0) return NOW
    const { rows, preferredRows, isAll } = lookAhead(this.#waiting, head, this.#preferred)
    const waitMs = this.#untilMs(rows) - nowMs
    if (waitMs <= 0 || !isAll) return NOW
    if (preferredRows > 0) return { rowsMax: preferredRows, waitMs: 0 }
    return rows >= this.#enoughRows ? NOW : { rowsMax: Infinity, waitMs }
  }

  /** When the waiting is over for somebody, by the delay or by a client's deadline. */
  #untilMs(rows: number): number {
    const runMs = this.#cost.estimateUs(rows) / 1000
    let untilMs = Infinity
    for (const { batches, delayed } of this.#waiting.lanes) {
      for (const head of [batches[0], delayed[0]]) {
        if (head === undefined) continue
        const { openedMs, deadlineMs } = head
        const patienceMs = (deadlineMs - runMs - openedMs) * PATIENCE
        untilMs = Math.min(untilMs, openedMs + Math.min(this.#delayMs, patienceMs))
      }
    }
    return untilMs
  }
}
