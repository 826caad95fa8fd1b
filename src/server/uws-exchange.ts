/**
 * One request on uWebSockets and its answer.
 *
 * The life of a native response: `UwsExchange` drops it at the first of abort and the end of its
 * answer, and nothing else keeps it.
 *
 * Every native call costs 0.02 to 0.2 us of about 8 a request. Therefore the whole head of an
 * answer goes through one `writeStatus` (0.7 us less than a `writeHeader` for each of six lines),
 * only the headers that `Exchange` names are read, and answering needs no closure.
 */

import { systemClock, turnMonotonic } from '../shared/clock.ts'
import type { Refusal } from '../shared/errors.ts'
import { denialOf, type Grant, grantOf } from './access.ts'
import { BodyBuffer, bodyTooLarge, keptBytes } from './body-buffer.ts'
import {
  type HttpEngineOptions,
  type HttpExchange,
  hasProtocolHeaders,
  textOf,
  type Waiting,
} from './exchange.ts'
import { HttpAnswers } from './http-answers.ts'
import { isForLocals } from './local-peer.ts'
import type { RequestTrace } from './traces.ts'
import type { UnsentAnswers } from './unsent-answers.ts'
import {
  bytesOf,
  neverComplete,
  sendRest,
  writeAnswer,
  writeBodiless,
  writeLast,
} from './uws-answer.ts'
import type { UwsRequest, UwsResponse } from './uws-binary.ts'
import { admittedBy, corsAnswerOf, isFromHere, traceOf, wholeHeader } from './uws-head.ts'

const { monotonic } = systemClock

const EMPTY = new Uint8Array(0)

/** What exchanges need of their engine. */
export interface UwsServer {
  readonly options: HttpEngineOptions
  readonly isDraining: boolean
  readonly unsent: UnsentAnswers
  underWay: number
}

/** The exchange whose request is being delivered: uWebSockets has corked its connection already. */
let delivering: UwsExchange | null = null

/** The exchange whose answer `cork` is about to write: saves a closure a request. */
let corked: UwsExchange | null = null
const writeCorked = (): void => corked!.write()

export class UwsExchange extends HttpAnswers implements HttpExchange {
  readonly format = null
  readonly sentBytes = -1
  readonly method: string
  readonly path: string
  readonly requestId: string
  readonly isExplained: boolean
  readonly contentEncoding: string
  readonly acceptEncoding: string
  readonly inferenceHeaderLength: string
  readonly isLocal: boolean
  readonly grant: Grant | null
  readonly timeout: string
  readonly isPreflight: boolean
  readonly headMs: number
  readonly trace: RequestTrace | null
  startedMs = 0
  isAborted = false
  waiting: Waiting | null = null

  readonly #engine: UwsServer
  /** As sent, '' if absent; null for a chunked body. */
  readonly #contentLength: string | null
  readonly #corsLines: string
  /** Why it is refused whatever its body is. */
  readonly #denied: Refusal | null
  #response: UwsResponse | null
  #head: string | Uint8Array = ''
  #body: string | Uint8Array | null = ''
  /** Only for bodies in several pieces. */
  #buffer: BodyBuffer | null = null
  #isDelivered = false
  /** The answer ends the connection. */
  #isLast: boolean
  #isAnswered = false

  constructor(
    engine: UwsServer,
    method: string,
    contentLength: string | null,
    response: UwsResponse,
    request: UwsRequest,
  ) {
    super()
    this.method = method
    this.path = request.getUrl()
    this.requestId = request.getHeader('x-request-id')
    this.isExplained = request.getHeader('x-sluice-explain') === '1'
    this.timeout = request.getHeader('x-sluice-timeout-ms')
    const coding = request.getHeader('content-encoding')
    this.contentEncoding = wholeHeader(request, 'content-encoding', coding)
    const hasMore = hasProtocolHeaders(this.path)
    this.acceptEncoding = hasMore ? request.getHeader('accept-encoding') : ''
    const length = hasMore ? request.getHeader('inference-header-content-length') : ''
    this.inferenceHeaderLength = wholeHeader(request, 'inference-header-content-length', length)
    this.isLocal = hasMore && isForLocals(this.path) && isFromHere(response, request)
    const cors = corsAnswerOf(engine.options.cors, method, request)
    this.isPreflight = cors.isPreflight
    this.#corsLines = cors.lines
    const admitted = this.isPreflight ? null : admittedBy(engine.options.gate, this.path, request)
    this.grant = grantOf(admitted)
    this.#denied = denialOf(admitted)
    this.headMs = this.isExplained ? monotonic() : 0
    this.trace = traceOf(engine.options.traces, request)
    this.#engine = engine
    this.#contentLength = contentLength
    // Its parser of chunks is lax: what follows one is not trusted to be a request (0002).
    this.#isLast = contentLength === null
    this.#response = response
  }

  reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    const response = this.#response
    if (response === null || this.#isAnswered) return
    this.#isAnswered = true
    this.#head = head
    this.#body = body
    // Without body nothing tells whether it has left, so that a client which does not read could
    // have any number of them kept: the connection ends (0002).
    if (this.#engine.isDraining || body === null || body.length === 0 || this.method === 'HEAD') {
      this.#isLast = true
    }
    if (this.#isLast) this.#replyLast()
    else if (delivering === this) this.write()
    else {
      corked = this
      response.cork(writeCorked)
      corked = null
    }
  }

  /**
   * After this turn, if uWebSockets still parses: told to close then, it forgets it at the next
   * request of the same read, and would serve what may be the rest of a misread body; as long as an
   * answer is due it closes instead.
   */
  #replyLast(): void {
    if (delivering !== this) {
      this.#writeLast()
      return
    }
    this.#head = keptBytes(this.#head)
    this.#body = this.#body === null ? null : keptBytes(this.#body)
    setImmediate(() => {
      if (this.#response !== null) this.#writeLast()
    })
  }

  /** Writes the answer to the corked connection. uWebSockets adds content-length and date. */
  write(): void {
    const response = this.#response!
    const body = this.#body!
    const lines = this.#corsLines
    const head = lines === '' ? this.#head : textOf(this.#head) + lines
    const taken = writeAnswer(response, head, body)
    if (taken < 0) this.#leave()
    else this.#hold(bytesOf(body), taken)
  }

  #writeLast(): void {
    const response = this.#response!
    const body = this.#body
    const head = textOf(this.#head) + this.#corsLines
    if (body === null) writeBodiless(response, head)
    else if (body.length === 0 || this.method === 'HEAD') {
      writeBodiless(response, `${head}\r\ncontent-length: ${Buffer.byteLength(body)}`)
    } else {
      const bytes = bytesOf(body)
      const taken = writeLast(response, head, bytes)
      if (taken >= 0) {
        this.#hold(bytes, taken)
        return
      }
    }
    this.drop()
  }

  /** Keeps what is left of an answer until its client has read so far. */
  #hold(body: Uint8Array, taken: number): void {
    const rest = new Uint8Array(body.subarray(taken))
    this.#body = null
    const response = this.#response!
    const { unsent } = this.#engine
    const totalBytes = this.#isLast ? neverComplete(body) : body.length
    sendRest(response, rest, taken, totalBytes, (isAll) => {
      if (!isAll) unsent.progress(this)
      else if (!this.#isLast) this.#leave()
      // Not to be closed in the middle of its own event.
      else setImmediate(() => this.drop())
    })
    unsent.hold(this, rest.length)
  }

  /** Ends the connection. */
  drop(): void {
    const response = this.#response
    if (response === null) return
    this.#leave()
    response.close()
  }

  /** Answered or aborted: the response is not valid any more. */
  #leave(): void {
    this.#response = null
    this.#engine.underWay--
    if (this.#body === null) this.#engine.unsent.release(this)
  }

  onAborted(): void {
    this.isAborted = true
    if (this.#response !== null) this.#leave()
    this.#buffer?.release()
    this.#buffer = null
    if (!this.#isDelivered) this.#engine.options.onAborted()
    else if (!this.#isAnswered) this.waiting?.onGone()
  }

  onData(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#isDelivered) return // the rest of a refused body
    if (isLast && this.#buffer === null && this.#denied === null) {
      const isTooLarge = chunk.byteLength > this.#engine.options.bodyBytesMax
      const refusal = isTooLarge ? bodyTooLarge(this.#engine.options.bodyBytesMax) : null
      if (isTooLarge) this.#isLast = true
      this.#deliver(isTooLarge ? EMPTY : new Uint8Array(chunk), refusal)
      return
    }
    const declared = declaredBytes(this.#contentLength)
    this.#buffer ??= new BodyBuffer(this.#engine.options, declared, this.#denied)
    const buffer = this.#buffer
    buffer.append(new Uint8Array(chunk))
    if (!isLast && !buffer.isHopeless) return
    this.#buffer = null
    const { refusal } = buffer
    // Where all of the body was read, who is asked for a key may send it on the same connection.
    if (refusal !== null && !(isLast && refusal === this.#denied)) this.#isLast = true
    try {
      this.#deliver(buffer.view(), refusal)
    } finally {
      buffer.release()
    }
  }

  #deliver(body: Uint8Array, refusal: Refusal | null): void {
    this.#isDelivered = true
    this.startedMs = this.isExplained ? monotonic() : turnMonotonic()
    delivering = this
    try {
      this.#engine.options.onRequest(this, body, refusal)
    } finally {
      delivering = null
    }
  }
}

/** uWebSockets has checked the digits by the time the first chunk comes. */
const declaredBytes = (contentLength: string | null): number =>
  contentLength === '' || contentLength === null ? Number.POSITIVE_INFINITY : Number(contentLength)
