/** Stages 6 to 8: encode, number, release, account. The only file that writes answers. */

import type { RunTimes } from '../runtime/batcher.ts'
import { REASON_ABORTED, reasonIndex } from '../shared/counters.ts'
import { ERRORS, GatewayError, type Refusal } from '../shared/errors.ts'
import { isEchoable } from '../shared/ids.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Account } from './account.ts'
import type { Document } from './documents.ts'
import type { Exchange } from './exchange.ts'
import type { Pending } from './pending.ts'
import type { Answer } from './protocols/protocol.ts'
import { FEATURES, type WireFormat } from './wire-formats.ts'

const STATUS_LINES: Readonly<Record<number, string>> = {
  200: '200 OK',
  400: '400 Bad Request',
  403: '403 Forbidden',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  413: '413 Content Too Large',
  415: '415 Unsupported Media Type',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
}

const JSON_TYPE = 'content-type: application/json'
/** Seconds after which a shed request may come again. B1 computes it from the queue. */
const RETRY_AFTER_SECONDS = 1

export interface RepliesSurroundings {
  readonly account: Account
  /** `<gateway>.<replica>.<thread>-<incarnation>-` */
  readonly predictionIdPrefix: string
  monotonic(): number
  /** Reports a fault of ours; the log is not for the data thread to write. */
  onFault(requestId: string, thrown: unknown): void
}

export class Replies {
  readonly #account: Account
  readonly #prefix: string
  readonly #monotonic: () => number
  readonly #onFault: (requestId: string, thrown: unknown) => void
  /** Sequence number of the last record of this producer: from 1, without gap. */
  #sequence = 0

  constructor(surroundings: RepliesSurroundings) {
    this.#account = surroundings.account
    this.#prefix = surroundings.predictionIdPrefix
    this.#monotonic = surroundings.monotonic
    this.#onFault = surroundings.onFault
  }

  /** The id that the next record will have. */
  nextPredictionId(): string {
    return this.#prefix + (this.#sequence + 1)
  }

  #takePredictionId(): string {
    this.#sequence++
    return this.#prefix + this.#sequence
  }

  answered(
    pending: Pending,
    results: readonly Tensor[],
    place: { rowStart: number; rows: number; isWhole: boolean },
    times: RunTimes,
    runRows: number,
  ): void {
    const { exchange, variant, format } = pending
    if (exchange.isAborted) {
      this.#account.unanswered(variant.counterBase, format.protocol, REASON_ABORTED)
      this.#sequence++
      return
    }
    const predictionId = this.#takePredictionId()
    const requestId = pending.requestId === '' ? predictionId : pending.requestId
    const totalMs = this.#monotonic() - exchange.startedMs
    const answer: Answer = {
      plan: variant.plan,
      results,
      rowStart: place.rowStart,
      rows: place.rows,
      isWhole: place.isWhole,
      isBatch: pending.isBatch,
      outputs: pending.outputs,
      requestId,
      predictionId,
      latencyMs: totalMs,
    }
    const body = format.encodeResponse(answer)
    if (typeof body !== 'string') {
      const counted = { base: variant.counterBase, predictionId }
      this.refused(exchange, format, body, counted, pending.requestId)
      return
    }
    let headers = `${JSON_TYPE}\r\n${variant.headerLines}\r\nx-sluice-prediction-id: ${predictionId}`
    // Ids of the body may hold anything; only safe ones go into a header.
    if (requestId === predictionId || isEchoable(requestId)) {
      headers += `\r\nx-request-id: ${requestId}`
    }
    if (exchange.isExplained) headers += serverTiming(pending, times, totalMs, runRows)
    exchange.reply('200 OK', headers, body)
    this.#account.answered(variant.counterBase, format.protocol, place.rows, {
      totalUs: totalMs * 1000,
      queueUs: (times.startedMs - pending.admittedMs) * 1000,
      computeUs: (times.endedMs - times.startedMs) * 1000,
    })
  }

  /**
   * A refusal or failure. `counted.base` is the slot that it counts in, null for requests of no
   * endpoint (slot 0). A prediction id is taken unless the request has one already.
   */
  refused(
    exchange: Exchange,
    format: WireFormat,
    refusal: Refusal,
    counted: { base: number; predictionId?: string } | null,
    bodyRequestId = '',
  ): void {
    const requestId = isEchoable(exchange.requestId) ? exchange.requestId : bodyRequestId
    if (counted !== null && counted.predictionId === undefined) this.#sequence++
    const entry = ERRORS[refusal.code]
    const { contentType, body } = format.encodeError(refusal, requestId)
    let headers = `content-type: ${contentType}\r\nx-sluice-error: ${refusal.code}`
    if (isEchoable(requestId)) headers += `\r\nx-request-id: ${requestId}`
    if (entry.http === 503) headers += `\r\nretry-after: ${RETRY_AFTER_SECONDS}`
    if (entry.http === 405) headers += `\r\nallow: ${allowed(refusal)}`
    exchange.reply(STATUS_LINES[entry.http] ?? `${entry.http}`, headers, body)
    this.#account.unanswered(counted?.base ?? 0, format.protocol, reasonIndex(refusal.code))
  }

  /** A fault of ours: 500 without details; the agent logs them. */
  crashed(exchange: Exchange, thrown: unknown): void {
    const requestId = isEchoable(exchange.requestId) ? exchange.requestId : ''
    this.#onFault(requestId, thrown)
    this.refused(exchange, FEATURES, GatewayError.from(new Error('crash')).toRefusal(), null)
  }

  document(exchange: Exchange, format: WireFormat, document: Document): void {
    const headers = isEchoable(exchange.requestId)
      ? `${JSON_TYPE}\r\nx-request-id: ${exchange.requestId}`
      : JSON_TYPE
    exchange.reply(STATUS_LINES[document.status]!, headers, document.body)
    this.#account.unanswered(0, format.protocol, 0)
  }
}

/** The method named at the end of a METHOD_NOT_ALLOWED detail: "... use POST". */
const allowed = (refusal: Refusal): string =>
  refusal.detail.endsWith('POST') ? 'POST' : 'GET, HEAD'

const milliseconds = (value: number): string => Math.max(0, value).toFixed(3)

const serverTiming = (
  pending: Pending,
  times: RunTimes,
  totalMs: number,
  runRows: number,
): string => {
  const decode = milliseconds(pending.admittedMs - pending.exchange.startedMs)
  const queue = milliseconds(times.startedMs - pending.admittedMs)
  const infer = milliseconds(times.endedMs - times.startedMs)
  return (
    `\r\nserver-timing: decode;dur=${decode}, queue;dur=${queue}, ` +
    `infer;dur=${infer};desc="batch ${runRows}", total;dur=${milliseconds(totalMs)}`
  )
}
