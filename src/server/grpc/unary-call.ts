/** A call of one message and one answer, which is an exchange like one over HTTP. */

import { systemClock } from '../../shared/clock.ts'
import { type ErrorCode, type Refusal, refuse } from '../../shared/errors.ts'
import type { Grant } from '../access.ts'
import type { Document } from '../documents.ts'
import type {
  AnswerBody,
  AnswerHeads,
  AnswerIds,
  Exchange,
  Waiting,
  WrittenRefusal,
} from '../exchange.ts'
import { isForLocals, isLoopback, tellsOfOthers } from '../local-peer.ts'
import type { RequestTrace } from '../traces.ts'
import { GRPC } from '../wire-formats.ts'
import { deliver, EMPTY } from './delivery.ts'
import { type CallEngine, GrpcCall, type Opening } from './grpc-call.ts'
import type { UnaryMethod } from './methods.ts'
import { statusOf } from './wire-status.ts'

const { monotonic } = systemClock

/** Answers up to this are not counted while they wait: `callsMax` bounds how many there are. */
const SMALL_BYTES = 4096

const SECOND_MESSAGE = refuse('REQUEST_MALFORMED', 'The call takes one message, and has several')
const NO_MESSAGE = refuse('REQUEST_MALFORMED', 'The call takes one message, and has none')

const ABSENT: ReadonlySet<ErrorCode> = new Set([
  'MODEL_NOT_FOUND',
  'VERSION_NOT_FOUND',
  'VERSION_NOT_READY',
])

/** `x-sluice-timeout-ms` as sent, or what `grpc-timeout` leaves, if that is less. */
export const timeoutOf = (sent: string, leftMs: number): string => {
  if (leftMs === Infinity) return sent
  return sent === '' || Number(sent) > leftMs ? String(Math.floor(leftMs)) : sent
}

/** Metadata of an answer of a model, under the names that they have over HTTP. */
const answerMetadata = (
  { metadata }: AnswerHeads,
  { idPrefix, sequence, echoedId }: AnswerIds,
  timing: string,
): string[] => {
  const ownId = idPrefix + sequence
  const pairs = [...metadata, 'x-sluice-prediction-id', ownId, 'x-request-id', echoedId ?? ownId]
  if (timing !== '') pairs.push('server-timing', timing)
  return pairs
}

export class UnaryCall extends GrpcCall implements Exchange {
  readonly format = GRPC
  method = 'POST'
  path = ''
  requestId = ''
  isExplained = false
  readonly contentEncoding = ''
  readonly acceptEncoding = ''
  readonly inferenceHeaderLength = ''
  sentBytes = -1
  grant: Grant | null = null
  timeout = ''
  readonly isPreflight = false
  headMs = 0
  trace: RequestTrace | null = null
  startedMs = 0
  isAborted = false
  waiting: Waiting | null = null

  readonly #method: UnaryMethod
  #isDelivered = false
  #isAnswered = false

  constructor(engine: CallEngine, opening: Opening, method: UnaryMethod) {
    super(engine, opening)
    this.#method = method
  }

  get isLocal(): boolean {
    if (!isForLocals(this.path) || !isLoopback(this.remoteAddress)) return false
    return !this.headerNames.some(tellsOfOthers)
  }

  /** Its one message is the end of what is read. */
  get mayEndHere(): boolean {
    return false
  }

  get mayRead(): boolean {
    return !this.isReceived
  }

  get isOpen(): boolean {
    return this.#method.isOpen
  }

  onBegin(): void {
    this.engine.underWay++
    this.engine.awaits(this)
    this.requestId = this.header('x-request-id')
    this.isExplained = this.header('x-sluice-explain') === '1'
    this.timeout = timeoutOf(this.header('x-sluice-timeout-ms'), this.grantedMs)
    this.headMs = this.isExplained ? monotonic() : 0
    this.trace = this.engine.options.traces?.begin(this.header('traceparent')) ?? null
  }

  onMessage(content: Uint8Array, contentEncoding: string, startedMs: number): void {
    if (this.hasMore) {
      this.refuseWhole(SECOND_MESSAGE)
      return
    }
    this.isReceived = true
    this.startedMs = this.isExplained ? monotonic() : startedMs
    this.#isDelivered = true
    deliver(this, this, this.#method.read, content, contentEncoding)
  }

  onComplete(): void {
    this.refuseWhole(NO_MESSAGE)
  }

  refuseWhole(refusal: Refusal): void {
    this.isReceived = true
    this.#isDelivered = true
    this.engine.options.onRequest(this, EMPTY, refusal)
  }

  onEnd(): void {
    this.engine.underWay--
    if (this.#isAnswered) return
    this.isAborted = true
    if (this.#isDelivered) this.waiting?.onGone()
    else this.engine.options.onAborted()
  }

  release(heads: AnswerHeads, body: AnswerBody, ids: AnswerIds, timing: string): void {
    this.#answer(answerMetadata(heads, ids, timing), body as Uint8Array)
  }

  #answer(metadata: readonly string[], message: Uint8Array): void {
    if (this.isEnded || this.#isAnswered) return
    this.#isAnswered = true
    if (message.length > SMALL_BYTES) this.engine.unsent.hold(this, message.length)
    this.answerWith(metadata, message)
  }

  refuse(refused: WrittenRefusal): void {
    if (this.isEnded || this.#isAnswered) return
    const { ifAbsent } = this.#method
    if (ifAbsent !== null && ABSENT.has(refused.refusal.code)) {
      this.#answer(['x-request-id', refused.requestId], ifAbsent)
      return
    }
    this.#isAnswered = true
    this.end(statusOf(refused, this.isLate))
  }

  show(document: Document, requestId: string): void {
    this.#answer(['x-request-id', requestId], this.#method.write(document))
  }

  allow(): void {
    this.#answer([], EMPTY)
  }
}
