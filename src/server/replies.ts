/** Stages 6 to 8: encode, release, account. The only file that answers. */

import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import { REASON_ABORTED, REASON_OK, reasonIndex } from '../shared/counters.ts'
import { ERRORS, type Refusal, refuse } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Account } from './account.ts'
import type { Document } from './documents.ts'
import type { AnswerBody, Exchange } from './exchange.ts'
import type { LiveVariant } from './live-epoch.ts'
import { type Answerable, Pending } from './pending.ts'
import { answerValues, isQuick, QUICK_VALUES_MAX, refuseAnswer } from './protocols/answer-size.ts'
import type { Answer } from './protocols/protocol.ts'
import type { Recording } from './recording.ts'
import type { Release } from './release.ts'
import { idOf, idOfHead, safeId } from './request-ids.ts'
import { timingOf, withTotal } from './server-timing.ts'
import type { Traces } from './traces.ts'
import { OTHER, type WireFormat } from './wire-formats.ts'

const DOCUMENT_REASONS: Readonly<Record<Document['status'], number>> = {
  200: REASON_OK,
  202: REASON_OK,
  404: reasonIndex('ROUTE_NOT_FOUND'),
  503: reasonIndex('VERSION_NOT_READY'),
}

export interface RepliesSurroundings {
  readonly account: Account
  /** null: tracing is off. */
  readonly traces: Traces | null
  /** null: nothing is written down. */
  readonly recording: Recording | null
  /** Where answers wait for their records; null: they do not. */
  readonly release: Pick<Release, 'mustWait' | 'hold' | 'isFull'> | null
  /** `<gateway>.<replica>.<thread>-<incarnation>-` */
  readonly predictionIdPrefix: string
  monotonic(): number
  /** Reports a fault of ours; the log is not for the data thread to write. */
  onFault(requestId: string, thrown: unknown): void
}

const HELD_FULL = Object.freeze(
  refuse('RECORD_UNAVAILABLE', 'Too many answers wait for their records; try again later'),
)

const UNRECORDED = Object.freeze(
  refuse('RECORD_UNAVAILABLE', 'Its record could not be written in time; try again later'),
)
const EXPIRED = Object.freeze(
  refuse('DEADLINE_EXPIRED', 'Its record could not be written before its deadline'),
)

/** Of a client that had gone. */
const NO_STATUS = 0

