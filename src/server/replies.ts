/** Stages 6 to 8: encode, release, account. The only file that writes answers. */

import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import { REASON_ABORTED, REASON_OK, reasonIndex } from '../shared/counters.ts'
import { ERRORS, type ErrorCode, type Refusal, refuse } from '../shared/errors.ts'
import { isEchoable } from '../shared/ids.ts'
import { STATUS_TITLES } from '../shared/problem.ts'
import type { Tensor } from '../shared/tensor.ts'
import { compress } from './accept-encoding.ts'
import type { Account } from './account.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Document } from './documents.ts'
import type { Exchange } from './exchange.ts'
import type { Answerable, Pending } from './pending.ts'
import { answerValues, isQuick, QUICK_VALUES_MAX, refuseAnswer } from './protocols/answer-size.ts'
import type { Answer, BinaryBody } from './protocols/protocol.ts'
import { OTHER, type WireFormat } from './wire-formats.ts'

const statusLine = (status: number): string =>
  status === 200 ? '200 OK' : `${status} ${STATUS_TITLES[status] ?? ''}`

const JSON_TYPE = 'content-type: application/json'
/** Of a 200 answer. */
type Body = string | Uint8Array | BinaryBody

/** The usual body; to look for its keys takes 1 to 4 ns more. */
const isPlain = (body: Body | Refusal): body is string | Uint8Array =>
  typeof body === 'string' || body instanceof Uint8Array

/** After which a shed request may come again, where the queue does not know better. */
const RETRY_AFTER_MS = 1000

/** What tells clients of a refusal what to do: the header has whole seconds. */
const refusalLines = ({ code, retryAfterMs }: Omit<Refusal, 'detail'>): string => {
  const afterMs = retryAfterMs ?? (ERRORS[code].http === 503 ? RETRY_AFTER_MS : 0)
  const retry = afterMs === 0 ? '' : `\r\nretry-after: ${Math.ceil(afterMs / 1000)}`
  return `\r\nx-sluice-error: ${code}${retry}`
}

interface DocumentOutcome {
  readonly reason: number
  readonly lines: string
}

const refusedDocument = (code: ErrorCode): DocumentOutcome => ({
  reason: reasonIndex(code),
  lines: refusalLines({ code }),
})

