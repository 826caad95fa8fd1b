/**
 * `POST /feedback`: labels of predictions, each a record of its own. Answered with 202 when all are
 * as safe as `records.durability` says.
 *
 * A prediction id does not say which endpoint it is of, and may be of another gateway: it is looked
 * at for its form only, and joined later. So the endpoint of a record is what the client says, or
 * none; but feedback by request id, which is unique within an endpoint at best, is of the default
 * endpoint where none is named. A key that may not ask all endpoints has to name one: what does
 * not belong to that is not joined to it.
 */

import { encodeFeedback } from '../../records/feedback-text.ts'
import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { admitKey } from '../access.ts'
import type { BodyLimits } from '../body-buffer.ts'
import { admitEncoding, withPlainBody } from '../content-encoding.ts'
import type { Exchange } from '../exchange.ts'
import { pointer } from '../json/pointer.ts'
import type { LiveEndpoint, LiveEpoch } from '../live-epoch.ts'
import { ofNoEndpoint, type Replies } from '../replies.ts'
import { endpointNames, unknownName } from '../route.ts'
import { FEATURES } from '../wire-formats.ts'
import { type FeedbackDraft, locate } from './feedback-item.ts'
import { readFeedback } from './feedback-request.ts'
import type { FeedbackItem, FeedbackSink } from './feedback-sink.ts'

export interface FeedbackSurroundings {
  readonly replies: Replies
  /** For bodies that are inflated, as for those that arrive. */
  readonly bodies: BodyLimits
  readonly jsonDepthMax: number
  /** null: nothing is recorded. */
  readonly feedback: FeedbackSink | null
  /** Wall clock. */
  now(): number
}

/** Most characters of the text of one record: the smallest ring has room for as much. */
const TEXT_CHARACTERS_MAX = 30_000

const NO_RECORDS = refuse(
  'NOT_IMPLEMENTED',
  'This server keeps no records, and so no feedback: `records.enabled` is false',
)
const UNNAMED = refuse(
  'FORBIDDEN',
  "The key may not ask all endpoints: name the one that the prediction is of, as 'endpoint'",
)

/** No item is named: those before one would count as recorded, and those behind it as not. */
const UNWRITTEN = refuse(
  'RECORD_UNAVAILABLE',
  'The labels could not be written to disk in time, and may come there all the same: sent again, they may be there twice',
)

/** The endpoint that feedback is of; null: nobody has said. */
const endpointOf = (
  { endpoint, feedback, at }: FeedbackDraft,
  epoch: LiveEpoch,
  { grant }: Exchange,
): LiveEndpoint | null | Refusal => {
  const isById = feedback.ofPredictionId !== null
  const name = endpoint ?? (isById ? null : epoch.plan.defaultEndpoint)
  if (name === null) {
    if (grant !== null && grant.endpoints !== null) return UNNAMED
    if (isById) return null
    const choices = `Feedback by request id needs an 'endpoint'. Endpoints: ${endpointNames(epoch)}`
    return refuse('ENDPOINT_NOT_FOUND', choices)
  }
  const found = epoch.endpoints.get(name)
  const refusal =
    admitKey(grant, name) ??
    (found === undefined ? unknownName('ENDPOINT_NOT_FOUND', name, epoch) : null)
  if (refusal === null) return found!
  return locate(refusal, endpoint === null ? at : at + pointer('endpoint'))
}

export class FeedbackRequests {
  readonly #surroundings: FeedbackSurroundings

  constructor(surroundings: FeedbackSurroundings) {
    this.#surroundings = surroundings
  }

  answer(epoch: LiveEpoch, exchange: Exchange, body: Uint8Array): void {
    const { replies, feedback, bodies } = this.#surroundings
    const request = ofNoEndpoint(exchange, FEATURES)
    const items =
      (feedback === null ? NO_RECORDS : null) ??
      admitEncoding(exchange.contentEncoding) ??
      withPlainBody(body, exchange.contentEncoding, bodies, (plain) =>
        this.#read(plain, epoch, exchange),
      )
    if (isRefusal(items)) {
      replies.refused(request, items)
      return
    }
    feedback!.keep(exchange, items, (kept) => {
      try {
        if (kept === null) replies.refused(request, UNWRITTEN)
        else if (kept < items.length) replies.refused(request, unkept(items[kept]!, kept))
        else replies.document(exchange, FEATURES, accepted(kept))
      } catch (thrown) {
        replies.crashed(request, thrown)
      }
    })
  }

  #read(body: Uint8Array, epoch: LiveEpoch, exchange: Exchange): FeedbackItem[] | Refusal {
    const { jsonDepthMax, now } = this.#surroundings
    const drafts = readFeedback(body, jsonDepthMax, now())
    if (isRefusal(drafts)) return drafts
    const items: FeedbackItem[] = []
    for (const draft of drafts) {
      const item = this.#itemOf(draft, epoch, exchange)
      if (isRefusal(item)) return locate(item, draft.at)
      items.push(item)
    }
    return items
  }

  #itemOf(draft: FeedbackDraft, epoch: LiveEpoch, exchange: Exchange): FeedbackItem | Refusal {
    const endpoint = endpointOf(draft, epoch, exchange)
    if (endpoint !== null && isRefusal(endpoint)) return endpoint
    const isByRequest = draft.feedback.ofPredictionId === null
    const refusal = this.#surroundings.feedback!.refusal(endpoint, isByRequest)
    if (refusal !== null) return refusal
    const text = encodeFeedback(draft.feedback)
    if (text.length <= TEXT_CHARACTERS_MAX) return { endpoint, text, at: draft.at }
    const detail = `The labels of one item may have ${TEXT_CHARACTERS_MAX} characters: send several`
    return refuse('BODY_TOO_LARGE', detail)
  }
}

const accepted = (count: number) =>
  ({ status: 202, body: JSON.stringify({ accepted: count }) }) as const

/** Those before it are recorded: to send them again would record them twice. */
const unkept = ({ at }: FeedbackItem, kept: number): Refusal => {
  const detail =
    kept === 0
      ? 'There is no room for its record'
      : `There is no room for more records: the first ${kept} are recorded, send on from there`
  return locate(refuse('RECORD_UNAVAILABLE', detail), at)
}
