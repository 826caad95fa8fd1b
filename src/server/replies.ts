/** Stages 6 to 8: encode, release, account. The only file that writes answers. */

import type { RunTimes } from '../runtime/batch-runs.ts'
import { REASON_ABORTED, REASON_OK, reasonIndex } from '../shared/counters.ts'
import { ERRORS, type Refusal, refuse } from '../shared/errors.ts'
import { isEchoable } from '../shared/ids.ts'
import { STATUS_TITLES } from '../shared/problem.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Account } from './account.ts'
import type { Document } from './documents.ts'
import type { Exchange } from './exchange.ts'
import type { Answerable, Pending } from './pending.ts'
import { OTHER, type WireFormat } from './wire-formats.ts'

const statusLine = (status: number): string =>
  status === 200 ? '200 OK' : `${status} ${STATUS_TITLES[status] ?? ''}`

const JSON_TYPE = 'content-type: application/json'
/** Seconds after which a shed request may come again. B1 computes it from the queue. */
const RETRY_AFTER_SECONDS = 1

export interface RepliesSurroundings {
  readonly account: Account
  /** `<gateway>.<replica>.<thread>-<incarnation>-` */
  readonly predictionIdPrefix: string
  monotonic(): number
  /** Reports a fault of ours; the log is not for the data thread to write. */
  onFault(requestId: string, thrown: unknown): void
}

export class Replies {
  readonly #account: Account
  readonly #prefix: string
  readonly #monotonic: () => number
  readonly #onFault: (requestId: string, thrown: unknown) => void
  /** Requests of endpoints so far. */
  #sequence = 0
  /** Requests of no endpoint so far: they are no predictions, but have ids all the same. */
  #others = 0
  /** What `#identify` found: our id, the one for bodies, and the one for headers and logs. */
  #ownId = ''
  #requestId = ''
  #safeId = ''

  constructor(surroundings: RepliesSurroundings) {
    this.#account = surroundings.account
    this.#prefix = surroundings.predictionIdPrefix
    this.#monotonic = surroundings.monotonic
    this.#onFault = surroundings.onFault
  }

  /** The place of one more request in the records of this producer: from 1, without gap. */
  takeSequence(): number {
    return ++this.#sequence
  }

  predictionId(sequence: number): string {
    return this.#prefix + sequence
  }