const DOCUMENT_OUTCOMES: Readonly<Record<Document['status'], DocumentOutcome>> = {
  200: { reason: REASON_OK, lines: '' },
  404: refusedDocument('ROUTE_NOT_FOUND'),
  503: refusedDocument('VERSION_NOT_READY'),
}

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
  /** No answer of the run whose members are being answered is long. */
  #isQuickRun = false
  /** When the writing of its next answer begins: at the end of the last one. */
  #outputMs = 0

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

  /** A request that was run. */
  answered(pending: Pending, results: readonly Tensor[], place: Place, times: RunTimes): void {
    // The members of a run come from its first row on: one look at the results is enough for all.
    const { plan } = pending.variant!
    if (place.rowStart === 0) {
      this.#isQuickRun = isQuick(plan.answerSize, results)
      this.#outputMs = times.takenMs
    }
    const { exchange, format, counterBase } = pending
    if (exchange.isAborted) {
      this.#account.counted(counterBase, format.protocol, REASON_ABORTED)
      this.timeFailure(pending)
      return
    }
    const writingMs = this.#outputMs
    const totalMs = writingMs - exchange.startedMs
    const headId = idOfHead(exchange)
    const id = idOf(headId, pending.bodyId)
    const body = this.#encode(pending, {
      plan,
      results,
      rowStart: place.rowStart,
      rows: place.rows,
      isBatch: pending.isBatch,
      outputs: pending.outputs,
      requestId: id,
      bodyId: pending.bodyId,
      idPrefix: this.#prefix,
      sequence: pending.sequence,
      latencyMs: totalMs,
    })
    if (!isPlain(body) && 'code' in body) {
      this.failed(pending, body)
      return
    }
    const timing = exchange.isExplained ? serverTiming(pending, place, times, totalMs) : ''
    this.#release(pending, body, safeId(headId, id), timing)
    // The one reading of the clock: where this answer ends, the next one begins.
    const nowMs = this.#monotonic()
    this.#outputMs = nowMs
    this.#account.answered(counterBase, format.protocol, place, times, {
      totalMs: nowMs - exchange.startedMs,
      queueMs: times.startedMs - pending.admittedMs,
      outputMs: nowMs - writingMs,
    })
  }

  /** The body of the answer, or why there is none. To the watchdog every long one is new. */
  #encode({ format, outputs }: Pending, answer: Answer): Body | Refusal {
    const { plan, results } = answer
    if (this.#isQuickRun) return format.encodeResponse(answer)
    const written = format.written(plan, outputs)
    const values = answerValues(plan.answerSize, results, answer, written)
    const refusal = refuseAnswer(values, answer.rows, written)
    if (refusal !== null) return refusal
    if (values <= QUICK_VALUES_MAX) return format.encodeResponse(answer)
    return this.#account.encoding(() => format.encodeResponse(answer))
  }

  /** `lines`: those that this answer has beside the others, '' for none. */
  #release(pending: Pending, body: Body, id: string | null, lines: string): void {
    const { head, binaryHead } = pending.variant!
    if (isPlain(body)) this.#send(pending, head, body, id, lines)
    else {
      const length = `\r\ninference-header-content-length: ${body.jsonBytes}`
      this.#send(pending, binaryHead, body.bytes, id, length + lines)
    }
  }

  #send(
    { exchange, sequence }: Pending,
    head: AnswerHead,
    body: string | Uint8Array,
    id: string | null,
    lines: string,
  ): void {
    const { acceptEncoding } = exchange
    const coded = acceptEncoding === '' ? null : compress(body, acceptEncoding)
    if (coded === null) exchange.reply(this.#head(head, sequence, id, lines), body)
    else exchange.reply(this.#head(head, sequence, id, lines + coded.lines), coded.bytes)
  }

  #head(head: AnswerHead, sequence: number, id: string | null, lines: string): string | Uint8Array {
    if (id === null && lines === '') return head.bytes(this.#prefix, sequence)
    const ownId = this.predictionId(sequence)
    return head.text(ownId, id ?? ownId, lines)
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

  /** A refusal or failure of a request that had been admitted. */
  failed(pending: Pending, refusal: Refusal): void {
    this.refused(pending, refusal)
    this.timeFailure(pending)
  }

  /** How long a request took that was admitted, and got no answer of the model. */
  timeFailure({ counterBase, exchange }: Pending): void {
    this.#account.failed(counterBase, this.#monotonic() - exchange.startedMs)
  }

  #refuse(request: Answerable, ownId: string, refusal: Refusal, allow: string): void {
    const { exchange, format, sequence, counterBase } = request
    const status = ERRORS[refusal.code].http
    const headId = idOfHead(exchange)
    const id = idOf(headId, request.bodyId)
    const { contentType, body } = format.encodeError(refusal, id ?? ownId)
    let head = `${statusLine(status)}\r\ncontent-type: ${contentType}`
    head += `${refusalLines(refusal)}\r\nx-request-id: ${safeId(headId, id) ?? ownId}`
    if (sequence > 0) head += `\r\nx-sluice-prediction-id: ${ownId}`
    if (status === 401) head += '\r\nwww-authenticate: Bearer'
    if (status === 415) head += '\r\naccept-encoding: gzip, deflate'
    if (allow !== '') head += `\r\nallow: ${allow}`
    exchange.reply(head, body)
    this.#account.counted(counterBase, format.protocol, reasonIndex(refusal.code))
  }

  /** A fault of ours: 500 without details; the agent logs them under the id that is answered. */
  crashed(request: Answerable, thrown: unknown): void {
    const ownId = this.#ownId(request.sequence)
    const headId = idOfHead(request.exchange)
    this.#onFault(safeId(headId, idOf(headId, request.bodyId)) ?? ownId, thrown)
    this.#refuse(request, ownId, refuse('INTERNAL', 'Internal error'), '')
  }

  /** An answer that is no prediction; control may have taken a while over it. */
  document(
    exchange: Exchange,
    format: WireFormat,
    { status, head = JSON_TYPE, body }: Document,
  ): void {
    if (exchange.isAborted) {
      this.#account.counted(0, format.protocol, REASON_ABORTED)
      return
    }
    const id = idOfHead(exchange) ?? this.#ownId(0)
    const { reason, lines } = DOCUMENT_OUTCOMES[status]
    exchange.reply(`${statusLine(status)}\r\n${head}${lines}\r\nx-request-id: ${id}`, body)
    this.#account.counted(0, format.protocol, reason)
  }

  /** What may be done with a path. `allow`: its methods, '' where that is not what was asked. */
  options(exchange: Exchange, format: WireFormat, allow: string): void {
    const id = idOfHead(exchange) ?? this.#ownId(0)
    const lines = allow === '' ? '' : `\r\nallow: ${allow}`
    exchange.reply(`204 No Content${lines}\r\nx-request-id: ${id}`, null)
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

/** The id of the head, if it may be echoed. */
const idOfHead = ({ requestId }: Exchange): string | null =>
  isEchoable(requestId) ? requestId : null

/** The id that the client gave: that of the head, else that of the body. */
const idOf = (headId: string | null, bodyId: string | null): string | null =>
  headId ?? (bodyId === '' ? null : bodyId)

/** The same for headers and logs, out of which a body's id is kept where it may not be echoed. */
const safeId = (headId: string | null, id: string | null): string | null =>
  headId ?? (id !== null && isEchoable(id) ? id : null)

const milliseconds = (value: number): string => Math.max(0, value).toFixed(3)

const serverTiming = (
  { exchange, admittedMs }: Pending,
  { runRows }: Place,
  times: RunTimes,
  totalMs: number,
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
