/**
 * The request path (design §4) of one data thread, on one screen:
 *
 * 1 head -> 2 body (both in the HTTP engine) -> 3 route -> 4 queue admission -> 5 batch and run
 * -> 6 encode, record -> 7 release -> 8 account
 *
 * `onRequest` covers 3 and 4 and is called by the engine with a complete body; the batcher calls
 * `onDone` or `onFailed`, which cover 6 to 8. Nothing here awaits: a request is on this thread from
 * its first byte to its last.
 */

import { bucketOf } from '../routing/bucket-table.ts'
import type { BatcherHandlers, Place, RunTimes } from '../runtime/batch-runs.ts'
import type { DecodeTarget } from '../runtime/row-queue.ts'
import { type Refusal, refuse } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import { ROUTE } from '../shared/trace-ring.ts'
import { admitKey, isDenied } from './access.ts'
import type { Account } from './account.ts'
import { admitHeaderLength } from './admission.ts'
import type { BodyLimits } from './body-buffer.ts'
import { admitEncoding, withPlainBody } from './content-encoding.ts'
import type { Epochs } from './epochs.ts'
import type { Exchange } from './exchange.ts'
import type { LiveEpoch, LiveVariant } from './live-epoch.ts'
import { OtherRequests, type OtherSurroundings } from './other-requests.ts'
import { Pending } from './pending.ts'
import { admitAnswer } from './protocols/answer-size.ts'
import type { VariantPlan } from './protocols/variant-plan.ts'
import { mayMove, type TimeoutLimits, takeAskedTerms, takeTerms } from './queue-terms.ts'
import { ofNoEndpoint, type Replies } from './replies.ts'
import { formatFor, type InferRoute } from './routes.ts'
import type { RequestTrace } from './traces.ts'
import { OIP } from './wire-formats.ts'

/**
 * A body up to here is decoded in less than 4 us (4 to 8 ns a byte), the finest slot of latencies:
 * a reading of the clock is saved, and that time counts as waiting.
 */
const QUICK_BYTES_MAX = 512

export interface InferSurroundings extends OtherSurroundings {
  readonly epochs: Epochs
  readonly timeouts: TimeoutLimits
  monotonic(): number
}

export class Infer {
  readonly #epochs: Epochs
  readonly #replies: Replies
  readonly #account: Account
  readonly #timeouts: TimeoutLimits
  readonly #bodies: BodyLimits
  readonly #monotonic: () => number
  readonly #others: OtherRequests
  readonly #target: DecodeTarget = { columns: [], row: 0, room: 0 }
  /** The body under way is one that may take long to decode. */
  #isSlow = false

  constructor(surroundings: InferSurroundings) {
    this.#epochs = surroundings.epochs
    this.#replies = surroundings.replies
    this.#account = surroundings.account
    this.#timeouts = surroundings.timeouts
    this.#bodies = surroundings.bodies
    this.#monotonic = surroundings.monotonic
    this.#others = new OtherRequests(surroundings)
  }

  /** Entry of every request. `body` is valid during the call only. Total: it throws nothing. */
  readonly onRequest = (exchange: Exchange, body: Uint8Array, refusal: Refusal | null): void => {
    try {
      const { epoch, routes } = this.#epochs.current()
      const route = exchange.method === 'POST' ? routes.find(exchange.path) : undefined
      if (route === undefined || isDenied(refusal))
        this.#others.answer(epoch, exchange, body, refusal)
      else this.#infer(epoch, route, exchange, body, refusal)
    } catch (thrown) {
      this.#replies.crashed(ofNoEndpoint(exchange, formatFor(exchange)), thrown)
    }
  }

  /** A client that went before its request was complete. */
  readonly onAborted = (): void => this.#replies.forsaken()

