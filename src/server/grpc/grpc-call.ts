/** One call on the wire: what arrives of it, within limits, what leaves, and that it ends. */

import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { systemClock, turnMonotonic } from '../../shared/clock.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import { isOwnBuffer } from '../protocols/answer-buffer.ts'
import type { UnsentAnswers } from '../unsent-answers.ts'
import type { Connection } from './connection.ts'
import type { GrpcEngineOptions } from './grpc-options.ts'
import { grantedMs } from './grpc-timeout.ts'
import { MessageReader } from './message-reader.ts'
import {
  ALONE,
  ANSWER_HEAD,
  framed,
  headersOf,
  prefixed,
  trailersOf,
  WITH_TRAILERS,
} from './wire-frames.ts'
import { OK, refusedStatus, type WireStatus } from './wire-status.ts'

/** What calls need of their engine, and tell it. */
export interface CallEngine {
  readonly options: GrpcEngineOptions
  readonly unsent: UnsentAnswers
  /** Requests without an answer that has left. */
  underWay: number
  /** Calls that have not ended. */
  readonly calls: number
  /** One more may watch: they need no key, and stay. */
  readonly mayWatch: boolean
  /** The request of a call must come in time. */
  awaits(call: GrpcCall): void
  /** It has come, and the call goes on. */
  received(call: GrpcCall): void
  onBegan(call: GrpcCall): void
  onEnded(call: GrpcCall): void
}

/** A call as it begins. */
export interface Opening {
  readonly connection: Connection
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
}

const TOO_MANY = refuse('QUEUE_FULL', 'Too many calls are open')

const WITHOUT_ENCODING = refuse(
  'REQUEST_MALFORMED',
  'The message says that it is compressed, and the call does not say how: grpc-encoding is missing',
)

const LATE = refuse('DEADLINE_EXPIRED', 'The request did not arrive in time')

const INTERNAL = refuse('INTERNAL', 'Internal error')

const IN_PART = refuse('REQUEST_MALFORMED', 'The last message of the call is cut short')

const ignored = (): void => {}

export abstract class GrpcCall {
  readonly engine: CallEngine
  readonly connection: Connection
  readonly #stream: ServerHttp2Stream
  readonly #headers: IncomingHttpHeaders
  readonly #reader: MessageReader
  #isHalfClosed = false
  #hasResponded = false
  /** Milliseconds that `grpc-timeout` grants; Infinity without. */
  grantedMs = Number.POSITIVE_INFINITY
  beganMs = 0
  /** Since when a message of it is waited for that has begun; null: none is. */
  awaitedMs: number | null = null
  /** Neither the client nor we have anything more to say. */
  isEnded = false
  /** Nothing of the request is read any more. */
  isReceived = false

  constructor(engine: CallEngine, { connection, stream, headers }: Opening) {
    this.engine = engine
    this.connection = connection
    this.#stream = stream
    this.#headers = headers
    this.#reader = new MessageReader(engine.options)
  }

