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
import type { BatcherHandlers, RunTimes } from '../runtime/batcher.ts'
import { type FieldFault, type Refusal, refuse } from '../shared/errors.ts'
import { isEchoable } from '../shared/ids.ts'
import type { Tensor, TensorData } from '../shared/tensor.ts'
import type { Account } from './account.ts'
import { admitBody, admitRows } from './admission.ts'
import type { Epochs } from './epochs.ts'
import type { Exchange } from './exchange.ts'
import type { LiveEpoch, LiveVariant } from './live-epoch.ts'
import { Pending } from './pending.ts'
import type { Decoded } from './protocols/protocol.ts'
import type { Replies } from './replies.ts'
import { type InferRoute, resolveRoute } from './routes.ts'

/** Rows of a decoded request; 1 where the version has no row dimension. */
const rowsOf = (decoded: Decoded, rowsMax: number): number =>
  decoded.tensors === null
    ? decoded.rowsInPlace
    : rowsMax === 0
      ? 1
      : (decoded.tensors[0]?.shape[0] ?? 1)

export interface InferSurroundings {
  readonly epochs: Epochs
  readonly replies: Replies
  readonly account: Account
  readonly queueRowsMax: number
  monotonic(): number
  isReady(): boolean
}

export class Infer {
  readonly #epochs: Epochs
  readonly #replies: Replies
  readonly #account: Account
  readonly #queueRowsMax: number
  readonly #monotonic: () => number
  readonly #isReady: () => boolean
  readonly #decoded: Decoded = {
    rowsInPlace: 0,
    tensors: null,
    isBatch: false,
    requestId: '',
    outputs: null,
  }
  readonly #target: { columns: readonly TensorData[]; row: number; room: number } = {
    columns: [],
    row: 0,
    room: 0,
  }
  /** Rows of the run whose members are being answered. */
  #runRows = 0

  constructor(surroundings: InferSurroundings) {
    this.#epochs = surroundings.epochs
    this.#replies = surroundings.replies
    this.#account = surroundings.account
    this.#queueRowsMax = surroundings.queueRowsMax
    this.#monotonic = surroundings.monotonic
    this.#isReady = surroundings.isReady
  }

  /** Entry of every request. `body` is valid during the call only. */
  readonly onRequest = (exchange: Exchange, body: Uint8Array, refusal: Refusal | null): void => {
    try {
      const { epoch, routes } = this.#epochs.current()
      const known = exchange.method === 'POST' ? routes.get(exchange.path) : undefined
      if (known !== undefined) this.#infer(epoch, known, exchange, body, refusal)
      else this.#other(epoch, exchange, refusal)
    } catch (thrown) {
      this.#replies.crashed(exchange, thrown)
    }
  }

  #other(epoch: LiveEpoch, exchange: Exchange, refusal: Refusal | null): void {
    const route = resolveRoute(epoch, exchange.method, exchange.path)
    if (route.kind === 'document' && refusal === null) {
      this.#replies.document(exchange, route.format, route.render(this.#isReady()))
      return
    }
    const reason = refusal ?? (route.kind === 'refused' ? route.refusal : null)
    if (reason !== null) this.#replies.refused(exchange, route.format, reason, null)
  }

  #infer(
    epoch: LiveEpoch,
    route: InferRoute,
    exchange: Exchange,
    body: Uint8Array,
    engineRefusal: Refusal | null,
  ): void {
    const { endpoint, format } = route
    const refusal = engineRefusal ?? admitBody(exchange)
    if (refusal !== null) {
      this.#replies.refused(exchange, format, refusal, { base: endpoint.refusedBase })
      return
    }
    const variant = route.pinned ?? this.#route(route, exchange)
    const { batcher } = variant.version
    const decoded = this.#decoded
    decoded.rowsInPlace = 0
    decoded.tensors = null
    decoded.isBatch = false
    decoded.requestId = ''
    decoded.outputs = null
    batcher.openTarget(this.#target)
    const rejected =
      format.decodeRequest(body, variant.plan, this.#target, decoded) ??
      admitRows(batcher.queuedRows, rowsOf(decoded, variant.plan.rowsMax), this.#queueRowsMax)
    const requestId =
      exchange.requestId !== '' && isEchoable(exchange.requestId)
        ? exchange.requestId
        : decoded.requestId
    if (rejected !== null) {
      this.#replies.refused(exchange, format, rejected, { base: variant.counterBase }, requestId)
      return
    }
    const request = { exchange, epoch, variant, format }
    const pending = new Pending(request, decoded, requestId, this.#monotonic())
    epoch.inFlight++
    this.#account.admitted()
    if (decoded.tensors === null) batcher.admitInPlace(pending, decoded.rowsInPlace)
    else batcher.admitTensors(pending, decoded.tensors, rowsOf(decoded, variant.plan.rowsMax))
    this.#account.queueRows(batcher.queuedRows)
  }

  /** Stage 3: one load from the bucket table, when there is more than one variant. */
  #route(route: InferRoute, exchange: Exchange): LiveVariant {
    const { endpoint } = route
    if (endpoint.buckets === null) return endpoint.variants[0]!
    const key = exchange.requestId === '' ? this.#replies.nextPredictionId() : exchange.requestId
    return endpoint.variants[endpoint.buckets[bucketOf(endpoint.salt, key)]!]!
  }

  /** What the batcher of a version calls back; `versionIndex` is shown by the watchdog. */
  handlersFor(versionIndex: number): BatcherHandlers<Pending> {
    return {
      onRunStart: () => this.#account.running(versionIndex),
      onRunEnd: (rows) => {
        this.#account.idle()
        this.#runRows = rows
      },
      onDone: this.#onDone,
      onFailed: this.#onFailed,
    }
  }

  readonly #onDone = (
    pending: Pending,
    results: readonly Tensor[],
    place: { rowStart: number; rows: number; isWhole: boolean },
    times: RunTimes,
  ): void => {
    const { variant } = pending
    if (place.rowStart === 0) this.#account.ranBatch(variant.counterBase, this.#runRows)
    try {
      this.#replies.answered(pending, results, place, times, this.#runRows)
    } catch (thrown) {
      this.#replies.crashed(pending.exchange, thrown)
    }
    this.#leave(pending)
  }

  readonly #onFailed = (pending: Pending, refusal: Refusal, badRow: number): void => {
    const located = pending.isBatch && badRow >= 0 ? atRow(refusal, badRow) : refusal
    const base = { base: pending.variant.counterBase }
    this.#replies.refused(pending.exchange, pending.format, located, base, pending.requestId)
    this.#leave(pending)
  }

  #leave(pending: Pending): void {
    this.#account.left()
    this.#account.queueRows(pending.variant.version.batcher.queuedRows)
    this.#epochs.leave(pending.epoch)
  }
}

const atRow = (refusal: Refusal, row: number): Refusal => {
  const fault: FieldFault = { pointer: `/instances/${row}`, detail: refusal.detail }
  return refuse(refusal.code, refusal.detail, [fault])
}
