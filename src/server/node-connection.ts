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
  unsentBytes: number
  onClose(): void
  drop(): void
}

export class NodeConnection {
  readonly open = new Set<Open>()
  readonly #socket: Socket
  readonly #unsent: UnsentAnswers
  readonly #onLeft: () => void
  #unsentBytes = 0

  /** `onLeft`: called for each exchange that is not open any more. */
  constructor(socket: Socket, unsent: UnsentAnswers, onLeft: () => void) {
    this.#socket = socket
    this.#unsent = unsent
    this.#onLeft = onLeft
  }

  /** Whether an answer of so many bytes may be given; if not, the connection ends. */
  mayHold(exchange: Open, bytes: number): boolean {
    if (this.#unsentBytes > UNSENT_BYTES_MAX) {
      this.drop()
      return false
    }
    exchange.unsentBytes = bytes
    this.#unsentBytes += bytes
    this.#unsent.hold(exchange, bytes)
    return !this.#socket.destroyed
  }

  left(exchange: Open): void {
    if (!this.open.delete(exchange)) return
    this.#onLeft()
    this.#unsent.release(exchange)
    this.#unsentBytes -= exchange.unsentBytes
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
