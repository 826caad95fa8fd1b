/** What uWebSockets lets pass in a head and we do not: docs/decisions/0002. */

import type { Gate } from './access.ts'
import { isTransferEncodingKnown } from './body-buffer.ts'
import { type Cors, type CorsAnswer, NO_CORS } from './cors.ts'
import { isLoopback, tellsOfOthers } from './local-peer.ts'
import type { RequestTrace, Traces } from './traces.ts'
import type { UwsRequest, UwsResponse } from './uws-binary.ts'

export type Framing = 'none' | 'chunked' | 'unknown'

/** What RFC 9110 and its extensions call their methods; others begin where a body was misread. */
const METHOD = /^[A-Z-]{1,20}$/

export const isMethod = (text: string): boolean => METHOD.test(text)

/**
 * Where the body of a request without content-length ends. A content-length all the same is one
 * that uWebSockets takes for absent: it is empty, or bytes beyond ASCII were cut off.
 */
export const framingOf = (request: Pick<UwsRequest, 'forEach'>): Framing => {
  let framing: Framing = 'none'
  request.forEach((name, value) => {
    if (name !== 'transfer-encoding' && name !== 'content-length') return
    const isKnown = name === 'transfer-encoding' && value !== '' && isTransferEncodingKnown(value)
    framing = isKnown && framing === 'none' ? 'chunked' : 'unknown'
  })
  return framing
}

/**
 * A header as node:http gives it: where it is repeated, the values are joined, which no reader of
 * one value takes. uWebSockets gives the first, `first`; only where there is one are the others
 * looked for. So an empty one hides those behind it: the request is read as if it had none.
 */
export const wholeHeader = (
  request: Pick<UwsRequest, 'forEach'>,
  wanted: string,
  first: string,
): string => {
  if (first === '') return ''
  const values: string[] = []
  request.forEach((name, value) => {
    if (name === wanted) values.push(value)
  })
  return values.join(', ')
}

/** What pages are told. Where CORS is off, nothing is read. */
export const corsAnswerOf = (
  cors: Cors | null,
  method: string,
  request: Pick<UwsRequest, 'getHeader'>,
): CorsAnswer => {
  if (cors === null) return NO_CORS
  const preflight = method === 'OPTIONS' ? request.getHeader('access-control-request-method') : ''
  return cors(method, request.getHeader('origin'), preflight)
}

/** null: not traced. Where tracing is off, nothing is read. */
export const traceOf = (
  traces: Pick<Traces, 'begin'> | null,
  request: Pick<UwsRequest, 'getHeader'>,
): RequestTrace | null => traces?.begin(request.getHeader('traceparent')) ?? null

/** What a gate says of a request. Where it is open, nothing is read. */
export const admittedBy = (
  gate: Gate,
  path: string,
  request: Pick<UwsRequest, 'getHeader'>,
): ReturnType<Gate['admit']> =>
  gate.isClosed
    ? gate.admit(path, request.getHeader('authorization'), request.getHeader('x-api-key'))
    : null

/** `Exchange.isLocal`. */
export const isFromHere = (
  response: Pick<UwsResponse, 'getRemoteAddressAsText'>,
  request: Pick<UwsRequest, 'forEach'>,
): boolean => {
  if (!isLoopback(Buffer.from(response.getRemoteAddressAsText()).toString('latin1'))) return false
  let isDirect = true
  request.forEach((name) => {
    if (tellsOfOthers(name)) isDirect = false
  })
  return isDirect
}
