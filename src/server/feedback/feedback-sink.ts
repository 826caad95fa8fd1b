/** What feedback needs of the records of a data thread. */

import type { Refusal } from '../../shared/errors.ts'
import type { Exchange } from '../exchange.ts'
import type { LiveEndpoint } from '../live-epoch.ts'

export interface FeedbackItem {
  /** null: nobody has said; whoever joins it to its prediction knows. */
  readonly endpoint: LiveEndpoint | null
  /** Of `encodeFeedback`; at most 30,000 characters. */
  readonly text: string
  /** Pointer to it in the body. */
  readonly at: string
}

export interface FeedbackSink {
  /**
   * Why feedback of the endpoint cannot be recorded now; null: it can.
   *
   * @param isByRequest nothing but the id of its request says what it is of
   */
  refusal(endpoint: LiveEndpoint | null, isByRequest: boolean): Refusal | null
  /**
   * Writes a record for each item, in their order, up to the first that finds no room. `done` is
   * called once, when the first `kept` of them are as safe as `records.durability` says; in the
   * same call, where that is at once. null: they cannot be written now, and may be later.
   */
  keep(
    exchange: Exchange,
    items: readonly FeedbackItem[],
    done: (kept: number | null) => void,
  ): void
}
