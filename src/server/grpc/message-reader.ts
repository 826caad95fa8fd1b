/**
 * Takes messages out of the pieces that arrive of a call (gRPC over HTTP/2: a flag, four bytes of
 * length, the message). Nearly always a piece is one message; one that comes in several is
 * collected within the limit of one body and the budget of all, like a body over HTTP.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { BodyBuffer, type BodyLimits, bodyTooLarge } from '../body-buffer.ts'

/** A flag, and the length of the message. */
export const PREFIX_BYTES = 5

const EMPTY = Buffer.alloc(0)

/** The first byte of a message says whether it is compressed, and nothing else. */
const COMPRESSED = 1
const NO_FLAG = refuse('REQUEST_MALFORMED', 'A message of gRPC begins with a byte of 0 or 1')

export class MessageReader {
  readonly #limits: BodyLimits
  #piece: Buffer = EMPTY
  #at = 0
  /** Of a prefix that has come in parts. */
  readonly #prefix: number[] = []
  /** Of a message that has come in parts; null: none has begun. */
  #body: BodyBuffer | null = null
  #missingBytes = 0
  /** The message that `next` has found, valid until it is called again, or `release`. */
  content: Uint8Array = EMPTY
  isCompressed = false
  /** Why there will be no more messages. */
  refusal: Refusal | null = null

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  /** All that has come has been read, and no message has begun. */
  get isEmpty(): boolean {
    const isRead = this.#at === this.#piece.length && this.#prefix.length === 0
    return isRead && this.#missingBytes === 0
  }

  push(piece: Buffer): void {
    const rest = this.#piece.subarray(this.#at)
    this.#piece = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    this.#at = 0
  }

  /** Whether there is one more message. */
  next(): boolean {
    if (this.refusal !== null) return false
    if (this.#missingBytes === 0) {
      this.release()
      if (this.#takeWhole()) return true
      if (this.refusal !== null || !this.#takePrefix()) return false
    }
    return this.#takeRest()
  }

  /** A message that is in the piece from its prefix to its end. */
  #takeWhole(): boolean {
    const at = this.#at
    const piece = this.#piece
    if (this.#prefix.length > 0 || piece.length - at < PREFIX_BYTES) return false
    const length = piece.readUInt32BE(at + 1)
    if (!this.#admit(piece[at]!, length)) return false
    const end = at + PREFIX_BYTES + length
    if (end > piece.length) return false
    this.isCompressed = piece[at] === COMPRESSED
    this.content = piece.subarray(at + PREFIX_BYTES, end)
    this.#at = end
    return true
  }

  #admit(flag: number, length: number): boolean {
    if (flag > COMPRESSED) this.refusal = NO_FLAG
    else if (length > this.#limits.bodyBytesMax) {
      this.refusal = bodyTooLarge(this.#limits.bodyBytesMax)
    }
    return this.refusal === null
  }

  #takePrefix(): boolean {
    const prefix = this.#prefix
    while (prefix.length < PREFIX_BYTES) {
      if (this.#at === this.#piece.length) return false
      prefix.push(this.#piece[this.#at++]!)
    }
    const length = Buffer.from(prefix).readUInt32BE(1)
    if (!this.#admit(prefix[0]!, length)) return false
    this.isCompressed = prefix[0] === COMPRESSED
    prefix.length = 0
    this.#missingBytes = length
    this.#body = new BodyBuffer(this.#limits, length)
    return true
  }

  #takeRest(): boolean {
    const body = this.#body!
    const taken = this.#piece.subarray(this.#at, this.#at + this.#missingBytes)
    if (taken.length > 0) body.append(taken)
    this.#at += taken.length
    this.#missingBytes -= taken.length
    this.refusal = body.refusal
    if (this.refusal !== null || this.#missingBytes > 0) return false
    this.content = body.view()
    return true
  }

  /** Gives back what is held. Must be called when the call ends. */
  release(): void {
    this.#body?.release()
    this.#body = null
    this.content = EMPTY
  }
}
