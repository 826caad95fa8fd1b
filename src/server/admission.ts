/** Stage 4 as a pure decision: what is refused before any work is spent on it. */

import { type Refusal, refuse } from '../shared/errors.ts'

const DIGITS = /^[0-9]{1,15}$/

/**
 * Bytes of JSON at the front of a body, by `inference-header-content-length` as sent; -1 where that
 * is '': all of it. Texts of Triton, which reads `12abc` as 12; here that is refused.
 */
export const admitHeaderLength = (sent: string, bodyBytes: number): number | Refusal => {
  if (sent === '') return -1
  const length = DIGITS.test(sent) ? Number(sent) : Number.NaN
  if (length <= bodyBytes) return length
  const isCount = !Number.isNaN(length)
  const range = `inference header size should be in range (0, ${bodyBytes})`
  const what = isCount ? range : 'Unable to parse Inference-Header-Content-Length'
  return refuse('REQUEST_MALFORMED', `${what}, got: ${sent.slice(0, 32).toWellFormed()}`)
}

/** What waits for a version. */
export interface QueueState {
  readonly queuedRows: number
  /** Those of them that belong to a request larger than the whole bound. */
  readonly oversizedRows: number
}

/**
 * Bounds the queue of a version in rows. A request larger than the whole bound is let in when the
 * queue is empty: it could never be served otherwise. So there is at most one, and what waits of it
 * is left out, since it runs in parts and others have their turn in between.
 */
export const admitRows = (
  { queuedRows, oversizedRows }: QueueState,
  rows: number,
  queueRowsMax: number,
): Refusal | null => {
  if (queuedRows === 0 || queuedRows - oversizedRows + rows <= queueRowsMax) return null
  return refuse('QUEUE_FULL', `${queuedRows} rows are waiting; the limit is ${queueRowsMax}`)
}
