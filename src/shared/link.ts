/**
 * One connection between control and a replica: messages in frames, calls in both directions.
 *
 * ```
 * frame: length of the message, uint32 little-endian | message
 * ```
 *
 * What a message is, the codec decides. A peer that breaks the framing, sends what does not decode
 * or does not read what it is sent loses the connection; nothing is guessed or skipped.
 */

import type { Socket } from 'node:net'
import { type Clock, systemClock } from './clock.ts'

/** A message: its own number if it wants an answer, the number that it answers, or 0. */
export interface Message<Body> {
  readonly call: bigint
  readonly answers: bigint
  readonly body: Body
}

export interface Codec<Body> {
  encode(call: bigint, answers: bigint, body: Body): Uint8Array
  /** Throws when the bytes are no message. */
  decode(bytes: Uint8Array): Message<Body>
}

export interface LinkHandlers<Body> {
  /** A message that is no answer. `answer` may be called once, at any later time. */
  onMessage(body: Body, answer: (body: Body) => void): void
  /** Called once, when nothing more will come. `reason` is null when either side closed it well. */
  onClose(reason: Error | null): void
}

export interface LinkOptions {
  /** Largest message either way; also how much may wait for a peer that does not read. */
  readonly frameBytesMax?: number
  readonly clock?: Clock
}

interface WaitingCall<Body> {
  resolve(body: Body): void
  reject(error: Error): void
  cancelTimer(): void
}

const HEADER_BYTES = 4
/** Plans and statistics of many versions are the largest messages. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024

/** Cuts a stream of bytes into messages, wherever its chunks begin and end. */
export class FrameReader {
  readonly #frameBytesMax: number
  #chunks: Uint8Array[] = []
  #bytes = 0
  /** Length of the message that is under way; -1 while its header is. */
  #wanted = -1

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /**
   * Adds a chunk and yields the messages that it completes.
   *
   * @throws RangeError when a length is 0 or over the limit; the stream is then beyond repair
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      if (this.#wanted < 0) {
        if (this.#bytes < HEADER_BYTES) return
        this.#wanted = this.#readLength()
      }
      if (this.#bytes < this.#wanted) return
      const message = this.#take(this.#wanted)
      this.#wanted = -1
      yield message
    }
  }

  #readLength(): number {
    const header = this.#take(HEADER_BYTES)
    const length = new DataView(header.buffer, header.byteOffset).getUint32(0, true)
    if (length === 0 || length > this.#frameBytesMax) {
      throw new RangeError(`A frame of ${length} bytes; 1 to ${this.#frameBytesMax} are taken`)
    }
    return length
  }

  /** Takes `count` buffered bytes. Joins chunks only when a message spans them. */
  #take(count: number): Uint8Array {
    const first = this.#chunks[0]
    const isInOne = first !== undefined && first.length >= count
    const joined = isInOne ? first : Buffer.concat(this.#chunks, this.#bytes)
    const rest = joined.subarray(count)
    this.#chunks.splice(0, isInOne ? 1 : this.#chunks.length)
    if (rest.length > 0) this.#chunks.unshift(rest)
    this.#bytes -= count
    return joined.subarray(0, count)
  }
}

export class Link<Body> {
  readonly #socket: Socket
  readonly #codec: Codec<Body>
  readonly #handlers: LinkHandlers<Body>
  readonly #frameBytesMax: number
  readonly #clock: Clock
  readonly #reader: FrameReader
  readonly #waiting = new Map<bigint, WaitingCall<Body>>()
  #lastCall = 0n
  #isClosed = false
  #reason: Error | null = null

  /** Takes over a connected socket: nobody else may read it, write to it or handle its errors. */
  constructor(
    socket: Socket,
    codec: Codec<Body>,
    handlers: LinkHandlers<Body>,
    { frameBytesMax = FRAME_BYTES_MAX, clock = systemClock }: LinkOptions = {},
  ) {
    this.#socket = socket
    this.#codec = codec
    this.#handlers = handlers
    this.#frameBytesMax = frameBytesMax
    this.#clock = clock
    this.#reader = new FrameReader(frameBytesMax)
    socket.on('data', (chunk) => this.#onBytes(chunk))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => {
      this.#end(null)
      handlers.onClose(this.#reason)
    })
  }

  /**
   * Asks and waits for the answer.
   *
   * @throws (rejects) when `timeoutMs` passes first, the link closes, or the message is too large
   */
  call(body: Body, timeoutMs: number): Promise<Body> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new Error('The link is closed')
      const call = ++this.#lastCall
      this.#send(call, 0n, body)
      if (this.#isClosed) throw this.#reason ?? new Error('The link is closed')
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        this.#waiting.delete(call)
        reject(new Error(`No answer within ${timeoutMs} ms`))
      })
      this.#waiting.set(call, { resolve, reject, cancelTimer })
    })
  }

  /** Sends without wanting an answer. Does nothing once the link is closed. */
  tell(body: Body): void {
    this.#send(0n, 0n, body)
  }

  /** Bytes that wait for a peer which does not read. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Sends what was told, then closes. Calls that wait are rejected at once. */
  close(): void {
    this.#end(null)
    this.#socket.destroySoon()
  }

  #send(call: bigint, answers: bigint, body: Body): void {
    if (this.#isClosed) return
    const message = this.#codec.encode(call, answers, body)
    if (message.length > this.#frameBytesMax) {
      throw new RangeError(`A message of ${message.length} bytes; at most ${this.#frameBytesMax}`)
    }
    if (this.#socket.writableLength > this.#frameBytesMax) {
      this.#fail(new Error('The peer does not read'))
      return
    }
    const header = new Uint8Array(HEADER_BYTES)
    new DataView(header.buffer).setUint32(0, message.length, true)
    this.#socket.cork()
    this.#socket.write(header)
    this.#socket.write(message)
    this.#socket.uncork()
  }

  #onBytes(chunk: Uint8Array): void {
    try {
      for (const bytes of this.#reader.push(chunk)) {
        if (this.#isClosed) return
        this.#onMessage(this.#codec.decode(bytes))
      }
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  #onMessage({ call, answers, body }: Message<Body>): void {
    if (answers !== 0n) {
      // An answer that nobody waits for came after its timeout.
      this.#settle(answers)?.resolve(body)
      return
    }
    let isAnswered = call === 0n
    this.#handlers.onMessage(body, (answer) => {
      if (isAnswered) return
      isAnswered = true
      this.#send(0n, call, answer)
    })
  }

  #settle(call: bigint): WaitingCall<Body> | undefined {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    waiting?.cancelTimer()
    return waiting
  }

  #fail(error: Error): void {
    this.#end(error)
    this.#socket.destroy()
  }

  #end(reason: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#reason = reason
    for (const call of [...this.#waiting.keys()]) {
      this.#settle(call)?.reject(reason ?? new Error('The link was closed'))
    }
  }
}
