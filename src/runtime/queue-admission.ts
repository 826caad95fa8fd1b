/**
 * Whether a request may wait: a decision on plain figures, and its text. What would be refused
 * later is refused at once, with the time after which it may be welcome.
 */

import { type ErrorCode, type Refusal, refuse } from '../shared/errors.ts'

/** What waits before a request, on its own level and those above. */
export interface Ahead {
  rows: number
  /** Microseconds of runs. */
  workUs: number
  /** Of both what belongs to requests that alone are more than the bounds. */
  oversizedRows: number
  oversizedUs: number
  /** Rows on all levels, without theirs. */
  heldRows: number
  /** Milliseconds that pass in one of runs. */
  stretch: number
}

export interface QueueBounds {
  readonly rowsMax: number
  readonly workMsMax: number
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`

const full = (detail: string, retryAfterMs: number, code: ErrorCode = 'QUEUE_FULL'): Refusal => ({
  ...refuse(code, detail),
  retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)),
})

/**
 * Spreads what is refused in a row evenly over [0, 1): multiples of the golden ratio. So clients
 * that wait as they are told do not come back together.
 */
export const spreadOf = (refusals: number): number => (refusals * 0.6180339887498949) % 1

/**
 * Bounds what waits, in work and rows; a request that alone is more is let in when nothing waits,
 * since it could never be served otherwise. So there is at most one on a level, and the others are
 * let in beside it: it runs in parts, between which they have their turn. All levels together may
 * hold twice the rows of one. `us`: of the runs of its `rows`; `spread`: of `spreadOf`.
 */
export const refuseFull = (
  ahead: Ahead,
  rows: number,
  us: number,
  { rowsMax, workMsMax }: QueueBounds,
  spread: number,
): Refusal | null => {
  const { stretch } = ahead
  const isOversized = rows > rowsMax || us > workMsMax * 1000
  const overAll = ahead.heldRows + rows - 2 * rowsMax
  if (ahead.rows === 0 && (isOversized || overAll <= 0)) return null
  const waitingMs = (ahead.workUs / 1000) * stretch
  const heldUs = ahead.workUs - ahead.oversizedUs
  const overUs = heldUs + us - workMsMax * 1000
  if (ahead.rows > 0 && overUs > 0) {
    const detail = `${ms(heldUs / 1000)} of work are waiting, and this would be ${ms(us / 1000)} more`
    const retryMs = (overUs / 1000) * stretch + spread * waitingMs
    return full(`${detail}; the limit is ${ms(workMsMax)}`, retryMs)
  }
  const overRows = Math.max(ahead.rows - ahead.oversizedRows + rows - rowsMax, overAll)
  if (overRows <= 0) return null
  const part = Math.min(1, overRows / Math.max(1, ahead.rows))
  return full(
    `${Math.max(ahead.rows, ahead.heldRows)} rows are waiting; the limit is ${rowsMax}`,
    (part + spread) * waitingMs,
  )
}

/** Triton's bound of a queue policy, and its text. */
export const refuseMany = (requestsMax: number, waitingMs: number, spread: number): Refusal =>
  full(
    `Exceeds maximum queue size: ${requestsMax} requests are waiting`,
    (1 / requestsMax + spread) * waitingMs,
  )

/** What has waited in vain: no run that begins now ends in time. */
export const unmeetable = (leftMs: number): Refusal =>
  refuse('DEADLINE_UNMEETABLE', `Its deadline is in ${ms(leftMs)}, and a run takes longer`)

/** A request would finish too late: `aheadMs` of waiting and `ownMs` of its own do not fit. */
export const refuseLate = (
  leftMs: number,
  aheadMs: number,
  ownMs: number,
  spread: number,
): Refusal => {
  const takes = `${ms(aheadMs)} of waiting and ${ms(ownMs)} of its own are expected`
  const retryMs = Math.min(aheadMs + ownMs - leftMs, aheadMs) + spread * aheadMs
  return full(`Its deadline is in ${ms(leftMs)}: ${takes}`, retryMs, 'DEADLINE_UNMEETABLE')
}
