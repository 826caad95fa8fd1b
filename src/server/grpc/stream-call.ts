/** A call whose answers are several messages: they wait for their reader, and it for them. */

import { systemClock } from '../../shared/clock.ts'
import { GrpcCall } from './grpc-call.ts'
import { GOING, OK, type WireStatus } from './wire-status.ts'

/** Messages of one stream that are worked on at a time. */
const UNDER_WAY_MAX = 64
/** A client that leaves so much unread is not read either. */
const UNSENT_BYTES_MAX = 1024 * 1024

export abstract class StreamCall extends GrpcCall {
  #underWay = 0
  #unsentBytes = 0
  /** What the call ends with as soon as nothing is under way; null: it goes on. */
  #last: WireStatus | null = null
  #isWaiting = false

  onBegin(): void {
    this.endWhenBrokenOff()
  }

  readonly mayEndHere: boolean = true

  get mayRead(): boolean {
    if (this.#last !== null || this.isReceived) return false
    return this.#underWay < UNDER_WAY_MAX && this.#unsentBytes <= UNSENT_BYTES_MAX
  }

  onMessage(content: Uint8Array, contentEncoding: string, startedMs: number): void {
    this.engine.received(this)
    this.#underWay++
    this.engine.underWay++
    this.onRequestMessage(content, contentEncoding, startedMs)
  }

  /** A message that has begun must come in time, as a request of one message must. */
  protected override readOn(nowMs?: number): void {
    super.readOn(nowMs)
    if (!this.isReceived && this.mayRead && this.hasMore) this.engine.awaits(this)
  }

  /** One message, which `answered` is called once for. */
  abstract onRequestMessage(content: Uint8Array, contentEncoding: string, startedMs: number): void

  protected answered(): void {
    if (this.isEnded) return
    this.#underWay--
    this.engine.underWay--
    this.#goOn()
  }

  #goOn(): void {
    if (this.#last === null) this.#readOn()
    else if (this.#underWay === 0 && !this.isReceived) this.end(this.#last)
  }

  /** Sends one message of the answer. */
  protected write(message: Uint8Array): void {
    if (this.isEnded || this.isReceived) return
    const { length } = message
    this.#unsentBytes += length
    this.engine.unsent.hold(this, this.#unsentBytes)
    this.send(message, () => this.#taken(length))
  }

  #taken(bytes: number): void {
    if (this.isEnded) return
    this.#unsentBytes -= bytes
    this.engine.unsent.release(this)
    if (this.#unsentBytes > 0) this.engine.unsent.hold(this, this.#unsentBytes)
    this.#readOn()
  }

  /** Not within the loop that reads. */
  #readOn(): void {
    if (this.#isWaiting || !this.mayRead) return
    this.#isWaiting = true
    setImmediate(() => {
      this.#isWaiting = false
      if (!this.isReceived) this.readOn(systemClock.monotonic())
    })
  }

  /** What is under way is answered first. */
  onComplete(): void {
    this.#last ??= OK
    this.#goOn()
  }

  /** The gateway ends: what is under way is answered, and no more is read. */
  drain(): void {
    this.#last ??= GOING
    this.#goOn()
  }

  onEnd(): void {
    this.engine.underWay -= this.#underWay
    this.#underWay = 0
  }
}