  /**
   * The client's id counts where it gave one: that of the head if it may be echoed, else that of
   * the body, which may hold anything and then stays out of headers.
   */
  #identify({ exchange, sequence, bodyId }: Answerable): void {
    const ownId =
      sequence > 0 ? this.predictionId(sequence) : `${this.#prefix}other-${++this.#others}`
    this.#ownId = ownId
    this.#requestId = ownId
    this.#safeId = ownId
    if (exchange.requestId !== '' && isEchoable(exchange.requestId)) {
      this.#requestId = exchange.requestId
      this.#safeId = exchange.requestId
    } else if (bodyId !== null && bodyId !== '') {
      this.#requestId = bodyId
      if (isEchoable(bodyId)) this.#safeId = bodyId
    }
  }

  /** A request that was run. `runRows`: rows of the whole run. */
  answered(
    pending: Pending,
    results: readonly Tensor[],
    place: { rowStart: number; rows: number; isWhole: boolean },
    times: RunTimes,
    runRows: number,
  ): void {
    const { exchange, format, counterBase } = pending
    if (exchange.isAborted) {
      this.#account.counted(counterBase, format.protocol, REASON_ABORTED)
      return
    }
    this.#identify(pending)
    const variant = pending.variant!
    const totalMs = this.#monotonic() - exchange.startedMs
    const body = format.encodeResponse({
      plan: variant.plan,
      results,
      rowStart: place.rowStart,
      rows: place.rows,
      isWhole: place.isWhole,
      isBatch: pending.isBatch,
      outputs: pending.outputs,
      requestId: this.#requestId,
      bodyId: pending.bodyId,
      predictionId: this.#ownId,
      sequence: pending.sequence,
      latencyMs: totalMs,
    })
    if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
      this.refused(pending, body)
      return
    }
    const timing = exchange.isExplained ? serverTiming(pending, times, totalMs, runRows) : ''
    const head =
      this.#safeId === this.#ownId && timing === ''
        ? variant.head.bytes(this.#ownId, pending.sequence)
        : variant.head.text(this.#ownId, this.#safeId, timing)
    exchange.reply(head, body)
    this.#account.answered(counterBase, format.protocol, place.rows, {
      totalUs: totalMs * 1000,
      queueUs: (times.startedMs - pending.admittedMs) * 1000,
      computeUs: (times.endedMs - times.startedMs) * 1000,
    })
  }

  /** A refusal or failure. `allow`: the methods of a path, where the method was wrong. */
  refused(request: Answerable, refusal: Refusal, allow = ''): void {
    const { exchange, format } = request
    if (exchange.isAborted) {
      this.#account.counted(request.counterBase, format.protocol, REASON_ABORTED)
      return
    }
    this.#identify(request)
    this.#refuse(request, refusal, allow)
  }

  #refuse(
    { exchange, format, sequence, counterBase }: Answerable,
    refusal: Refusal,
    allow: string,
  ) {
    const status = ERRORS[refusal.code].http
    const { contentType, body } = format.encodeError(refusal, this.#requestId)
    let head = `${statusLine(status)}\r\ncontent-type: ${contentType}`
    head += `\r\nx-sluice-error: ${refusal.code}\r\nx-request-id: ${this.#safeId}`
    if (sequence > 0) head += `\r\nx-sluice-prediction-id: ${this.#ownId}`
    if (status === 503) head += `\r\nretry-after: ${RETRY_AFTER_SECONDS}`
    if (allow !== '') head += `\r\nallow: ${allow}`
    exchange.reply(head, body)
    this.#account.counted(counterBase, format.protocol, reasonIndex(refusal.code))
  }

  /** A fault of ours: 500 without details; the agent logs them under the id that is answered. */
  crashed(request: Answerable, thrown: unknown): void {
    this.#identify(request)
    this.#onFault(this.#safeId, thrown)
    this.#refuse(request, refuse('INTERNAL', 'Internal error'), '')
  }

  document(exchange: Exchange, format: WireFormat, { status, body }: Document): void {
    this.#identify(ofNoEndpoint(exchange, format))
    const head = `${statusLine(status)}\r\n${JSON_TYPE}\r\nx-request-id: ${this.#safeId}`
    exchange.reply(head, body)
    this.#account.counted(0, format.protocol, REASON_OK)
  }

  /** A client that went before its request was complete. */
  forsaken(): void {
    this.#account.counted(0, OTHER.protocol, REASON_ABORTED)
  }
}

/** A request that is answered, and counted in slot 0, without belonging to an endpoint. */
export const ofNoEndpoint = (exchange: Exchange, format: WireFormat): Answerable => ({
  exchange,
  format,
  sequence: 0,
  counterBase: 0,
  bodyId: null,
})

const milliseconds = (value: number): string => Math.max(0, value).toFixed(3)

const serverTiming = (
  { exchange, admittedMs }: Pending,
  times: RunTimes,
  totalMs: number,
  runRows: number,
): string => {
  const body = milliseconds(exchange.startedMs - exchange.headMs)
  const decode = milliseconds(admittedMs - exchange.startedMs)
  const queue = milliseconds(times.startedMs - admittedMs)
  const infer = milliseconds(times.endedMs - times.startedMs)
  return (
    `\r\nserver-timing: body;dur=${body}, decode;dur=${decode}, queue;dur=${queue}, ` +
    `infer;dur=${infer};desc="batch ${runRows}", total;dur=${milliseconds(totalMs)}`
  )
}
