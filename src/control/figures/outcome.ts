/** What a counted reason means to somebody who does not know our error codes. */

import { REASON_ABORTED, REASON_OK, reasonName } from '../../shared/counters.ts'
import { ERRORS, type ErrorCode } from '../../shared/errors.ts'

/** `refused`: the client's fault, or load (4xx, 501, 503); `failed`: the model's or ours (5xx). */
export type Outcome = 'ok' | 'refused' | 'failed' | 'aborted'

export const outcomeOf = (reason: number): Outcome => {
  if (reason === REASON_OK) return 'ok'
  if (reason === REASON_ABORTED) return 'aborted'
  // A code of a newer release, counted by an adopted replica, has no entry here.
  const status = ERRORS[reasonName(reason) as ErrorCode]?.http ?? 500
  return status < 500 || status === 501 || status === 503 ? 'refused' : 'failed'
}
