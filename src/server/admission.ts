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
