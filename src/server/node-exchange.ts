/** One request on node:http and its answer. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock, turnMonotonic } from '../shared/clock.ts'
import type { Refusal } from '../shared/errors.ts'
import { denialOf, type Gate, type Grant, grantOf } from './access.ts'
import { BodyBuffer, keptBytes } from './body-buffer.ts'
import { NO_CORS } from './cors.ts'
import {
  type HttpEngineOptions,
  type HttpExchange,
  hasProtocolHeaders,
  textOf,
  type Waiting,
} from './exchange.ts'
import { HttpAnswers } from './http-answers.ts'
import { isForLocals, isLoopback, tellsOfOthers } from './local-peer.ts'
import type { NodeConnection, Open } from './node-connection.ts'
import type { RequestTrace } from './traces.ts'

const { monotonic } = systemClock

/** What exchanges need of their engine. */
export interface NodeServer {
  readonly options: HttpEngineOptions
  readonly isDraining: boolean
}

export class NodeExchange extends HttpAnswers implements HttpExchange, Open {
  readonly format = null
  readonly sentBytes = -1
  readonly method: string
  readonly path: string
  readonly requestId: string
  readonly isExplained: boolean
  readonly contentEncoding: string
  readonly acceptEncoding: string
  readonly inferenceHeaderLength: string
  readonly grant: Grant | null
  readonly timeout: string
  readonly isPreflight: boolean
  readonly headMs: number
  readonly trace: RequestTrace | null
  startedMs = 0
  isAborted = false
  waiting: Waiting | null = null
  isAnswered = false
  unsentBytes = 0

  readonly #engine: NodeServer
  readonly #connection: NodeConnection
  readonly #request: IncomingMessage
  readonly #corsLines: string
  /** Why it is refused whatever its body is. */
  readonly #denied: Refusal | null
  #response: ServerResponse | null
  #buffer: BodyBuffer | null
  #isRefused = false

  constructor(
    engine: NodeServer,
    connection: NodeConnection,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    super()
    const target = request.url ?? '/'
    const queryAt = target.indexOf('?')
    this.method = request.method ?? ''
    this.path = queryAt < 0 ? target : target.slice(0, queryAt)
    this.requestId = header(request, 'x-request-id')
    this.isExplained = header(request, 'x-sluice-explain') === '1'
    this.timeout = header(request, 'x-sluice-timeout-ms')
    this.contentEncoding = header(request, 'content-encoding')
    const hasMore = hasProtocolHeaders(this.path)
    this.acceptEncoding = hasMore ? header(request, 'accept-encoding') : ''
    this.inferenceHeaderLength = hasMore ? header(request, 'inference-header-content-length') : ''
    const asked = header(request, 'access-control-request-method')
    const cors = engine.options.cors?.(this.method, header(request, 'origin'), asked) ?? NO_CORS
    this.isPreflight = cors.isPreflight
    this.#corsLines = cors.lines
    const admitted = this.isPreflight ? null : admittedBy(engine.options.gate, this.path, request)
    this.grant = grantOf(admitted)
    this.#denied = denialOf(admitted)
    this.headMs = this.isExplained ? monotonic() : 0
    this.trace = engine.options.traces?.begin(header(request, 'traceparent')) ?? null
    this.#engine = engine
    this.#connection = connection
    this.#request = request
    this.#response = response
    const declared = header(request, 'content-length')
    const declaredBytes = declared === '' ? Infinity : Number(declared)
    this.#buffer = new BodyBuffer(engine.options, declaredBytes, this.#denied)
    response.on('close', () => this.onClose())
    request.on('data', (piece: Buffer) => this.#onData(piece))
    request.on('end', () => this.#deliver())
  }

  get isLocal(): boolean {
    if (!isForLocals(this.path)) return false
    const { headers, socket } = this.#request
    return isLoopback(socket.remoteAddress ?? '') && !Object.keys(headers).some(tellsOfOthers)
  }

  /** All of the request has come, also where it has not been handed on yet. */
  get isComplete(): boolean {
    return this.#request.complete
  }

  reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    const response = this.#response
    if (response === null) return
    this.#response = null
    if (!this.#connection.mayAnswer()) return
    const [statusLine = '', ...lines] = (textOf(head) + this.#corsLines).split('\r\n')
    const headers = lines.flatMap(nameAndValue)
    if (body !== null) headers.push('content-length', String(Buffer.byteLength(body)))
    if (this.#isRefused || this.#engine.isDraining) headers.push('connection', 'close')
    const status = Number(statusLine.slice(0, 3))
    // What the kernel does not take at once is sent later, when the bytes may hold another answer.
    const kept = body === null ? '' : keptBytes(body)
    // Before Node's own listener, which sets a timeout where nothing is under way any more.
    response.prependOnceListener('finish', () => this.#connection.left(this))
    response.writeHead(status, statusLine.slice(4), headers).end(kept)
    this.#connection.answered(this, response.writableLength)
  }

  drop(): void {
    this.#connection.drop()
  }

  #onData(piece: Buffer): void {
    this.#buffer?.append(piece)
    if (this.#buffer?.isHopeless) this.#deliver()
  }

  /** The answer has left, or the client. */
  onClose(): void {
    this.#connection.left(this)
    if (this.#response === null) return
    this.isAborted = true
    this.#response = null
    if (this.#buffer === null) {
      this.waiting?.onGone()
      return
    }
    this.#buffer.release()
    this.#buffer = null
    this.#engine.options.onAborted()
  }

  #deliver(): void {
    const buffer = this.#buffer
    if (buffer === null || this.#request.socket.destroyed) return
    this.#buffer = null
    const { refusal } = buffer
    // Where all of the body was read, who is asked for a key may send it on the same connection.
    this.#isRefused = refusal !== null && !(this.isComplete && refusal === this.#denied)
    this.startedMs = this.isExplained ? monotonic() : turnMonotonic()
    try {
      this.#engine.options.onRequest(this, buffer.view(), refusal)
    } finally {
      buffer.release()
    }
  }
}

/** What a gate says of a request. */
const admittedBy = (gate: Gate, path: string, request: IncomingMessage) =>
  gate.isClosed
    ? gate.admit(path, header(request, 'authorization'), header(request, 'x-api-key'))
    : null

/** A header, '' if absent. Where it is repeated Node joins the values by commas (0002). */
export const header = (request: IncomingMessage, name: string): string => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

const nameAndValue = (line: string): [string, string] => {
  const colonAt = line.indexOf(': ')
  return [line.slice(0, colonAt), line.slice(colonAt + 2)]
}
