/**
 * Answers that have waited too long for their records where none may go out without
 * (`records.when_full: wait`): their clients are refused, and their records say so.
 */

import { isDurable, type RecordRing } from '../records/ring/record-ring.ts'
import { lockForWriter, unlock, unsay } from '../records/ring/unsaid.ts'
import { ROLE } from '../records/write-facts.ts'
import { REASON_ABORTED, reasonIndex } from '../shared/counters.ts'
import { ERRORS } from '../shared/errors.ts'
import type { HeldAnswer } from './held-answer.ts'

/** What the record of a refused answer says. */
const REFUSED = {
  role: ROLE.failed,
  code: reasonIndex('RECORD_UNAVAILABLE'),
  status: ERRORS.RECORD_UNAVAILABLE.http,
}
const ABORTED = { role: ROLE.failed, code: REASON_ABORTED, status: 0 }

/** Whether it is past its deadline, or was held `waitMs` ago. */
export const isLate = (held: HeldAnswer, nowMs: number, waitMs: number): boolean => {
  const deadlineMs = held.pending?.deadlineMs ?? Number.POSITIVE_INFINITY
  return !held.isGone && nowMs >= Math.min(deadlineMs, held.heldMs + waitMs)
}

/**
 * Those of some late ones of which no record on disk will say that they were answered: none while
 * the spool thread writes, as nobody knows yet what it has written.
 */
export const refusable = (ring: RecordRing, late: readonly HeldAnswer[]): readonly HeldAnswer[] => {
  if (late.length === 0 || !lockForWriter(ring)) return []
  try {
    return late.filter((held) => {
      // Labels stay; whose they are sends them again.
      if (held.pending === null) return !isDurable(ring, held.end)
      return unsay(ring, held, held.pending.exchange.isAborted ? ABORTED : REFUSED)
    })
  } finally {
    unlock(ring)
  }
}
