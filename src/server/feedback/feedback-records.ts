/** Records of feedback, by the same way as those of predictions. */

import type { WritePlan } from '../../records/write-plan.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Epochs } from '../epochs.ts'
import type { Exchange } from '../exchange.ts'
import type { LiveEndpoint } from '../live-epoch.ts'
import type { Recording } from '../recording.ts'
import type { Release } from '../release.ts'
import type { FeedbackItem, FeedbackSink } from './feedback-sink.ts'

const UNRECORDED = refuse(
  'NOT_IMPLEMENTED',
  'This endpoint keeps no records, and so no feedback: see `records.endpoints`',
)

/** Its record would name nothing. */
const UNJOINED = refuse(
  'NOT_IMPLEMENTED',
  "Request ids are not kept here (`records.redact.request_id`: drop, or hmac without its key), and the label could be joined to nothing: name the 'prediction_id'",
)

export interface FeedbackRecordsParts {
  readonly recording: Recording
  /** null: nothing is waited for. */
  readonly release: Release | null
  readonly epochs: Pick<Epochs, 'current'>
  monotonic(): number
}

export class FeedbackRecords implements FeedbackSink {
  readonly #parts: FeedbackRecordsParts

  constructor(parts: FeedbackRecordsParts) {
    this.#parts = parts
  }

  refusal(endpoint: LiveEndpoint | null, isByRequest: boolean): Refusal | null {
    const plan = this.#planOf(endpoint)
    if (plan?.isRecorded !== true) return UNRECORDED
    if (isByRequest && !plan.keepsRequestId) return UNJOINED
    return this.#parts.recording.refusal(plan)
  }

  keep(
    exchange: Exchange,
    items: readonly FeedbackItem[],
    done: (kept: number | null) => void,
  ): void {
    const { recording, release, epochs, monotonic } = this.#parts
    const { number } = epochs.current().epoch
    let kept = 0
    let last = -1
    for (const { endpoint, text } of items) {
      const end = recording.feedback(this.#planOf(endpoint), exchange, number, text)
      if (end < 0) break
      last = end
      kept++
    }
    if (last < 0 || release?.mustWait(last) !== true) done(kept)
    else release.hold(last, monotonic()).onReleased = (isDurable) => done(isDurable ? kept : null)
  }

  #planOf(endpoint: LiveEndpoint | null): WritePlan | null {
    return endpoint === null ? this.#parts.epochs.current().epoch.records : endpoint.records
  }
}
