/**
 * The Unix socket on which replicas dial. A connection must begin with a Hello of our protocol, is
 * judged, told Welcome, and then belongs to its replica.
 */

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { create } from '@bufbuild/protobuf'
import {
  CONTROL_PROTOCOL,
  type EnvelopeBody,
  envelopeCodec,
} from '../../../proto/control-envelope.ts'
import { type Hello, WelcomeSchema } from '../../../proto/gen/control_pb.ts'
import type { Clock } from '../../shared/clock.ts'
import { GatewayError } from '../../shared/errors.ts'
import { Link } from '../../shared/link.ts'
import type { Logger } from '../../shared/logger.ts'
import { asUnwritable } from '../../shared/state-file.ts'
import { isAnswered } from '../state/socket-probe.ts'

export type ControlLink = Link<EnvelopeBody>

export interface SocketServerHandlers {
  /** Why a replica must end, or '' when it is one of ours. */
  judge(hello: Hello): string
  /** The link of an accepted replica; Welcome has been told. */
  onAccepted(hello: Hello, link: ControlLink): void
  /** A replica was told to end: it is none of ours, or speaks another protocol. */
  onRefused(hello: Hello): void
  /** A message after Hello that is no answer. `answer` may be called once. */
  onMessage(link: ControlLink, body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void
  /** Only for links that were accepted. */
  onClosed(link: ControlLink): void
}

const HELLO_MS_MAX = 5000
/** Replicas are few; more connections than this are a fault. */
const CONNECTIONS_MAX = 256

const welcome = (refused: string): EnvelopeBody => ({
  case: 'welcome',
  value: create(WelcomeSchema, { refused }),
})

export class SocketServer {
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #handlers: SocketServerHandlers
  readonly #links = new Set<ControlLink>()
  #server: Server | null = null

  constructor(path: string, clock: Clock, logger: Logger, handlers: SocketServerHandlers) {
    this.#path = path
    this.#clock = clock
    this.#logger = logger
    this.#handlers = handlers
  }

  /**
   * Listens. The caller holds the lock of the state folder, so a socket file that nobody answers on
   * is a dead one's and is removed.
   *
   * @throws (rejects) GatewayError STATE_DIR_LOCKED when somebody does answer: a control process
   *   that the lock does not show, in another container for instance; STATE_UNWRITABLE when no
   *   socket can be made there
   */
  async listen(): Promise<void> {
    if (await isAnswered(this.#path)) {
      throw new GatewayError('STATE_DIR_LOCKED', 'Another process serves this state folder')
    }
    try {
      await this.#listen()
    } catch (error) {
      throw asUnwritable(error, 'The control socket')
    }
  }

  async #listen(): Promise<void> {
    rmSync(this.#path, { force: true })
    const server = createServer((socket) => this.#onConnection(socket))
    server.maxConnections = CONNECTIONS_MAX
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      // Also later: an accept that fails must not end control.
      server.on('error', reject)
      server.listen(this.#path, resolve)
    })
    chmodSync(this.#path, 0o600)
  }

  /** Closes every connection and removes the socket file. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const link of this.#links) link.close()
    await closed
  }

  #onConnection(socket: Socket): void {
    let isAccepted = false
    const cancelTimer = this.#clock.setTimer(HELLO_MS_MAX, () => link.close())
    const onFirst = (body: EnvelopeBody) => {
      cancelTimer()
      isAccepted = this.#accept(link, body)
    }
    const link: ControlLink = new Link(
      socket,
      envelopeCodec,
      {
        onMessage: (body, answer) => {
          if (isAccepted) this.#handlers.onMessage(link, body, answer)
          else onFirst(body)
        },
        onClose: (reason) => {
          cancelTimer()
          this.#links.delete(link)
          if (reason !== null) this.#logger.warn({ event: 'link_failed', error: reason.message })
          if (isAccepted) this.#handlers.onClosed(link)
        },
      },
      { clock: this.#clock },
    )
    this.#links.add(link)
  }

  /** Judges the first message of a connection. */
  #accept(link: ControlLink, body: EnvelopeBody): boolean {
    if (body.case !== 'hello') {
      this.#logger.warn({ event: 'hello_missing', found: body.case ?? 'unknown' })
      link.close()
      return false
    }
    const hello = body.value
    const { protocol, replica, pid } = hello
    const refused =
      protocol === CONTROL_PROTOCOL
        ? this.#handlers.judge(hello)
        : `protocol ${protocol}; control speaks ${CONTROL_PROTOCOL}`
    link.tell(welcome(refused))
    if (refused === '') {
      this.#handlers.onAccepted(hello, link)
      return true
    }
    this.#logger.warn({ event: 'replica_refused', replica, pid, reason: refused })
    link.close()
    this.#handlers.onRefused(hello)
    return false
  }
}