  #infer(
    epoch: LiveEpoch,
    route: InferRoute,
    exchange: Exchange,
    body: Uint8Array,
    engineRefusal: Refusal | null,
  ): void {
    const { endpoint } = route
    const format = exchange.format ?? route.format
    const pending = new Pending(exchange, epoch, endpoint, format)
    try {
      pending.sequence = this.#replies.takeSequence()
      if (exchange.trace !== null) this.#trace(exchange.trace, epoch, route)
      const refusal =
        engineRefusal ??
        admitKey(exchange.grant, endpoint.name) ??
        admitEncoding(exchange.contentEncoding) ??
        this.#admit(pending, route, body)
      if (refusal !== null) this.#replies.refused(pending, refusal)
    } catch (thrown) {
      this.#replies.crashed(pending, thrown)
    }
  }

  #trace(trace: RequestTrace, epoch: LiveEpoch, { pinned, endpoint }: InferRoute): void {
    trace.startedMs = this.#monotonic()
    trace.epoch = epoch.number
    const unpinned = endpoint.only === null ? ROUTE.SPLIT : ROUTE.ONLY
    trace.route = pinned === null ? unpinned : ROUTE.PINNED
  }

  /**
   * Decodes into the version's batch and joins its queue, or says why not. Where not even one row
   * has room, without a look at the body: that refusal must stay cheap under load.
   */
  #admit(pending: Pending, route: InferRoute, body: Uint8Array): Refusal | null {
    const { exchange } = pending
    const variant = route.pinned ?? route.endpoint.only ?? this.#split(pending, route)
    pending.variant = variant
    pending.counterBase = variant.counterBase
    const { queue, policies } = variant.version
    const early =
      this.#replies.refusalOf(variant) ??
      takeTerms(pending, policies, this.#timeouts) ??
      (mayMove(pending, policies) ? null : queue.refusal(pending, 1, exchange.startedMs)) ??
      this.#read(pending, variant, body) ??
      admitSize(pending, variant.plan) ??
      this.#replies.promise(pending, variant)
    if (early !== null) return early
    const isTimed = exchange.isExplained || exchange.trace !== null
    const isQuick = !this.#isSlow && body.length <= QUICK_BYTES_MAX && !isTimed
    const nowMs = isQuick ? exchange.startedMs : this.#monotonic()
    if (policies !== null) takeAskedTerms(pending, policies)
    const { rows, tensors } = pending
    const isKnown = isQuick && rows === 1 && policies === null
    const refusal = isKnown ? null : queue.refusal(pending, rows, nowMs)
    if (refusal !== null) return refusal
    pending.admittedMs = nowMs
    pending.tensors = null
    if (tensors === null) queue.admitInPlace(pending, rows, nowMs)
    else queue.admitTensors(pending, tensors, rows, nowMs)
    exchange.waiting = pending
    pending.epoch.inFlight++
    this.#account.admitted()
    return null
  }

  /** From the body as it came to rows. To the watchdog inflating and decoding are each new. */
  #read(pending: Pending, variant: LiveVariant, body: Uint8Array): Refusal | null {
    const { contentEncoding } = pending.exchange
    this.#isSlow = false
    try {
      if (contentEncoding === '') return this.#decode(pending, variant, body)
      return this.#inflate(pending, variant, body)
    } finally {
      if (this.#isSlow) this.#account.idle()
    }
  }

  /** By itself: where a closure stands, every call pays for it (40 bytes and up to 15 ns). */
  #inflate(pending: Pending, variant: LiveVariant, body: Uint8Array): Refusal | null {
    this.#onSlow()
    pending.sentBytes = body.length
    return withPlainBody(body, pending.exchange.contentEncoding, this.#bodies, (plain) =>
      this.#decode(pending, variant, plain),
    )
  }

  #decode(pending: Pending, { plan, version }: LiveVariant, body: Uint8Array): Refusal | null {
    if (pending.format === OIP) {
      const jsonBytes = admitHeaderLength(pending.exchange.inferenceHeaderLength, body.length)
      if (typeof jsonBytes === 'object') return jsonBytes
      pending.jsonBytes = jsonBytes
    }
    pending.bodyBytes = body.length
    version.queue.openTarget(this.#target)
    return pending.format.decodeRequest(body, plan, this.#target, pending, this.#onSlow)
  }

  readonly #onSlow = (): void => {
    this.#isSlow = true
    this.#account.decoding()
  }

  /**
   * Stage 3 where traffic is split: one load from the bucket table. The key is known from the head
   * alone, so that decoding goes straight into the buffer of the version.
   */
  #split(pending: Pending, { endpoint }: InferRoute): LiveVariant {
    const { requestId } = pending.exchange
    const key = requestId === '' ? this.#replies.predictionId(pending.sequence) : requestId
    const bucket = bucketOf(endpoint.salt, key)
    pending.bucket = bucket
    return endpoint.variants[endpoint.buckets[bucket]!]!
  }

  /** What the batcher of a version calls back; `versionNumber` is named by the watchdog. */
  handlersFor(versionNumber: number): BatcherHandlers<Pending> {
    return {
      onQueueRows: (delta) => this.#account.queueRows(delta),
      onRunStart: () => this.#account.running(versionNumber),
      onRunEnd: () => this.#account.idle(),
      onQueued: ({ counterBase }) => this.#account.pending(counterBase, 1),
      onUnqueued: ({ counterBase }) => this.#account.pending(counterBase, -1),
      onServed: (first, rows, times) => this.#account.ranBatch(first.counterBase, rows, times),
      onDone: this.#onDone,
      onFailed: this.#onFailed,
      onFault: this.#onFault,
    }
  }

  readonly #onDone = (
    pending: Pending,
    results: readonly Tensor[],
    place: Place,
    times: RunTimes,
  ): void => {
    this.#replies.answered(pending, results, place, times)
    this.#leave(pending)
  }

  readonly #onFailed = (pending: Pending, refusal: Refusal, badRow: number, place: Place): void => {
    const isOneOf = pending.isBatch || pending.rows > 1
    const located = isOneOf && badRow >= 0 ? atRow(refusal, badRow) : refusal
    this.#replies.failed(pending, located, place)
    this.#leave(pending)
  }

  readonly #onFault = (pending: Pending, thrown: unknown): void => {
    this.#replies.crashed(pending, thrown)
    this.#replies.timeFailure(pending)
    this.#leave(pending)
  }

  #leave(pending: Pending): void {
    this.#account.left()
    this.#epochs.leave(pending.epoch)
  }
}

const admitSize = ({ rows, format, outputs }: Pending, plan: VariantPlan): Refusal | null => {
  const { answerSize } = plan
  if (rows <= answerSize.rowsMax) return null
  return admitAnswer(answerSize, rows, format.written(plan, outputs))
}

/** The row stands in the text as well: over the Open Inference Protocol there is nothing else. */
const atRow = ({ code, detail }: Refusal, row: number): Refusal =>
  refuse(code, `${detail} (row ${row})`, [{ pointer: `/instances/${row}`, detail }])