  start(): void {
    const stream = this.#stream
    stream.on('error', ignored) // 'close' follows
    stream.on('close', () => this.#onClose())
    stream.on('data', (piece: Buffer) => this.#onPiece(piece))
    stream.on('end', () => this.#onHalfClose())
    this.beganMs = turnMonotonic()
    this.connection.onCallBegan()
    this.engine.onBegan(this)
    const granted = grantedMs(this.header('grpc-timeout'))
    if (typeof granted === 'number') this.grantedMs = granted
    this.onBegin()
    const refusal = this.#denial() ?? (typeof granted === 'number' ? null : granted)
    if (refusal !== null) this.refuseWhole(refusal)
  }

  /** What can be said before anything of the request is read. */
  #denial(): Refusal | null {
    const { gate, callsMax } = this.engine.options
    if (this.engine.calls > callsMax) return TOO_MANY
    if (!gate.isClosed || this.isOpen) return null
    return gate.identify(this.header('authorization'), this.header('x-api-key'))
  }

  #onPiece(piece: Buffer): void {
    if (this.isReceived) return
    this.#reader.push(piece)
    this.readOn()
  }

  /**
   * Reads the messages that are here, as long as they are wanted, and the next as they come.
   * `nowMs`: `turnMonotonic` where a socket has been read.
   */
  protected readOn(nowMs = turnMonotonic()): void {
    const reader = this.#reader
    while (this.mayRead && reader.next()) this.#onMessage(reader, nowMs)
    if (this.isReceived) return
    if (reader.refusal !== null) this.refuseWhole(reader.refusal)
    else if (!this.mayRead) this.#stream.pause()
    else if (this.#isHalfClosed) this.#onAllRead()
    else if (this.#stream.isPaused()) this.#stream.resume()
  }

  #onMessage({ content, isCompressed }: MessageReader, nowMs: number): void {
    const encoding = isCompressed ? this.header('grpc-encoding') : ''
    if (isCompressed && (encoding === '' || encoding === 'identity')) {
      this.refuseWhole(WITHOUT_ENCODING)
      return
    }
    try {
      this.onMessage(content, encoding, nowMs)
    } catch (thrown) {
      // Uncaught, it would end the thread.
      this.engine.options.onFault(thrown)
      this.end(refusedStatus(INTERNAL))
    }
  }

  /** Something has come that is not read yet. */
  protected get hasMore(): boolean {
    return !this.#reader.isEmpty
  }

  #onHalfClose(): void {
    this.#isHalfClosed = true
    // What is here and not wanted yet is read before: pausing holds back pieces, not their end.
    if (!this.isReceived && this.mayRead) this.#onAllRead()
  }

  #onAllRead(): void {
    if (this.mayEndHere && this.#reader.isEmpty) this.onComplete()
    // Node ends what can be read of a stream that is broken off as well, and says so afterwards.
    else setImmediate(() => this.#onCutShort())
  }

  #onCutShort(): void {
    if (this.isReceived || this.#stream.aborted) return
    if (this.#reader.isEmpty) this.onComplete()
    else this.refuseWhole(IN_PART)
  }

  #onClose(): void {
    this.isEnded = true
    this.isReceived = true
    this.#reader.release()
    this.engine.unsent.release(this)
    this.connection.onCallEnded()
    this.engine.onEnded(this)
    this.onEnd()
  }

  /** The request has not come in time. */
  endLate(): void {
    this.refuseWhole(LATE)
  }

  /** A header as sent, '' if absent; repeated ones are joined by commas. */
  header(name: string): string {
    const value = this.#headers[name]
    return typeof value === 'string' ? value : ''
  }

  get headerNames(): readonly string[] {
    return Object.keys(this.#headers)
  }

  /** Milliseconds of `grantedMs` that are left. */
  get leftMs(): number {
    return Math.max(0, this.grantedMs - (systemClock.monotonic() - this.beganMs))
  }

  /** The time is over that `grpc-timeout` granted, or nearly: some is kept for the answer. */
  get isLate(): boolean {
    return this.leftMs <= Math.min(this.grantedMs * 0.1, 5) + 1
  }

  get remoteAddress(): string {
    return this.#stream.session?.socket.remoteAddress ?? ''
  }

  get #isWritable(): boolean {
    return !this.isEnded && !this.#stream.destroyed && !this.#stream.closed
  }

  #respond(metadata: readonly string[]): void {
    if (this.#hasResponded) return
    this.#hasResponded = true
    this.#stream.respond(headersOf([...ANSWER_HEAD, ...metadata]), WITH_TRAILERS)
  }

  /** Answers with one message and ends. `metadata`: names and values in turn. */
  protected answerWith(metadata: readonly string[], message: Uint8Array): void {
    this.isReceived = true
    if (!this.#isWritable) return
    this.#respond(metadata)
    this.#stream.once('wantTrailers', () => this.#sendTrailers(OK))
    if (isOwnBuffer(message.length)) {
      this.#stream.write(prefixed(message, 0))
      this.#stream.end(message)
    } else this.#stream.end(framed(message))
  }

  /** Sends one message of several. `onTaken`: the kernel has it, or the call has ended. */
  protected send(message: Uint8Array, onTaken: () => void): void {
    if (!this.#isWritable) {
      onTaken()
      return
    }
    this.#respond([])
    this.#stream.write(framed(message), onTaken)
  }

  /** Ends the call. */
  end(status: WireStatus = OK): void {
    this.isReceived = true
    this.#reader.release()
    if (!this.#isWritable) return
    if (this.#hasResponded) {
      this.#stream.once('wantTrailers', () => this.#sendTrailers(status))
      this.#stream.end()
      return
    }
    this.#hasResponded = true
    const headers = headersOf([...ANSWER_HEAD, ...status.trailers])
    this.#stream.respond(headers, ALONE)
    this.#letGo()
  }

  #sendTrailers(status: WireStatus): void {
    if (!this.#isWritable) return
    this.#stream.sendTrailers(trailersOf(status))
    this.#letGo()
  }

  /** A client that still sends is told that nobody reads it any more. */
  #letGo(): void {
    if (this.#isHalfClosed) return
    this.#stream.resume()
    setImmediate(() => {
      if (!this.#isHalfClosed) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    })
  }

  /** A stream that is paused when its client breaks it off does not end by itself. */
  protected endWhenBrokenOff(): void {
    this.#stream.on('aborted', () => this.#stream.destroy())
  }

  /** Ends the connection: its client does not read. */
  drop(): void {
    this.#stream.session?.destroy()
  }

  /** Anybody may ask, without a key. */
  abstract readonly isOpen: boolean
  /** The client need not say anything more. */
  abstract readonly mayEndHere: boolean
  /** One more message is wanted. */
  abstract readonly mayRead: boolean
  /** Its headers are here. */
  abstract onBegin(): void
  /** `content`: valid during the call only. */
  abstract onMessage(content: Uint8Array, contentEncoding: string, startedMs: number): void
  /** The client has nothing more to say. */
  abstract onComplete(): void
  /** A refusal of the whole call, for what arrived or did not. */
  abstract refuseWhole(refusal: Refusal): void
  abstract onEnd(): void
}
