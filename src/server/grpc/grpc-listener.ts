/** The port of gRPC on one data thread, and the connections that came to it. */

import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { TlsMaterial } from '../../shared/access-plan.ts'
import { GatewayError } from '../../shared/errors.ts'
import { SharedPort } from '../shared-port.ts'

const HANDSHAKE_MS_MAX = 10_000

const ignored = (): void => {}

export interface ListenerEvents {
  onConnections(delta: 1 | -1): void
  /** A connection that speaks, behind its handshake where there is one. */
  onSocket(socket: Socket): void
}

export class GrpcListener {
  readonly #events: ListenerEvents
  readonly #server: NetServer | TlsServer
  readonly #isTls: boolean
  readonly #isMutualTls: boolean
  readonly #sockets = new Set<Socket>()
  readonly port: SharedPort

  /**
   * `material`: null for connections in the clear, and else what `secure` takes.
   *
   * @throws GatewayError CONFIG_INVALID
   */
  constructor(events: ListenerEvents, material: TlsMaterial | null, isMutualTls: boolean) {
    this.#events = events
    const isTls = material !== null
    this.#isTls = isTls
    this.#isMutualTls = isMutualTls
    this.#server = isTls
      ? createTlsServer({
          ALPNProtocols: ['h2'],
          handshakeTimeout: HANDSHAKE_MS_MAX,
          requestCert: isMutualTls,
          rejectUnauthorized: isMutualTls,
        })
      : createServer({ noDelay: true })
    if (material !== null) this.secure(material)
    this.port = new SharedPort(this.#server)
    this.#server.on('error', ignored) // of one connection
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket))
    if (!isTls) return
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#onSecure(socket))
    this.#server.on('tlsClientError', (_: Error, socket: TLSSocket) => socket.destroy())
  }

  #onConnection(socket: Socket): void {
    this.#events.onConnections(1)
    this.#sockets.add(socket)
    socket.on('error', ignored) // 'close' follows
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#events.onConnections(-1)
    })
    if (!this.#isTls) this.#events.onSocket(socket)
  }

  /** gRPC wants h2 by ALPN: a client that asked for anything else, or nothing, speaks no gRPC. */
  #onSecure(socket: TLSSocket): void {
    socket.on('error', ignored)
    if (socket.alpnProtocol !== 'h2') socket.destroy()
    else this.#events.onSocket(socket)
  }

  /**
   * New connections get this certificate, open ones live on.
   *
   * @throws GatewayError CONFIG_INVALID, and the one from before stays
   */
  secure({ certificate, privateKey, minVersion, clientCa }: TlsMaterial): void {
    // Without the authority every certificate that the world trusts would do.
    if (this.#isMutualTls && clientCa === null) {
      throw new GatewayError('CONFIG_INVALID', 'gRPC has no authority for certificates of clients')
    }
    try {
      ;(this.#server as TlsServer).setSecureContext({
        ...{ cert: certificate, key: privateKey, minVersion },
        ...(this.#isMutualTls && clientCa !== null ? { ca: clientCa } : {}),
      })
    } catch {
      throw new GatewayError('CONFIG_INVALID', 'gRPC does not take this certificate')
    }
  }

  /** Those in their handshake too. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
