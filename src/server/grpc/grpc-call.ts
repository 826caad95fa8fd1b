/**
 * One call on the wire: what arrives of it, within limits, and that it ends. grpc-js hands each
 * call to an interceptor and drives what that gives it by `start` alone; the handlers that it would
 * run itself, with a stream and a second set of metadata for each, are never reached (3 us of 34).
 */

import { constants } from 'node:http2'
import type { Metadata } from '@grpc/grpc-js'
import { systemClock, turnMonotonic } from '../../shared/clock.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import type { UnsentAnswers } from '../unsent-answers.ts'
import { type BaseCall, contentOf, headerOf, isCompressed } from './base-call.ts'
import type { GrpcEngineOptions } from './grpc-options.ts'
import { MessageIntake } from './message-intake.ts'
import { LATE, OK, type WireStatus } from './wire-status.ts'

/** What calls need of their engine, and tell it. */
export interface CallEngine {
  readonly options: GrpcEngineOptions
  readonly unsent: UnsentAnswers
  /** Requests without an answer that has left. */
  underWay: number
  /** Calls that have not ended. */
  readonly calls: number
  /** The request of a call must come in time. */
  awaits(call: GrpcCall): void
  /** It has come, and the call goes on. */
  received(call: GrpcCall): void
  onBegan(call: GrpcCall): void
  onEnded(call: GrpcCall): void
}

const TOO_MANY = refuse('QUEUE_FULL', 'Too many calls are open')

const CUT = refuse('REQUEST_MALFORMED', 'The call ends within a message')
const WITHOUT_ENCODING = refuse(
  'REQUEST_MALFORMED',
  'The message says that it is compressed, and the call does not say how: grpc-encoding is missing',
)

/** grpc-js copies by a method of Buffer. */
const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export abstract class GrpcCall {
  readonly engine: CallEngine
  readonly #base: BaseCall
  readonly #encoding: string
  readonly #intake: MessageIntake
  #isHalfClosed = false
  /** Set before anything else is called. */
  metadata!: Metadata
  beganMs = 0
  /** Neither the client nor we have anything more to say. */
  isEnded = false
  /** All of the request has come, or enough to refuse it. */
  isReceived = false

  constructor(engine: CallEngine, base: BaseCall) {
    this.engine = engine
    this.#base = base
    this.#encoding = base.incomingEncoding === 'identity' ? '' : base.incomingEncoding
    this.#intake = new MessageIntake(engine.options)
  }

  /** Called by grpc-js in place of its handler's call, whose listener is of no use here. */
  start(): void {
    this.#base.start(this)
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.metadata = metadata
    this.#base.stream.prependListener('data', (piece: Buffer) => this.#onPiece(piece))
    this.beganMs = turnMonotonic()
    this.engine.onBegan(this)
    this.onBegin()
    const denial = this.#denial()
    if (denial !== null) this.refuseWhole(denial)
    else this.read()
  }

  /** What can be said before anything of the request is read. */
  #denial(): Refusal | null {
    const { gate, callsMax } = this.engine.options
    if (this.engine.calls > callsMax) return TOO_MANY
    if (!gate.isClosed || this.isOpen) return null
    return gate.identify(this.header('authorization'), this.header('x-api-key'))
  }

  /** Before grpc-js has looked at it. */
  #onPiece(piece: Buffer): void {
    if (this.isEnded || this.isReceived) return
    const refusal = this.#intake.take(piece)
    if (refusal !== null) this.refuseWhole(refusal)
  }

  onReceiveMessage(framed: Buffer): void {
    if (this.isEnded || this.isReceived) return
    if (!isCompressed(framed)) this.onMessage(contentOf(framed), '', turnMonotonic())
    else if (this.#encoding === '') this.refuseWhole(WITHOUT_ENCODING)
    else this.onMessage(contentOf(framed), this.#encoding, turnMonotonic())
  }

  onReceiveHalfClose(): void {
    this.#isHalfClosed = true
    // Node ends what can be read, too, when the client goes; `onCancel` is next.
    if (this.#base.stream.aborted) return
    if (this.isEnded || this.isReceived) return
    if (this.#intake.isBetween) this.onComplete()
    else this.refuseWhole(CUT)
  }

  /** The call has ended: its answer has left, or its client has gone, or its time is over. */
  onCancel(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#intake.release()
    this.engine.unsent.release(this)
    // A client that still sends is told that nobody reads it any more, and not before the trailers
    // of this turn have left: they would be dropped.
    if (!this.#isHalfClosed) setImmediate(() => this.#stopReading())
    this.engine.onEnded(this)
    this.onEnd()
  }

  #stopReading(): void {
    this.#base.stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** The request has not come in time. */
  endLate(): void {
    this.end(LATE)
  }

  /** Reads on: one message, or the end. */
  read(): void {
    this.#base.startRead()
  }

  /** See `headerOf`. */
  header(name: string): string {
    return headerOf(this.metadata, name)
  }

  /** Milliseconds that `grpc-timeout` leaves; Infinity without. */
  get leftMs(): number {
    const deadline = this.#base.getDeadline()
    return deadline === Infinity ? Infinity : Math.max(0, Number(deadline) - systemClock.now())
  }

  get remoteAddress(): string {
    return this.#base.getConnectionInfo().remoteAddress ?? ''
  }

  sendMetadata(metadata: Metadata): void {
    this.#base.sendMetadata(metadata)
  }

  /** Copied before this returns. `onTaken`: the kernel, or the window of the client, has it. */
  send(message: Uint8Array, onTaken: () => void): void {
    this.#base.sendMessage(bufferOf(message), onTaken)
  }

  /** Ends the call. */
  end(status: WireStatus = OK): void {
    this.isReceived = true
    this.#base.sendStatus(status)
  }

  /** Ends the connection: its client does not read. */
  drop(): void {
    this.#base.stream.session?.destroy()
  }

  /** Anybody may ask, without a key. */
  abstract readonly isOpen: boolean
  /** The metadata are there. */
  abstract onBegin(): void
  abstract onMessage(content: Buffer, contentEncoding: string, startedMs: number): void
  /** The client has nothing more to say. */
  abstract onComplete(): void
  /** A refusal of the whole call, for what arrived or did not. */
  abstract refuseWhole(refusal: Refusal): void
  abstract onEnd(): void
}
