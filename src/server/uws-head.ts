/** What uWebSockets lets pass in a head and we do not: docs/decisions/0002. */

import { isTransferEncodingKnown } from './body-buffer.ts'
import { type Cors, type CorsAnswer, NO_CORS } from './cors.ts'
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
 * 400 and the end of the connection, after this turn: told to close while it still parses,
 * uWebSockets forgets it at the next request of the same read.
 */
export const refuseHead = (response: UwsResponse): void => {
  let isGone = false
  response.onAborted(() => {
    isGone = true
  })
  setImmediate(() => {
    if (!isGone) response.cork(() => response.writeStatus('400 Bad Request').end('', true))
  })
}

/** What pages are told. Where CORS is off, nothing is read. */
export const corsAnswerOf = (
  cors: Cors | null,
  method: string,
  request: Pick<UwsRequest, 'getHeader'>,
): CorsAnswer => {
  if (cors === null) return NO_CORS
  const preflight = method === 'OPTIONS' ? request.getHeader('access-control-request-method') : ''
  return cors(request.getHeader('origin'), preflight)
}
