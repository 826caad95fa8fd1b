/** One answer that is ready and waits for its record. */

import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import type { AnswerBody, AnswerIds } from './exchange.ts'
import type { Pending } from './pending.ts'
import { isOwnBuffer } from './protocols/answer-buffer.ts'

/** Memory of one answer that is kept for the next one: as much as most answers have. */
const KEPT_BYTES_MAX = 4 * 1024
const KEPT_BYTES_FIRST = 512

/**
 * Objects are used again, and so is the memory of usual bodies; a view on it is made for each.
 * Numbers that are no integers begin as such, lest the shape of the objects change when they come.
 */
export class HeldAnswer implements AnswerIds {
  /** null: it is no answer of a model, and `onReleased` is called instead. */
  pending: Pending | null = null
  onReleased: ((isDurable: boolean) => void) | null = null
  body: AnswerBody = ''
  idPrefix = ''
  sequence = 0
  echoedId: string | null = null
  /** `server-timing` so far; '' unless it is explained. */
  timing = ''
  /** Monotonic milliseconds at which its writing began, and at which it was held. */
  writingMs = 0.5
  heldMs = 0.5
  /** Of a traced request alone: copies. */
  place: Place | null = null
  times: RunTimes | null = null
  /** Where its record ends in the ring, as `writtenEnd`. */
  end = 0
  /** Of its body. */
  bytes = 0
  #bytes = new Uint8Array(0)

  /** Takes what there is to know of an answer; `body` is copied. */
  fill(pending: Pending, ids: AnswerIds, body: AnswerBody, writingMs: number): void {
    this.pending = pending
    this.idPrefix = ids.idPrefix
    this.sequence = ids.sequence
    this.echoedId = ids.echoedId
    this.writingMs = writingMs
    this.#keep(body)
    pending.exchange.waiting = null // there is no queue that it could leave
  }

  /** Of a traced request, once it is filled. */
  keepTimes(place: Place, times: RunTimes): void {
    this.place = { ...place, inputs: null }
    this.times = { ...times }
  }

  #keep(body: AnswerBody): void {
    if (typeof body === 'string') this.body = body
    else if (body instanceof Uint8Array) this.body = this.#copy(body)
    else this.body = { jsonBytes: body.jsonBytes, bytes: this.#copy(body.bytes) }
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (isOwnBuffer(length)) return bytes
    if (length > KEPT_BYTES_MAX) return bytes.slice()
    if (length > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(KEPT_BYTES_FIRST, 2 ** Math.ceil(Math.log2(length))))
    }
    this.#bytes.set(bytes)
    return this.#bytes.subarray(0, length)
  }

  /** Lets go of what belongs to this answer. */
  clear(): void {
    this.pending = null
    this.onReleased = null
    this.body = ''
    this.echoedId = null
    this.timing = ''
    this.place = null
    this.times = null
  }
}
