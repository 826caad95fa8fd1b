/** Stages 6 to 8: encode, release, account. The only file that writes answers. */

import type { RunTimes } from '../runtime/batch-runs.ts'
import { REASON_ABORTED, REASON_OK, reasonIndex } from '../shared/counters.ts'
import { ERRORS, type Refusal, refuse } from '../shared/errors.ts'
import { isEchoable } from '../shared/ids.ts'
import { STATUS_TITLES } from '../shared/problem.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Account } from './account.ts'
import type { AnswerHead } from './answer-head.ts'
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

  /** The prediction id, or, for a request that is no prediction, another of ours. */
  #ownId(sequence: number): string {
    return sequence > 0 ? this.predictionId(sequence) : `${this.#prefix}other-${++this.#others}`
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
      requestId: clientId(pending),
      bodyId: pending.bodyId,
      idPrefix: this.#prefix,
      sequence: pending.sequence,
      latencyMs: totalMs,
    })
    if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
      this.refused(pending, body)
      return
    }
    const timing = exchange.isExplained ? serverTiming(pending, times, totalMs, runRows) : ''
    exchange.reply(this.#head(variant.head, pending, timing), body)
    this.#account.answered(counterBase, format.protocol, place.rows, {
      totalUs: totalMs * 1000,
      queueUs: (times.startedMs - pending.admittedMs) * 1000,
      computeUs: (times.endedMs - times.startedMs) * 1000,
    })
  }

  #head(head: AnswerHead, pending: Pending, timing: string): string | Uint8Array {
    const { sequence } = pending
    const id = echoableId(pending)
    if (id === null && timing === '') return head.bytes(this.#prefix, sequence)
    const ownId = this.predictionId(sequence)
    return head.text(ownId, id ?? ownId, timing)
  }

  /** A refusal or failure. `allow`: the methods of a path, where the method was wrong. */
  refused(request: Answerable, refusal: Refusal, allow = ''): void {
    const { exchange, format } = request
    if (exchange.isAborted) {
      this.#account.counted(request.counterBase, format.protocol, REASON_ABORTED)
      return
    }
    this.#refuse(request, this.#ownId(request.sequence), refusal, allow)
  }

  #refuse(request: Answerable, ownId: string, refusal: Refusal, allow: string): void {
    const { exchange, format, sequence, counterBase } = request
    const status = ERRORS[refusal.code].http
    const { contentType, body } = format.encodeError(refusal, clientId(request) ?? ownId)
    let head = `${statusLine(status)}\r\ncontent-type: ${contentType}`
    head += `\r\nx-sluice-error: ${refusal.code}\r\nx-request-id: ${echoableId(request) ?? ownId}`
    if (sequence > 0) head += `\r\nx-sluice-prediction-id: ${ownId}`
    if (status === 503) head += `\r\nretry-after: ${RETRY_AFTER_SECONDS}`
    if (allow !== '') head += `\r\nallow: ${allow}`
    exchange.reply(head, body)
    this.#account.counted(counterBase, format.protocol, reasonIndex(refusal.code))
  }

  /** A fault of ours: 500 without details; the agent logs them under the id that is answered. */
  crashed(request: Answerable, thrown: unknown): void {
    const ownId = this.#ownId(request.sequence)
    this.#onFault(echoableId(request) ?? ownId, thrown)
    this.#refuse(request, ownId, refuse('INTERNAL', 'Internal error'), '')
  }

  document(exchange: Exchange, format: WireFormat, { status, body }: Document): void {
    const id = echoableId(ofNoEndpoint(exchange, format)) ?? this.#ownId(0)
    const head = `${statusLine(status)}\r\n${JSON_TYPE}\r\nx-request-id: ${id}`
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

/** The id that the client gave: that of the head if it may be echoed, else that of the body. */
const clientId = ({ exchange, bodyId }: Answerable): string | null => {
  if (exchange.requestId !== '' && isEchoable(exchange.requestId)) return exchange.requestId
  return bodyId === '' ? null : bodyId
}

/** The same for headers and logs, out of which a body's id is kept where it may not be echoed. */
const echoableId = (request: Answerable): string | null => {
  const id = clientId(request)
  return id !== null && isEchoable(id) ? id : null
}

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