export class Replies {
  readonly #account: Account
  readonly #traces: Traces | null
  readonly #recording: Recording | null
  readonly #release: RepliesSurroundings['release']
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
    this.#traces = surroundings.traces
    this.#recording = surroundings.recording
    this.#release = surroundings.release
    this.#prefix = surroundings.predictionIdPrefix
    this.#monotonic = surroundings.monotonic
    this.#onFault = surroundings.onFault
  }

  /** The place of one more request in the records of this producer: from 1, without gap. */
  takeSequence(): number {
    return this.#recording === null ? ++this.#sequence : this.#recording.takeSequence()
  }

  /** Why a request for a variant is not admitted, for want of room for its record; null: it is. */
  refusalOf({ records }: LiveVariant): Refusal | null {
    if (this.#recording === null) return null
    const isHeld = this.#release?.isFull === true && records?.isRecorded === true
    return isHeld ? HELD_FULL : this.#recording.refusal(records)
  }

  /** The same once it is decoded: where requests wait for room, its record has its own from now. */
  promise(pending: Pending, { records }: LiveVariant): Refusal | null {
    return this.#recording === null ? null : this.#recording.promise(pending, records)
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
      this.#count(pending, REASON_ABORTED)
      this.#settle(pending, REASON_ABORTED, NO_STATUS, place)
      this.timeFailure(pending)
      return
    }
    const writingMs = this.#outputMs
    const totalMs = writingMs - exchange.startedMs
    const headId = idOfHead(exchange)
    const id = idOf(headId, pending.bodyId)
    const answer: Answer = {
      plan,
      results,
      rowStart: place.rowStart,
      rows: place.rows,
      isBatch: pending.isBatch,
      outputs: pending.outputs,
      requestId: id,
      echoedId: safeId(headId, id),
      bodyId: pending.bodyId,
      idPrefix: this.#prefix,
      sequence: pending.sequence,
      latencyMs: totalMs,
    }
    const body = this.#encode(pending, answer)
    if (isRefused(body)) {
      this.failed(pending, body, place)
      return
    }
    const recording = this.#recording
    const end = recording === null ? -1 : recording.answered(pending, answer, place, times)
    if (end >= 0 && this.#release?.mustWait(end) === true) {
      this.#outputMs = this.#monotonic()
      const held = this.#release.hold(end, this.#outputMs, bytesOf(body))
      held.fill(pending, answer, body, writingMs)
      if (exchange.isExplained) held.timing = timingOf(pending, place, times)
      if (exchange.trace !== null) held.keepTimes(place, times)
      const outputMs = this.#outputMs - writingMs
      const queueMs = times.startedMs - pending.admittedMs
      this.#account.ran(counterBase, place, times, { queueMs, outputMs })
      return
    }
    const timing = exchange.isExplained ? withTotal(timingOf(pending, place, times), totalMs) : ''
    exchange.release(pending.variant!, body, answer, timing)
    // The one reading of the clock: where this answer ends, the next one begins.
    const nowMs = this.#monotonic()
    this.#outputMs = nowMs
    this.#account.answered(counterBase, format.protocol, place, times, {
      totalMs: nowMs - exchange.startedMs,
      queueMs: times.startedMs - pending.admittedMs,
      outputMs: nowMs - writingMs,
    })
    if (exchange.trace !== null) this.#traces?.answered(pending, place, times, writingMs, nowMs)
  }

  /** The body of the answer, or why there is none. To the watchdog every long one is new. */
  #encode({ format, outputs }: Pending, answer: Answer): AnswerBody | Refusal {
    const { plan, results } = answer
    if (this.#isQuickRun) return format.encodeResponse(answer)
    const written = format.written(plan, outputs)
    const values = answerValues(plan.answerSize, results, answer, written)
    const refusal = refuseAnswer(values, answer.rows, written)
    if (refusal !== null) return refusal
    if (values <= QUICK_VALUES_MAX) return format.encodeResponse(answer)
    return this.#account.encoding(() => format.encodeResponse(answer))
  }

  /** A refusal. `allow`: the methods of a path, where the method was wrong. */
  refused(request: Answerable, refusal: Refusal, allow = ''): void {
    this.#deny(request, refusal, allow, null)
  }

  /** A refusal or failure of a request that had been admitted. `place`: of what was run. */
  failed(pending: Pending, refusal: Refusal, place: Place): void {
    this.#deny(pending, refusal, '', place)
    this.timeFailure(pending)
  }

  /** An answer that was held and may not go out. It has its record. */
  unrecorded(pending: Pending): void {
    const refusal = this.#monotonic() < pending.deadlineMs ? UNRECORDED : EXPIRED
    if (pending.exchange.isAborted) this.#count(pending, REASON_ABORTED)
    else this.#refuse(pending, this.#ownId(pending.sequence), refusal, '')
    this.timeFailure(pending)
  }

  #deny(request: Answerable, refusal: Refusal, allow: string, place: Place | null): void {
    if (request.exchange.isAborted) {
      this.#count(request, REASON_ABORTED)
      this.#settle(request, REASON_ABORTED, NO_STATUS, place)
      return
    }
    this.#refuse(request, this.#ownId(request.sequence), refusal, allow)
    this.#settle(request, reasonIndex(refusal.code), ERRORS[refusal.code].http, place)
  }

  /** The record of a request of an endpoint that has no answer of the model. */
  #settle(request: Answerable, reason: number, status: number, place: Place | null): void {
    if (this.#recording === null || !(request instanceof Pending)) return
    this.#recording.ended(request, reason, status, place)
  }

  /** How long a request took that was admitted, and got no answer of the model. */
  timeFailure({ counterBase, exchange }: Pending): void {
    this.#account.failed(counterBase, this.#monotonic() - exchange.startedMs)
  }

  #refuse(request: Answerable, ownId: string, refusal: Refusal, allow: string): void {
    const { exchange, format, sequence } = request
    const headId = idOfHead(exchange)
    const id = idOf(headId, request.bodyId)
    exchange.refuse({
      refusal,
      error: format.encodeError(refusal, id ?? ownId),
      requestId: safeId(headId, id) ?? ownId,
      predictionId: sequence > 0 ? ownId : '',
      allow,
    })
    this.#count(request, reasonIndex(refusal.code))
  }

  /** A request that has ended without an answer of the model. */
  #count(request: Answerable, reason: number): void {
    this.#account.counted(request.counterBase, request.format.protocol, reason)
    if (request.exchange.trace !== null) this.#traces?.ended(request, reason)
  }

  /** A fault of ours: 500 without details; the agent logs them under the id that is answered. */
  crashed(request: Answerable, thrown: unknown): void {
    const ownId = this.#ownId(request.sequence)
    const headId = idOfHead(request.exchange)
    this.#onFault(safeId(headId, idOf(headId, request.bodyId)) ?? ownId, thrown)
    // First, as nobody comes behind this who would.
    this.#settle(request, reasonIndex('INTERNAL'), ERRORS.INTERNAL.http, null)
    this.#refuse(request, ownId, refuse('INTERNAL', 'Internal error'), '')
  }

  /** An answer that is no prediction; control may have taken a while over it. */
  document(exchange: Exchange, format: WireFormat, document: Document): void {
    if (exchange.isAborted) {
      this.#account.counted(0, format.protocol, REASON_ABORTED)
      return
    }
    exchange.show(document, idOfHead(exchange) ?? this.#ownId(0))
    this.#account.counted(0, format.protocol, DOCUMENT_REASONS[document.status])
  }

  /** What may be done with a path. `methods`: '' where that is not what was asked. */
  options(exchange: Exchange, format: WireFormat, methods: string): void {
    exchange.allow(methods, idOfHead(exchange) ?? this.#ownId(0))
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
  rows: 0,
  admittedMs: 0,
})

const bytesOf = (body: AnswerBody): number =>
  typeof body === 'string' || body instanceof Uint8Array ? body.length : body.bytes.length

const isRefused = (body: AnswerBody | Refusal): body is Refusal =>
  typeof body === 'object' && !(body instanceof Uint8Array) && 'code' in body
