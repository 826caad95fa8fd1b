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
  /** Its level is the first one, or there is no other. */
  isFirst: boolean
  /** Rows on all levels, without those of requests that alone are more than the bounds. */
  heldRows: number
  /** Microseconds of all runs on all levels. */
  heldUs: number
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
 * hold twice the rows of one; what comes first, on the first level, is kept out by nobody below.
 * `us`: of the runs of its `rows`; `spread`: of `spreadOf`.
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
  const overAll = ahead.isFirst ? 0 : ahead.heldRows + rows - 2 * rowsMax
  if (ahead.rows === 0 && (isOversized || overAll <= 0)) return null
  const waitingMs = (ahead.workUs / 1000) * stretch
  const boundUs = ahead.workUs - ahead.oversizedUs
  const overUs = boundUs + us - workMsMax * 1000
  if (ahead.rows > 0 && overUs > 0) {
    const detail = `${ms(boundUs / 1000)} of work are waiting, and this would be ${ms(us / 1000)} more`
    const retryMs = (overUs / 1000) * stretch + spread * waitingMs
    return full(`${detail}; the limit is ${ms(workMsMax)}`, retryMs)
  }
  const overRows = ahead.rows - ahead.oversizedRows + rows - rowsMax
  if (overRows > 0 && overRows >= overAll) {
    return refuseRows(ahead.rows, overRows, rowsMax, waitingMs, spread)
  }
  if (overAll <= 0) return null
  return refuseRows(ahead.heldRows, overAll, 2 * rowsMax, (ahead.heldUs / 1000) * stretch, spread)
}

/** `over` of the rows that wait, and take `waitingMs`, are too many. */
const refuseRows = (
  rows: number,
  over: number,
  rowsMax: number,
  waitingMs: number,
  spread: number,
): Refusal =>
  full(
    `${rows} rows are waiting; the limit is ${rowsMax}`,
    (Math.min(1, over / Math.max(1, rows)) + spread) * waitingMs,
  )

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
