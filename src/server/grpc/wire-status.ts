/** Statuses of gRPC, and how a refusal looks: a status, its text, and trailers. */

import { ERRORS, type Refusal } from '../../shared/errors.ts'
import type { WrittenRefusal } from '../exchange.ts'
import { retryAfterSeconds } from '../retry-after.ts'

/** By the names that `ERRORS` has (grpc, doc/statuscodes.md). */
export const STATUS_CODES: Readonly<Record<string, number>> = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
}

export interface WireStatus {
  /** Names and values in turn, `grpc-status` first. */
  readonly trailers: readonly string[]
}

const named = (name: string, text: string, more: readonly string[] = []): WireStatus => ({
  trailers: ['grpc-status', `${STATUS_CODES[name]}`, 'grpc-message', percentEncoded(text), ...more],
})

/** Clients have limits for the headers of an answer, and every character may become 9 bytes. */
const MESSAGE_LENGTH_MAX = 800

/** All but the printable ASCII characters, and of them the sign itself. */
const NOT_PLAIN = /[^\x20-\x24\x26-\x7e]+/g

const percentEncoded = (text: string): string => {
  const cut = text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}...` : text
  return cut.toWellFormed().replaceAll(NOT_PLAIN, encodeURIComponent)
}

export const OK: WireStatus = { trailers: ['grpc-status', '0'] }

/** To a stream that a gateway which ends does not carry on. */
export const GOING = named('UNAVAILABLE', 'The server is going; connect again')

/** `isLate`: the time is over that the client granted by `grpc-timeout`. */
export const statusOf = (
  { refusal, error, requestId, predictionId }: WrittenRefusal,
  isLate: boolean,
): WireStatus => {
  const { code } = refusal
  const more = ['x-sluice-error', code]
  if (requestId !== '') more.push('x-request-id', requestId)
  if (predictionId !== '') more.push('x-sluice-prediction-id', predictionId)
  const seconds = retryAfterSeconds(refusal)
  if (seconds > 0) more.push('retry-after', String(seconds))
  const isExpired = isLate && code === 'DEADLINE_EXPIRED'
  return named(isExpired ? 'DEADLINE_EXCEEDED' : ERRORS[code].grpc, error.body, more)
}

/** The same for what is no exchange, and is answered without ids. */
export const refusedStatus = (refusal: Refusal): WireStatus => {
  const error = { contentType: '', body: refusal.detail }
  return statusOf({ refusal, error, requestId: '', predictionId: '', allow: '' }, false)
}
