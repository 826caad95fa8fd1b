/** Calls whose request has not come whole: one that begins and does not go on is not waited for. */

import type { GrpcCall } from './grpc-call.ts'

/** For a whole message, as over node:http for a request. */
const MESSAGE_MS_MAX = 60_000

type Receiving = Pick<GrpcCall, 'isReceived' | 'isEnded' | 'awaitedMs' | 'endLate'>

export class ReceivingCalls {
  /** Of this turn of the event loop, in which most of them are received. */
  #fresh: Receiving[] = []
  /** In the order in which they began. */
  readonly #waiting = new Set<Receiving>()

  get size(): number {
    return this.#waiting.size
  }

  /** Nothing new for a call that is waited for. */
  add(call: Receiving, nowMs: number): void {
    if (call.awaitedMs !== null) return
    call.awaitedMs = nowMs
    if (this.#fresh.push(call) === 1) setImmediate(this.#sift)
  }

  readonly #sift = (): void => {
    for (const call of this.#fresh) {
      if (call.awaitedMs !== null && !call.isReceived && !call.isEnded) this.#waiting.add(call)
    }
    this.#fresh = []
  }

  remove(call: Receiving): void {
    call.awaitedMs = null
    if (this.#waiting.size > 0) this.#waiting.delete(call)
  }

  /** Ends those that have had their time. */
  endLate(nowMs: number): void {
    for (const call of this.#waiting) {
      if (nowMs - (call.awaitedMs ?? nowMs) < MESSAGE_MS_MAX) return
      this.remove(call)
      if (!call.isReceived) call.endLate()
    }
  }
}
