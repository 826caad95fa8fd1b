/**
 * What arrives of the messages of one call: how long the next one says that it is, and how many
 * bytes of it wait in memory for the rest, which are taken out of the budget of all bodies.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { bodyTooLarge } from '../body-buffer.ts'
import { PREFIX_BYTES } from './base-call.ts'

/** grpc-js keeps each piece as it came, with an object for it. */
const PIECE_BYTES = 128

/** The first byte of a message says whether it is compressed, and nothing else. */
const COMPRESSED = 1
const NO_FLAG = refuse('REQUEST_MALFORMED', 'A message of gRPC begins with a byte of 0 or 1')

export interface IntakeLimits {
  readonly bodyBytesMax: number
  takeBodyBytes(bytes: number): boolean
}

export class MessageIntake {
  readonly #limits: IntakeLimits
  /** Bytes of the prefix that have come, and the length that they say so far. */
  #prefixBytes = 0
  #length = 0
  /** Bytes of the message that have not come. */
  #missing = 0
  #heldBytes = 0

  constructor(limits: IntakeLimits) {
    this.#limits = limits
  }

  /** No message has begun that is not complete. */
  get isBetween(): boolean {
    return this.#prefixBytes === 0
  }

  /** Takes a piece; a refusal ends the call. */
  take(piece: Buffer): Refusal | null {
    // Nearly always the piece is the message.
    if (this.#prefixBytes === 0 && piece.length >= PREFIX_BYTES) {
      if (piece[0]! <= COMPRESSED && piece.readUInt32BE(1) === piece.length - PREFIX_BYTES) {
        return piece.length - PREFIX_BYTES > this.#limits.bodyBytesMax ? this.#tooLarge() : null
      }
    }
    return this.#walk(piece)
  }

  #walk(piece: Buffer): Refusal | null {
    let at = 0
    while (at < piece.length) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        if (this.#prefixBytes > 0) this.#length = this.#length * 256 + piece[at]!
        else if (piece[at]! > COMPRESSED) return NO_FLAG
        at++
        if (++this.#prefixBytes < PREFIX_BYTES) continue
        if (this.#length > this.#limits.bodyBytesMax) return this.#tooLarge()
        this.#missing = this.#length
      }
      const taken = Math.min(this.#missing, piece.length - at)
      at += taken
      this.#missing -= taken
      if (this.#missing === 0) this.#next()
    }
    return this.#prefixBytes === 0 ? null : this.#hold(piece.length + PIECE_BYTES)
  }

  #next(): void {
    this.#prefixBytes = 0
    this.#length = 0
    this.release()
  }

  #hold(bytes: number): Refusal | null {
    if (!this.#limits.takeBodyBytes(bytes)) {
      return refuse('BODY_BUDGET_EXHAUSTED', 'Too many bytes of request bodies in flight')
    }
    this.#heldBytes += bytes
    return null
  }

  #tooLarge(): Refusal {
    return bodyTooLarge(this.#limits.bodyBytesMax)
  }

  /** Gives back what is held. Must be called when the call ends. */
  release(): void {
    if (this.#heldBytes > 0) this.#limits.takeBodyBytes(-this.#heldBytes)
    this.#heldBytes = 0
  }
}
