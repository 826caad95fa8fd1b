/** One connection: what its streams are handed to, and when it has had its time. */

import { randomInt } from 'node:crypto'
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type ConnectionFacts, type ConnectionLimits, nextStep } from './connection-life.ts'

const ignored = (): void => {}

export class Connection {
  readonly #session: ServerHttp2Session
  readonly #facts: ConnectionFacts
  /** Calls on it that have not ended. */
  calls = 0

  constructor(
    session: ServerHttp2Session,
    limits: ConnectionLimits,
    nowMs: number,
    onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  ) {
    this.#session = session
    // The age of many that came together is spread over a tenth of it, to both sides.
    const share = randomInt(900, 1101) / 1000
    const ageMs = limits.connectionAgeSeconds * 1000 * share
    this.#facts = {
      beganMs: nowMs,
      ageMs,
      quietSinceMs: nowMs,
      pingMs: nowMs,
      pingSince: null,
      isGoing: false,
    }
    session.on('error', ignored) // 'close' follows
    session.on('stream', onStream)
  }

  onCallBegan(): void {
    this.calls++
  }

  onCallEnded(nowMs: number): void {
    this.calls--
    if (this.calls === 0) this.#facts.quietSinceMs = nowMs
  }

  look(limits: ConnectionLimits, nowMs: number): void {
    const step = nextStep(this.#facts, this.calls, limits, nowMs)
    if (step === 'destroy') this.#session.destroy(undefined, constants.NGHTTP2_CANCEL)
    else if (step === 'go') this.go()
    else if (step === 'ping') this.#ping(nowMs)
  }

  #ping(nowMs: number): void {
    const facts = this.#facts
    facts.pingMs = nowMs
    facts.pingSince = nowMs
    const isSent = this.#session.ping((error) => {
      if (error === null) facts.pingSince = null
    })
    // So many are unanswered that no more may be sent.
    if (!isSent) this.#session.destroy()
  }

  /** Tells the client to go, and closes behind what is under way. */
  go(): void {
    this.#facts.isGoing = true
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close()
  }
}
