/**
 * The HTTP engine on uWebSockets.js, one per data thread. The only file that holds its objects.
 *
 * The life of a native response: `UwsExchange` drops it at the first of answer and abort, and
 * nothing else ever sees it. `onRequest` is total: what it throws ends the thread. Requests that
 * uWebSockets refuses itself (malformed, header block too long, slow) never reach us. A client that
 * sends a second request before the answer to the first (pipelining) loses its connection, unless
 * the first was answered at once.
 *
 * Every native call costs 0.02 to 0.2 us of about 8 a request. Therefore the whole head of an
 * answer goes through one `writeStatus` (0.7 us less than a `writeHeader` for each of six lines),
 * only the headers that `Exchange` names are read, and answering needs no closure.
 */

import { systemClock, turnMonotonic } from '../shared/clock.ts'
import { GatewayError, type Refusal } from '../shared/errors.ts'
import { BodyBuffer, bodyTooLarge, keptBytes } from './body-buffer.ts'
import {
  type Exchange,
  type HttpEngine,
  type HttpEngineOptions,
  hasProtocolHeaders,
  textOf,
} from './exchange.ts'
import { createNodeEngine } from './http-node.ts'
import {
  announceHeaderLimit,
  loadUws,
  type Uws,
  type UwsApp,
  type UwsListener,
  type UwsRequest,
  type UwsResponse,
} from './uws-binary.ts'
import { corsAnswerOf, framingOf, isMethod, refuseHead, wholeHeader } from './uws-head.ts'

const { monotonic } = systemClock

const EMPTY = new Uint8Array(0)

/** As bytes: looking one up takes 49 instead of 66 ns, and there are four for every request. */
const name = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer
const X_REQUEST_ID = name('x-request-id')
const X_SLUICE_EXPLAIN = name('x-sluice-explain')
const CONTENT_ENCODING = name('content-encoding')
const ACCEPT_ENCODING = name('accept-encoding')
const INFERENCE_HEADER_LENGTH = name('inference-header-content-length')
const CONTENT_LENGTH = name('content-length')

/**
 * The engine asked for, or the one on node:http where no binary of uWebSockets loads; `name` says
 * which.
 */
export const createHttpEngine = (kind: 'uws' | 'node', options: HttpEngineOptions): HttpEngine => {
  if (kind === 'node') return createNodeEngine(options)
  announceHeaderLimit(options.headerBytesMax)
  const uws = loadUws()
  return uws === null ? createNodeEngine(options) : new UwsEngine(uws, options)
}

/** The exchange whose request is being delivered: uWebSockets has corked its connection already. */
let delivering: UwsExchange | null = null

/** The exchange whose answer `cork` is about to write: saves a closure a request. */
let corked: UwsExchange | null = null
const writeCorked = (): void => corked!.write()

class UwsExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly requestId: string
  readonly isExplained: boolean
  readonly contentEncoding: string
  readonly acceptEncoding: string
  readonly inferenceHeaderLength: string
  readonly isPreflight: boolean
  readonly headMs: number
  startedMs = 0
  isAborted = false

  readonly #engine: UwsEngine
  /** As sent, '' if absent; null for a chunked body. */
  readonly #contentLength: string | null
  readonly #corsLines: string
  #response: UwsResponse | null
  #head: string | Uint8Array = ''
  #body: string | Uint8Array | null = ''
  /** Only for bodies in several pieces. */
  #buffer: BodyBuffer | null = null
  #isDelivered = false
  /** The answer ends the connection. */
  #isLast: boolean
  /** The answer is there and waits for what was read with the request to be parsed. */
  #isHeldBack = false

  constructor(
    engine: UwsEngine,
    method: string,
    contentLength: string | null,
    response: UwsResponse,
    request: UwsRequest,
  ) {
    this.method = method
    this.path = request.getUrl()
    this.requestId = request.getHeader(X_REQUEST_ID)
    this.isExplained = request.getHeader(X_SLUICE_EXPLAIN) === '1'
    const coding = request.getHeader(CONTENT_ENCODING)
    this.contentEncoding = wholeHeader(request, 'content-encoding', coding)
    const hasMore = hasProtocolHeaders(this.path)
    this.acceptEncoding = hasMore ? request.getHeader(ACCEPT_ENCODING) : ''
    const length = hasMore ? request.getHeader(INFERENCE_HEADER_LENGTH) : ''
    this.inferenceHeaderLength = wholeHeader(request, 'inference-header-content-length', length)
    const cors = corsAnswerOf(engine.options.cors, method, request)
    this.isPreflight = cors.isPreflight
    this.#corsLines = cors.lines
    this.headMs = this.isExplained ? monotonic() : 0
    this.#engine = engine
    this.#contentLength = contentLength
    // Its parser of chunks is lax: what follows one is not trusted to be a request (0002).
    this.#isLast = contentLength === null
    this.#response = response
  }

  reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    const response = this.#response
    if (response === null || this.#isHeldBack) return
    if (delivering === this && this.#isLast) {
      this.#holdBack(head, body)
      return
    }
    this.#engine.underWay--
    this.#head = head
    this.#body = body
    if (delivering === this) this.write()
    else this.#cork(response)
  }

  #cork(response: UwsResponse): void {
    corked = this
    response.cork(writeCorked)
    corked = null
  }

  /**
   * Answers after this turn. Told to close while it still parses, uWebSockets forgets it at the
   * next request of the same read, and would serve what may be the rest of a misread body; as long
   * as an answer is due it closes instead.
   */
  #holdBack(head: string | Uint8Array, body: string | Uint8Array | null): void {
    this.#isHeldBack = true
    this.#head = keptBytes(head)
    this.#body = body === null ? null : keptBytes(body)
    setImmediate(() => {
      if (this.#response === null) return
      this.#engine.underWay--
      this.#cork(this.#response)
    })
  }

  /**
   * Writes the answer to the corked connection. uWebSockets adds content-length, date and, when
   * told to close, `Connection: close`.
   */
  write(): void {
    const response = this.#response!
    this.#response = null
    const mustClose = this.#isLast || this.#engine.isDraining
    const lines = this.#corsLines
    response.writeStatus(lines === '' ? this.#head : textOf(this.#head) + lines)
    const body = this.#body
    if (body === null) {
      // To close takes a content-length, which uWebSockets then makes up: rather 0.
      if (mustClose) response.end('', true)
      else response.endWithoutBody()
    } else if (this.method === 'HEAD') {
      response.endWithoutBody(Buffer.byteLength(body), mustClose)
    } else response.end(body, mustClose)
  }

  onAborted(): void {
    this.isAborted = true
    if (this.#response !== null) this.#engine.underWay--
    this.#response = null
    this.#buffer?.release()
    this.#buffer = null
    if (!this.#isDelivered) this.#engine.options.onAborted()
  }

  onData(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#isDelivered) return // the rest of a refused body
    if (isLast && this.#buffer === null) {
      const isTooLarge = chunk.byteLength > this.#engine.options.bodyBytesMax
      const refusal = isTooLarge ? bodyTooLarge(this.#engine.options.bodyBytesMax) : null
      this.#deliver(isTooLarge ? EMPTY : new Uint8Array(chunk), refusal)
      return
    }
    this.#buffer ??= new BodyBuffer(this.#engine.options, declaredBytes(this.#contentLength))
    const buffer = this.#buffer
    buffer.append(new Uint8Array(chunk))
    if (!isLast && !buffer.isHopeless) return
    this.#buffer = null
    try {
      this.#deliver(buffer.view(), buffer.refusal)
    } finally {
      buffer.release()
    }
  }

  #deliver(body: Uint8Array, refusal: Refusal | null): void {
    this.#isDelivered = true
    if (refusal !== null) this.#isLast = true
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

class UwsEngine implements HttpEngine {
  readonly name = 'uws'
  readonly options: HttpEngineOptions
  isDraining = false
  underWay = 0
  readonly #uws: Uws
  readonly #app: UwsApp
  #listener: UwsListener | null = null

  constructor(uws: Uws, options: HttpEngineOptions) {
    this.options = options
    this.#uws = uws
    this.#app = uws
      .App()
      .post('/*', (response, request) => this.#onHead('POST', response, request))
      .any('/*', (response, request) => {
        this.#onHead(request.getCaseSensitiveMethod(), response, request)
      })
      .filter((_response, delta) => options.onConnections(delta > 0 ? 1 : -1))
  }

  async listen(host: string, port: number): Promise<number> {
    // For port 0 uWebSockets leaves out SO_REUSEPORT: find a port so, then bind it by its number.
    const listener = this.#bind(host, port === 0 ? this.#findPort(host) : port)
    if (listener === false) {
      throw new GatewayError('PORT_IN_USE', `Cannot listen on ${host}:${port}`)
    }
    this.#listener = listener
    return this.#uws.us_socket_local_port(listener)
  }

  stopAccepting(): void {
    this.isDraining = true
    if (this.#listener !== null) this.#uws.us_listen_socket_close(this.#listener)
    this.#listener = null
  }

  /** Needed before the thread or process ends: what is left open aborts the process (0002). */
  close(): void {
    this.stopAccepting()
    this.#app.close()
  }

  /** uWebSockets binds before it returns. */
  #bind(host: string, port: number): UwsListener | false {
    let bound: UwsListener | false = false
    this.#app.listen(host, port, (listener) => {
      bound = listener
    })
    return bound
  }

  #findPort(host: string): number {
    const listener = this.#bind(host, 0)
    if (listener === false) return 0
    const port = this.#uws.us_socket_local_port(listener)
    this.#uws.us_listen_socket_close(listener)
    return port
  }

  #onHead(method: string, response: UwsResponse, request: UwsRequest): void {
    const contentLength = request.getHeader(CONTENT_LENGTH)
    // With a content-length as well uWebSockets refuses any transfer-encoding itself.
    const framing = contentLength === '' ? framingOf(request) : 'none'
    if (framing === 'unknown' || (method !== 'POST' && !isMethod(method))) {
      refuseHead(response)
      return
    }
    const declared = framing === 'chunked' ? null : contentLength
    const exchange = new UwsExchange(this, method, declared, response, request)
    this.underWay++
    response.onAborted(() => exchange.onAborted())
    response.onData((chunk, isLast) => exchange.onData(chunk, isLast))
  }
}
