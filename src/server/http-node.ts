/**
 * The HTTP engine on node:http: for systems where no binary of uWebSockets loads, and to check the
 * other engine against. Same limits and same answers. It differs in three ways that a client can
 * see: pipelined requests are answered in order, a header block over the limit gets 431, and what
 * comes too slowly gets 408.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { systemClock, turnMonotonic } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { BodyBuffer, isTransferEncodingKnown, keptBytes } from './body-buffer.ts'
import { NO_CORS } from './cors.ts'
import {
  type Exchange,
  type HttpEngine,
  type HttpEngineOptions,
  hasProtocolHeaders,
  textOf,
  type Waiting,
} from './exchange.ts'
import { isForLocals, isLoopback, tellsOfOthers } from './local-peer.ts'
import { answerParserError, NodeConnection, type Open } from './node-connection.ts'
import { UnsentAnswers } from './unsent-answers.ts'

const { monotonic } = systemClock

const HEADERS_MAX = 100
/** As uWebSockets: 10 s for the head, and for a connection without a request. */
const IDLE_MS_MAX = 10_000
/** As uWebSockets: for a client that does not read its answer. */
const UNREAD_MS_MAX = 10_000
/** For a whole request; uWebSockets demands 16 KB/s instead, which node:http cannot. */
const REQUEST_MS_MAX = 60_000
const CHECK_MS = 1000

/** `unreadMsMax`: how long a client may take no byte of the answer that is its turn. */
export const createNodeEngine = (
  options: HttpEngineOptions,
  unreadMsMax = UNREAD_MS_MAX,
): HttpEngine => new NodeEngine(options, unreadMsMax)

class NodeExchange implements Exchange, Open {
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
  waiting: Waiting | null = null
  isAnswered = false
  unsentBytes = 0

  readonly #engine: NodeEngine
  readonly #connection: NodeConnection
  readonly #request: IncomingMessage
  readonly #corsLines: string
  #response: ServerResponse | null
  #buffer: BodyBuffer | null
  #isRefused = false

  constructor(
    engine: NodeEngine,
    connection: NodeConnection,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const target = request.url ?? '/'
    const queryAt = target.indexOf('?')
    this.method = request.method ?? ''
    this.path = queryAt < 0 ? target : target.slice(0, queryAt)
    this.requestId = header(request, 'x-request-id')
    this.isExplained = header(request, 'x-sluice-explain') === '1'
    this.contentEncoding = header(request, 'content-encoding')
    const hasMore = hasProtocolHeaders(this.path)
    this.acceptEncoding = hasMore ? header(request, 'accept-encoding') : ''
    this.inferenceHeaderLength = hasMore ? header(request, 'inference-header-content-length') : ''
    const asked = header(request, 'access-control-request-method')
    const cors = engine.options.cors?.(this.method, header(request, 'origin'), asked) ?? NO_CORS
    this.isPreflight = cors.isPreflight
    this.#corsLines = cors.lines
    this.headMs = this.isExplained ? monotonic() : 0
    this.#engine = engine
    this.#connection = connection
    this.#request = request
    this.#response = response
    const declared = header(request, 'content-length')
    this.#buffer = new BodyBuffer(engine.options, declared === '' ? Infinity : Number(declared))
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
    this.#isRefused = buffer.refusal !== null
    this.startedMs = this.isExplained ? monotonic() : turnMonotonic()
    try {
      this.#engine.options.onRequest(this, buffer.view(), buffer.refusal)
    } finally {
      buffer.release()
    }
  }
}

/** A header, '' if absent. Where it is repeated Node joins the values by commas (0002). */
const header = (request: IncomingMessage, name: string): string => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

const nameAndValue = (line: string): [string, string] => {
  const colonAt = line.indexOf(': ')
  return [line.slice(0, colonAt), line.slice(colonAt + 2)]
}

/**
 * What Node lets pass: other versions, codings left as they are, or any in HTTP/1.0, many headers,
 * none or two of Host, and a target that is no path, which the other engine cannot read.
 */
const isMalformed = (request: IncomingMessage): boolean => {
  const { rawHeaders } = request
  if (request.httpVersionMajor !== 1 || rawHeaders.length > HEADERS_MAX * 2) return true
  if (!request.url?.startsWith('/')) return true
  const coding = header(request, 'transfer-encoding')
  if (!isTransferEncodingKnown(coding)) return true
  if (coding !== '' && request.httpVersionMinor === 0) return true
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === 'host') hosts++
  }
  return hosts !== 1
}

class NodeEngine implements HttpEngine {
  readonly name = 'node'
  readonly options: HttpEngineOptions
  isDraining = false
  underWay = 0
  readonly #server: Server
  /** Connections that were refused: the parser hands on what came in the same piece. */
  readonly #refused = new WeakSet<Socket>()
  readonly unsent: UnsentAnswers
  readonly #connections = new WeakMap<Socket, NodeConnection>()

  constructor(options: HttpEngineOptions, unreadMsMax: number) {
    this.options = options
    this.unsent = new UnsentAnswers(options.unsentBytesMax)
    this.#server = createServer({
      maxHeaderSize: options.headerBytesMax,
      // Looked at in `isMalformed`: Node would hand on what follows the request it refuses.
      requireHostHeader: false,
      insecureHTTPParser: false,
      headersTimeout: IDLE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
    })
    // Node drops what comes after the limit without a word: one more, so that it can be seen.
    this.#server.maxHeadersCount = HEADERS_MAX + 1
    this.#server.on('request', (request, response) => this.#onHead(request, response))
    // Node would put `100 Continue` into an answer that is still on its way.
    this.#server.on('checkContinue', (request, response) => {
      if (this.#connections.get(request.socket)?.open.size === 0) response.writeContinue()
      this.#onHead(request, response)
    })
    // An unknown expectation is ignored, as uWebSockets does.
    this.#server.on('checkExpectation', (request, response) => this.#onHead(request, response))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // After the last request of a connection: it ends with the answer to that, and no other.
      if (error.code === 'HPE_CLOSED_CONNECTION' || this.#refused.has(socket as Socket)) return
      const open = [...(this.#connections.get(socket as Socket)?.open ?? [])]
      const isAnswerDue = open.some(({ isComplete }) => isComplete)
      answerParserError(error, socket as Socket, isAnswerDue)
    })
    const onLeft = () => void this.underWay--
    this.#server.on('connection', (socket) => {
      options.onConnections(1)
      const connection = new NodeConnection(socket, this.unsent, unreadMsMax, onLeft)
      this.#connections.set(socket, connection)
      socket.on('close', () => {
        connection.onClose()
        options.onConnections(-1)
      })
    })
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(new GatewayError('PORT_IN_USE', `Cannot listen on ${host}:${port}`, { cause }))
      })
      this.#server.listen({ host, port, reusePort: true }, () => {
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  sayClose(): void {
    this.isDraining = true
  }

  stopAccepting(): void {
    this.sayClose()
    // Not the server's own `close`: it would also close idle connections, under the requests that
    // their clients are just sending.
    NetServer.prototype.close.call(this.#server)
  }

  close(): void {
    this.stopAccepting()
    this.#server.closeAllConnections()
  }

  #onHead(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    if (this.#refused.has(socket) || socket.destroyed) return
    if (isMalformed(request)) {
      this.#refused.add(socket)
      response.writeHead(400, { connection: 'close', 'content-length': 0 }).end()
      return
    }
    const connection = this.#connections.get(socket)
    if (connection === undefined) return
    this.underWay++
    connection.open.add(new NodeExchange(this, connection, request, response))
  }
}
