/**
 * The HTTP engine on uWebSockets.js, one per data thread; with uws-exchange.ts and uws-answer.ts
 * all that holds its objects.
 *
 * `onRequest` is total: what it throws ends the thread. Requests that uWebSockets refuses itself
 * (malformed, header block too long, slow) never reach us. A client that sends a second request
 * before the answer to the first has left (pipelining) loses its connection.
 */

import type { TlsMaterial } from '../shared/access-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import type { HttpEngine, HttpEngineOptions } from './exchange.ts'
import { createNodeEngine } from './http-node.ts'
import { UnsentAnswers } from './unsent-answers.ts'
import { refuseHead } from './uws-answer.ts'
import {
  announceHeaderLimit,
  loadUws,
  type Uws,
  type UwsApp,
  type UwsListener,
  type UwsRequest,
  type UwsResponse,
} from './uws-binary.ts'
import { UwsExchange, type UwsServer } from './uws-exchange.ts'
import { framingOf, isMethod } from './uws-head.ts'
import { createTlsApp } from './uws-tls.ts'

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

class UwsEngine implements HttpEngine, UwsServer {
  readonly name = 'uws'
  readonly options: HttpEngineOptions
  isDraining = false
  underWay = 0
  readonly unsent: UnsentAnswers
  readonly #uws: Uws
  /** It owns the port. null: not made yet, for want of a certificate. */
  #acceptor: UwsApp | null = null
  /** What is accepted goes to this one. */
  #receiver: UwsApp | null = null
  /** Those before are kept: their connections live on. */
  readonly #apps: UwsApp[] = []
  #listener: UwsListener | null = null
  #place: { readonly host: string; readonly port: number } | null = null

  constructor(uws: Uws, options: HttpEngineOptions) {
    this.options = options
    this.unsent = new UnsentAnswers(options.unsentBytesMax)
    this.#uws = uws
    if (!options.isTls) this.#acceptor = this.#take(uws.App())
  }

  secure(material: TlsMaterial): void {
    const app = this.#take(createTlsApp(this.#uws, material, this.options.keyFolder))
    const before = this.#receiver
    this.#receiver = app
    if (this.#acceptor === null) {
      this.#acceptor = app
      return
    }
    if (before !== null && before !== this.#acceptor) {
      this.#acceptor.removeChildAppDescriptor(before.getDescriptor())
    }
    this.#acceptor.addChildAppDescriptor(app.getDescriptor())
  }

  #take(app: UwsApp): UwsApp {
    this.#apps.push(app)
    return app
      .post('/*', (response, request) => this.#onHead('POST', response, request))
      .any('/*', (response, request) => {
        this.#onHead(request.getCaseSensitiveMethod(), response, request)
      })
      .filter((_response, delta) => this.options.onConnections(delta > 0 ? 1 : -1))
  }

  async listen(host: string, port: number): Promise<number> {
    // For port 0 uWebSockets leaves out SO_REUSEPORT: find a port so, then bind it by its number.
    const listener = this.#bind(host, port === 0 ? this.#findPort(host) : port)
    if (listener === false) {
      throw new GatewayError('PORT_IN_USE', `Cannot listen on ${host}:${port}`)
    }
    this.#listener = listener
    const bound = this.#uws.us_socket_local_port(listener)
    this.#place = { host, port: bound }
    return bound
  }

  get isAccepting(): boolean {
    return this.#listener !== null
  }

  pauseAccepting(): void {
    if (this.#listener !== null) this.#uws.us_listen_socket_close(this.#listener)
    this.#listener = null
  }

  resumeAccepting(): void {
    if (this.#listener !== null || this.#place === null || this.isDraining) return
    this.#listener = this.#bind(this.#place.host, this.#place.port) || null
  }

  stopAccepting(): void {
    this.isDraining = true
    this.pauseAccepting()
  }

  /** Needed before the thread or process ends: what is left open aborts the process (0002). */
  close(): void {
    this.stopAccepting()
    for (const app of this.#apps) app.close()
  }

  /** uWebSockets binds before it returns. */
  #bind(host: string, port: number): UwsListener | false {
    let bound: UwsListener | false = false
    this.#acceptor?.listen(host, port, (listener) => {
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
    const contentLength = request.getHeader('content-length')
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
