/** A call of one message and one answer, which is an exchange like one over HTTP. */

import type { Metadata } from '@grpc/grpc-js'
import { systemClock } from '../../shared/clock.ts'
import { type ErrorCode, isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { denialOf, type Grant, grantOf } from '../access.ts'
import { admitEncoding, withPlainBody } from '../content-encoding.ts'
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
import type { BaseCall } from './base-call.ts'
import { type CallEngine, GrpcCall } from './grpc-call.ts'
import type { UnaryMethod } from './methods.ts'
import { fixedMetadata, statusOf } from './wire-status.ts'

const EMPTY = new Uint8Array(0)
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

const nothing = (): void => {}

/** `x-sluice-timeout-ms` as sent, or what `grpc-timeout` leaves, if that is less. */
export const timeoutOf = (sent: string, leftMs: number): string => {
  if (leftMs === Infinity) return sent
  return sent === '' || Number(sent) > leftMs ? String(Math.floor(leftMs)) : sent
}

/** Metadata of an answer of a model, all under the names that they have over HTTP. */
export const answerMetadata = (
  { metadata }: AnswerHeads,
  { idPrefix, sequence, echoedId }: AnswerIds,
  timing: string,
): Metadata => {
  const ownId = idPrefix + sequence
  const headers: Record<string, string> = {
    'x-sluice-model': metadata['x-sluice-model']!,
    'x-sluice-version': metadata['x-sluice-version']!,
    'x-sluice-variant': metadata['x-sluice-variant']!,
    'x-sluice-epoch': metadata['x-sluice-epoch']!,
    'x-sluice-prediction-id': ownId,
    'x-request-id': echoedId ?? ownId,
  }
  if (timing !== '') headers['server-timing'] = timing
  return fixedMetadata(headers)
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
  #message: Buffer | null = null
  #messageEncoding = ''
  #hasDeadline = false
  #isDelivered = false
  #isAnswered = false

  constructor(engine: CallEngine, base: BaseCall, method: UnaryMethod) {
    super(engine, base)
    this.#method = method
  }

  get isLocal(): boolean {
    if (!isForLocals(this.path) || !isLoopback(this.remoteAddress)) return false
    return !Object.keys(this.metadata.getMap()).some(tellsOfOthers)
  }

  get isOpen(): boolean {
    return this.#method.isOpen
  }

  onBegin(): void {
    this.engine.underWay++
    this.engine.awaits(this)
    this.requestId = this.header('x-request-id')
    this.isExplained = this.header('x-sluice-explain') === '1'
    const { leftMs } = this
    this.#hasDeadline = leftMs !== Infinity
    this.timeout = timeoutOf(this.header('x-sluice-timeout-ms'), leftMs)
    this.headMs = this.isExplained ? monotonic() : 0
    this.trace = this.engine.options.traces?.begin(this.header('traceparent')) ?? null
  }

  onMessage(content: Buffer, contentEncoding: string, startedMs: number): void {
    if (this.#message !== null) {
      this.refuseWhole(SECOND_MESSAGE)
      return
    }
    this.#message = content
    this.#messageEncoding = contentEncoding
    this.startedMs = this.isExplained ? monotonic() : startedMs
    this.read()
  }

  onComplete(): void {
    const message = this.#message
    if (message === null) {
      this.refuseWhole(NO_MESSAGE)
      return
    }
    this.#message = null
    this.isReceived = true
    const encoding = this.#messageEncoding
    if (encoding === '') {
      this.#deliver(message)
      return
    }
    this.sentBytes = message.length
    const refusal =
      admitEncoding(encoding) ??
      withPlainBody(message, encoding, this.engine.options, (plain) => this.#deliver(plain))
    if (refusal !== null) this.#hand(EMPTY, refusal)
  }

  /** The message leads to the path, and that to what a key may ask. */
  #deliver(message: Uint8Array): null {
    const target = this.#method.read(message)
    if (isRefusal(target)) {
      this.#hand(EMPTY, target)
      return null
    }
    this.method = target.method
    this.path = target.path
    const { gate } = this.engine.options
    if (!gate.isClosed) {
      this.#hand(target.body, null)
      return null
    }
    const admitted = gate.admit(this.path, this.header('authorization'), this.header('x-api-key'))
    this.grant = grantOf(admitted)
    this.#hand(target.body, denialOf(admitted))
    return null
  }

  #hand(body: Uint8Array, refusal: Refusal | null): void {
    this.#isDelivered = true
    this.engine.options.onRequest(this, body, refusal)
  }

  refuseWhole(refusal: Refusal): void {
    this.isReceived = true
    this.#message = null
    this.#hand(EMPTY, refusal)
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

  #answer(metadata: Metadata, message: Uint8Array): void {
    if (this.isEnded || this.#isAnswered) return
    this.#isAnswered = true
    this.sendMetadata(metadata)
    if (message.length > SMALL_BYTES) this.engine.unsent.hold(this, message.length)
    this.send(message, nothing)
    this.end()
  }

  refuse(refused: WrittenRefusal): void {
    if (this.isEnded || this.#isAnswered) return
    const { ifAbsent } = this.#method
    if (ifAbsent !== null && ABSENT.has(refused.refusal.code)) {
      this.#answer(fixedMetadata({ 'x-request-id': refused.requestId }), ifAbsent)
      return
    }
    this.#isAnswered = true
    this.end(statusOf(refused, this.#hasDeadline))
  }

  show(document: Document, requestId: string): void {
    const metadata = fixedMetadata({ 'x-request-id': requestId })
    this.#answer(metadata, this.#method.write(document))
  }

  allow(): void {
    this.#answer(fixedMetadata({}), EMPTY)
  }
}
