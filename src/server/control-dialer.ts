/**
 * A replica's side of the control socket: dials until control answers, and again whenever the link
 * is lost. At most one link is open.
 */

import { connect } from 'node:net'
import { type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import type { Clock } from '../shared/clock.ts'
import { Link } from '../shared/link.ts'

const DIAL_AGAIN_MS = 200
/** Of what may as well be said later. */
const UNSENT_BYTES_MAX = 1024 * 1024

export interface DialerOptions {
  readonly socketPath: string
  readonly clock: Clock
  /** What is told first on every new link. */
  greeting(): readonly EnvelopeBody[]
  /** A message that is no answer. `answer` may be called once, at any later time. */
  onMessage(body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void
}

export class ControlDialer {
  readonly #options: DialerOptions
  #link: Link<EnvelopeBody> | null = null
  #lostMs: number | null
  #isStopped = false

  constructor(options: DialerOptions) {
    this.#options = options
    this.#lostMs = options.clock.monotonic()
    this.#dial()
  }

  /** Monotonic milliseconds since when there is no link; null while there is one. */
  get lostMs(): number | null {
    return this.#lostMs
  }

  /** Whether what is told now is on its way to a control that reads. */
  get isFlowing(): boolean {
    return this.#link !== null && this.#link.unsentBytes < UNSENT_BYTES_MAX
  }

  /** Sends without wanting an answer. Does nothing without a link. */
  tell(body: EnvelopeBody): void {
    this.#link?.tell(body)
  }

  /** Asks and waits for the answer. Rejects without a link, when it closes, or after the time. */
  async call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> {
    if (this.#link === null) throw new Error('There is no link to control')
    return this.#link.call(body, timeoutMs)
  }

  /** Closes the link and dials no more. */
  stop(): void {
    this.#isStopped = true
    this.#link?.close()
  }

  #dial(): void {
    if (this.#isStopped) return
    const { socketPath, clock, greeting, onMessage } = this.#options
    const socket = connect(socketPath)
    socket.once('error', () => {
      if (this.#link === null) this.#dialAgain()
    })
    socket.once('connect', () => {
      if (this.#isStopped) {
        socket.destroy()
        return
      }
      this.#lostMs = null
      const onClose = () => this.#onClose()
      this.#link = new Link(socket, envelopeCodec, { onMessage, onClose }, { clock })
      for (const body of greeting()) this.#link.tell(body)
    })
  }

  #onClose(): void {
    this.#link = null
    this.#lostMs = this.#options.clock.monotonic()
    this.#dialAgain()
  }

  #dialAgain(): void {
    this.#options.clock.setTimer(DIAL_AGAIN_MS, () => this.#dial())
  }
}
