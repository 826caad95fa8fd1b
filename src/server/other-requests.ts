/** What is asked beside inference: documents of an epoch, feedback, and calls to control. */

import { isRefusal, type Refusal } from '../shared/errors.ts'
import type { Account } from './account.ts'
import type { Describe } from './api-description.ts'
import { admitEncoding, withPlainBody } from './content-encoding.ts'
import type { Exchange } from './exchange.ts'
import { FeedbackRequests, type FeedbackSurroundings } from './feedback/feedback-requests.ts'
import type { LiveEpoch } from './live-epoch.ts'
import { admitPeer } from './local-peer.ts'
import { ofNoEndpoint } from './replies.ts'
import type { CallRoute } from './route.ts'
import { formatFor, resolveRoute } from './routes.ts'
import type { ThreadCalls } from './thread-calls.ts'
import { OTHER } from './wire-formats.ts'

export interface OtherSurroundings extends FeedbackSurroundings {
  readonly account: Account
  readonly describe: Describe
  readonly forward: ThreadCalls['forward']
  isReady(): boolean
}

export class OtherRequests {
  readonly #surroundings: OtherSurroundings
  readonly #feedback: FeedbackRequests

  constructor(surroundings: OtherSurroundings) {
    this.#surroundings = surroundings
    this.#feedback = new FeedbackRequests(surroundings)
  }

  /** `engineRefusal`: why the transport refuses it. */
  answer(
    epoch: LiveEpoch,
    exchange: Exchange,
    body: Uint8Array,
    engineRefusal: Refusal | null,
  ): void {
    const { replies, account, describe, isReady } = this.#surroundings
    if (engineRefusal !== null) {
      replies.refused(ofNoEndpoint(exchange, formatFor(exchange)), engineRefusal)
      return
    }
    if (exchange.isPreflight) {
      replies.options(exchange, OTHER, '')
      return
    }
    const route = resolveRoute(epoch, describe, exchange.method, exchange.path)
    const format = exchange.format ?? route.format
    if (route.kind === 'refused') {
      replies.refused(ofNoEndpoint(exchange, format), route.refusal, route.allow)
    } else if (route.kind === 'document') {
      replies.document(
        exchange,
        format,
        account.encoding(() => route.render(isReady())),
      )
    } else if (route.kind === 'call') this.#call({ ...route, format }, exchange, body)
    else if (route.kind === 'feedback') this.#feedback.answer(epoch, exchange, body)
    else replies.options(exchange, format, route.allow)
  }

  /** What control answers. Nothing of the epoch is held meanwhile. */
  #call({ format, isLocalOnly, read }: CallRoute, exchange: Exchange, body: Uint8Array): void {
    const { replies, bodies, jsonDepthMax, forward } = this.#surroundings
    const request = ofNoEndpoint(exchange, format)
    const call =
      (isLocalOnly ? admitPeer(exchange) : null) ??
      admitEncoding(exchange.contentEncoding) ??
      withPlainBody(body, exchange.contentEncoding, bodies, (plain) => read(plain, jsonDepthMax))
    if (isRefusal(call)) {
      replies.refused(request, call)
      return
    }
    forward(call, (answer) => {
      try {
        if (typeof answer !== 'string') replies.refused(request, answer)
        else replies.document(exchange, format, { status: 200, body: answer })
      } catch (thrown) {
        replies.crashed(request, thrown)
      }
    })
  }
}
