/**
 * The HTTP engine on node:http: for systems where no binary of uWebSockets loads, and to check the
 * other engine against. Same limits and same answers. It differs in three ways that a client can
 * see: pipelined requests are answered in order, a header block over the limit gets 431, and what
 * comes too slowly gets 408.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TlsMaterial } from '../shared/access-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import { isTransferEncodingKnown } from './body-buffer.ts'
import type { HttpEngine, HttpEngineOptions } from './exchange.ts'
import { answerParserError, NodeConnection } from './node-connection.ts'
import { header, NodeExchange, type NodeServer } from './node-exchange.ts'
import { SharedPort } from './shared-port.ts'
import { UnsentAnswers } from './unsent-answers.ts'

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

class NodeEngine implements HttpEngine, NodeServer {
  readonly name = 'node'
  readonly options: HttpEngineOptions
  isDraining = false
  underWay = 0
  readonly #server: Server
  readonly #port: SharedPort
  /** Connections that were refused: the parser hands on what came in the same piece. */
  readonly #refused = new WeakSet<Socket>()
  readonly unsent: UnsentAnswers
  readonly #sockets = new Set<Socket>()
  readonly #connections = new WeakMap<Socket, NodeConnection>()

  constructor(options: HttpEngineOptions, unreadMsMax: number) {
    this.options = options
    this.unsent = new UnsentAnswers(options.unsentBytesMax)
    const settings = {
      maxHeaderSize: options.headerBytesMax,
      // Looked at in `isMalformed`: Node would hand on what follows the request it refuses.
      requireHostHeader: false,
      insecureHTTPParser: false,
      headersTimeout: IDLE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
    }
    this.#server = options.isTls
      ? createTlsServer({ ...settings, handshakeTimeout: IDLE_MS_MAX })
      : createServer(settings)
    this.#port = new SharedPort(this.#server)
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
    this.#server.on('connection', (socket) => this.#onSocket(socket))
    const onLeft = () => void this.underWay--
    this.#server.on(options.isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      const connection = new NodeConnection(socket, this.unsent, unreadMsMax, onLeft)
      this.#connections.set(socket, connection)
      socket.on('close', () => connection.onClose())
    })
  }

  #onSocket(socket: Socket): void {
    this.options.onConnections(1)
    this.#sockets.add(socket)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.options.onConnections(-1)
    })
  }

  secure({ certificate, privateKey, minVersion }: TlsMaterial): void {
    const server = this.#server as TlsServer
    try {
      server.setSecureContext({
        ...{ cert: certificate, key: privateKey, minVersion },
      })
    } catch {
      throw new GatewayError('CONFIG_INVALID', 'the HTTP engine does not take this certificate')
    }
  }

  listen(host: string, port: number): Promise<number> {
    return this.#port.listen(host, port)
  }

  get isAccepting(): boolean {
    return this.#port.isAccepting
  }

  pauseAccepting(): void {
    this.#port.pause()
  }

  resumeAccepting(): void {
    this.#port.resume()
  }

  stopAccepting(): void {
    this.isDraining = true
    this.#port.end()
  }

  close(): void {
    this.stopAccepting()
    // Those in their handshake too, which the server does not know as connections yet.
    for (const socket of this.#sockets) socket.destroy()
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
