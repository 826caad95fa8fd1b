/** One connection: what its streams are handed to, and when it has had its time. */

import { randomInt } from 'node:crypto'
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { systemClock } from '../../shared/clock.ts'
import { type ConnectionFacts, type ConnectionLimits, nextStep } from './connection-life.ts'

/** For a client to take the last bytes and close, once the session has ended. */
const LINGER_MS = 1000

/** Without an error Node takes no notice of the code, and ends streams as if all were well. */
const CLOSED = new Error('The connection was closed')

const ignored = (): void => {}

/** What a connection comes with, and leads to. */
export interface Arrival {
  readonly session: ServerHttp2Session
  readonly socket: Socket
  onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void
  /** Its time is over: what is still open on it is told so before it is closed. */
  onExpired(): void
}

export class Connection {
  readonly #session: ServerHttp2Session
  readonly #socket: Socket
  readonly #facts: ConnectionFacts
  readonly #onExpired: () => void
  #readBytes = 0
  /** Since when the session is over, and the socket is not; null: neither. */
  #lingerSinceMs: number | null = null
  /** Calls on it that have not ended. */
  calls = 0

  constructor(
    { session, socket, onStream, onExpired }: Arrival,
    limits: ConnectionLimits,
    nowMs: number,
  ) {
    this.#session = session
    this.#socket = socket
    this.#onExpired = onExpired
    // The age of many that came together is spread over a tenth of it, to both sides.
    const ageMs = limits.connectionAgeSeconds * randomInt(900, 1101)
    this.#facts = {
      ...{ beganMs: nowMs, ageMs, quietSinceMs: nowMs, heardMs: nowMs },
      ...{ askedMs: null, isGoing: false, isExpired: false },
    }
    session.on('error', ignored) // 'close' follows
    session.on('stream', onStream)
  }

  onCallBegan(): void {
    this.calls++
  }

  onCallEnded(): void {
    this.calls--
    if (this.calls === 0) this.#facts.quietSinceMs = systemClock.monotonic()
  }

  look(limits: ConnectionLimits, nowMs: number): void {
    if (this.#session.destroyed) {
      // Node has said its last, and waits for the client to close.
      this.#lingerSinceMs ??= nowMs
      if (nowMs - this.#lingerSinceMs >= LINGER_MS) this.#socket.destroy()
      return
    }
    this.#listen(nowMs)
    const step = nextStep(this.#facts, this.calls, limits, nowMs)
    if (step === 'destroy') this.#destroy()
    else if (step === 'expire') this.#expire()
    else if (step === 'go') this.go()
    else if (step === 'ask') this.#ask(nowMs)
  }

  /** Whatever comes shows that somebody is there: acknowledgements and windows too. */
  #listen(nowMs: number): void {
    const facts = this.#facts
    facts.isGoing ||= this.#session.closed
    const { bytesRead } = this.#socket
    if (bytesRead === this.#readBytes) return
    this.#readBytes = bytesRead
    facts.heardMs = nowMs
    facts.askedMs = null
  }

  #ask(nowMs: number): void {
    this.#facts.askedMs = nowMs
    // Not sent, since so many are unanswered: nobody is there.
    if (!this.#session.ping(ignored)) this.#destroy()
  }

  /** A moment before it is closed, so that what is said then leaves. */
  #expire(): void {
    this.#facts.isExpired = true
    this.#onExpired()
  }

  #destroy(): void {
    this.#session.destroy(CLOSED, constants.NGHTTP2_CANCEL)
    this.#socket.destroy()
  }

  /** Tells the client to go, and closes behind what is under way. */
  go(): void {
    this.#facts.isGoing = true
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close()
  }
}
