/** What one connection of the engine on node:http has under way, and its end. */

import type { Socket } from 'node:net'
import type { UnsentAnswers } from './unsent-answers.ts'

/**
 * Bytes of answers that may wait on one connection when another is given. Answers to pipelined
 * requests wait for each other, and Node reads on until all of what it has read is answered.
 */
const UNSENT_BYTES_MAX = 1024 * 1024

/** An exchange whose answer has not left. */
export interface Open {
  /** All of the request has come. */
  readonly isComplete: boolean
  /** The answer has been given. */
  isAnswered: boolean
  unsentBytes: number
  onClose(): void
  drop(): void
}

export class NodeConnection {
  /** In the order of their requests, in which the answers leave. */
  readonly open = new Set<Open>()
  readonly #socket: Socket
  readonly #unsent: UnsentAnswers
  readonly #unreadMsMax: number
  readonly #onLeft: () => void
  #unsentBytes = 0

  /** `onLeft`: called for each exchange that is not open any more. */
  constructor(socket: Socket, unsent: UnsentAnswers, unreadMsMax: number, onLeft: () => void) {
    this.#socket = socket
    this.#unsent = unsent
    this.#unreadMsMax = unreadMsMax
    this.#onLeft = onLeft
  }

  /** Whether another answer may be given; if not, the connection ends. */
  mayAnswer(): boolean {
    if (this.#unsentBytes > UNSENT_BYTES_MAX) this.drop()
    return !this.#socket.destroyed
  }

  /** An answer has been given, of which Node keeps so many bytes: none if the kernel has all. */
  answered(exchange: Open, unsentBytes: number): void {
    exchange.isAnswered = true
    exchange.unsentBytes = unsentBytes
    this.#unsentBytes += unsentBytes
    if (unsentBytes > 0) this.#unsent.hold(exchange, unsentBytes)
    this.#watch()
  }

  left(exchange: Open): void {
    if (!this.open.delete(exchange)) return
    this.#onLeft()
    this.#unsent.release(exchange)
    this.#unsentBytes -= exchange.unsentBytes
    this.#watch()
  }

  /**
   * Limits how long the client may take nothing, as long as an answer is there whose turn it is:
   * Node would wait for ever. While the request at the head of the line is worked on, nothing is
   * the client's fault.
   */
  #watch(): void {
    const [first] = this.open
    this.#socket.setTimeout(first?.isAnswered ? this.#unreadMsMax : 0)
  }

  drop(): void {
    this.#socket.destroy()
  }

  /** Node does not tell the answers that wait for others. */
  onClose(): void {
    for (const exchange of this.open) exchange.onClose()
  }
}

/** What the parser refuses, by Node's error code; everything else is 400. */
const PARSER_ANSWERS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/**
 * `isAnswerDue`: to a request before. Whatever is written then would be read as its answer, so that
 * only closing is left.
 */
export const answerParserError = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  isAnswerDue: boolean,
): void => {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswerDue) {
    socket.destroy()
    return
  }
  const status = PARSER_ANSWERS[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
