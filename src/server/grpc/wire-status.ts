/** How a refusal looks over gRPC: a status and trailers. */

import { type Metadata, status } from '@grpc/grpc-js'
import { ERRORS, type Refusal } from '../../shared/errors.ts'
import type { WrittenRefusal } from '../exchange.ts'
import { retryAfterSeconds } from '../retry-after.ts'

class FixedHeaders {
  readonly #headers: Record<string, string>

  constructor(headers: Record<string, string>) {
    this.#headers = headers
  }

  toHttp2Headers(): Record<string, string> {
    return this.#headers
  }

  clone(): FixedHeaders {
    return this
  }
}

/**
 * Metadata that is written once, and of which grpc-js asks for nothing else: half the cost of one
 * that is filled name by name (6 names: 3 to 6 us instead of 7 to 9).
 */
export const fixedMetadata = (headers: Record<string, string>): Metadata =>
  new FixedHeaders(headers) as unknown as Metadata

export interface WireStatus {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata | null
}

/** Without metadata grpc-js would make some for each call. */
export const OK: WireStatus = { code: status.OK, details: 'OK', metadata: fixedMetadata({}) }

/** To a stream that a gateway which ends does not carry on. */
export const GOING: WireStatus = {
  code: status.UNAVAILABLE,
  details: 'The server is going; connect again',
  metadata: null,
}

/** To a call whose request did not come. */
export const LATE: WireStatus = {
  code: status.DEADLINE_EXCEEDED,
  details: 'The request did not arrive in time',
  metadata: null,
}

/** Clients have limits for the headers of an answer; every character may become 9. */
const DETAILS_LENGTH_MAX = 800

/** grpc-js would throw over half a surrogate pair, which is in the text of no good client. */
const detailsOf = (text: string): string => {
  const whole = text.toWellFormed()
  return whole.length <= DETAILS_LENGTH_MAX
    ? whole
    : `${whole.slice(0, DETAILS_LENGTH_MAX)}...`.toWellFormed()
}

type StatusName = keyof typeof status

/** `hasDeadline`: the client said by `grpc-timeout` how long it waits. */
export const statusOf = (
  { refusal, error, requestId, predictionId }: WrittenRefusal,
  hasDeadline: boolean,
): WireStatus => {
  const { code } = refusal
  const headers: Record<string, string> = { 'x-sluice-error': code }
  if (requestId !== '') headers['x-request-id'] = requestId
  if (predictionId !== '') headers['x-sluice-prediction-id'] = predictionId
  const seconds = retryAfterSeconds(refusal)
  if (seconds > 0) headers['retry-after'] = String(seconds)
  const name = ERRORS[code].grpc as StatusName
  const isLate = hasDeadline && code === 'DEADLINE_EXPIRED'
  return {
    code: isLate ? status.DEADLINE_EXCEEDED : status[name],
    details: detailsOf(error.body),
    metadata: fixedMetadata(headers),
  }
}

/** The same for what is no exchange, and is answered without ids. */
export const refusedStatus = (refusal: Refusal): WireStatus =>
  statusOf(
    {
      refusal,
      error: { contentType: '', body: refusal.detail },
      requestId: '',
      predictionId: '',
      allow: '',
    },
    false,
  )

export const NOT_FOUND: number = status.NOT_FOUND
