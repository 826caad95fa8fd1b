/**
 * Whether a request may wait: a decision on plain figures, and its text. What would be refused
 * later is refused at once, with the time after which it may be welcome.
 */

import { type ErrorCode, type Refusal, refuse } from '../shared/errors.ts'
import type { WaitingPolicy } from './batcher-policy.ts'

/** What waits is expected to take so many times as long: runs differ. */
export const CAUTION = 1.2
/** After so long without a run, what runs cost is not known well enough to refuse all of them. */
const TRUST_MS_MAX = 1000

/** Triton's text. */
export const EXPIRED = refuse('DEADLINE_EXPIRED', 'Request timeout expired')
/** Told to nobody: who is answered so has gone. */
export const GONE = refuse('INFERENCE_FAILED', 'The client has gone')

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

/** To be kept and filled in: nothing is allocated for each request. */
export const nothingAhead = (): Ahead => ({
  rows: 0,
  workUs: 0,
  oversizedRows: 0,
  oversizedUs: 0,
  isFirst: true,
  heldRows: 0,
  heldUs: 0,
  stretch: 1,
})

export type QueueBounds = Pick<WaitingPolicy, 'queueRowsMax' | 'queueWorkMsMax'>

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

/** Whether a request of so many rows, whose runs take `us`, alone is more than may wait. */
export const isOversized = (
  rows: number,
  us: number,
  { queueRowsMax, queueWorkMsMax }: QueueBounds,
): boolean => rows > queueRowsMax || us > queueWorkMsMax * 1000

/** Whether what runs cost is known, the last of which was so long ago. */
export const isCostKnown = (sinceRunMs: number): boolean => sinceRunMs < TRUST_MS_MAX

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
  bounds: QueueBounds,
  spread: number,
): Refusal | null => {
  const { stretch } = ahead
  const { queueRowsMax: rowsMax, queueWorkMsMax: workMsMax } = bounds
  const overAll = ahead.isFirst ? 0 : ahead.heldRows + rows - 2 * rowsMax
  if (ahead.rows === 0 && (overAll <= 0 || isOversized(rows, us, bounds))) return null
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

/** Triton's bound of a queue policy, 0 for none, and its text. `requests`: of the level. */
export const refuseMany = (
  { workUs, stretch }: Ahead,
  requests: number,
  requestsMax: number,
  spread: number,
): Refusal | null => {
  if (requestsMax === 0 || requests < requestsMax) return null
  const waitingMs = (workUs / 1000) * stretch
  return full(
    `Exceeds maximum queue size: ${requestsMax} requests are waiting`,
    (1 / requestsMax + spread) * waitingMs,
  )
}

/** What has waited in vain: no run that begins now ends in time. */
export const unmeetable = (leftMs: number): Refusal =>
  refuse('DEADLINE_UNMEETABLE', `Its deadline is in ${ms(leftMs)}, and a run takes longer`)

/**
 * Whether a request would end too late: `aheadMs` of waiting and `ownMs` of its own do not fit.
 * `isGuess`: nothing waits and what runs cost is not known. Then it is let in, since a wrong figure
 * could keep out all of them for ever.
 */
export const refuseLate = (
  leftMs: number,
  aheadMs: number,
  ownMs: number,
  isGuess: boolean,
  spread: number,
): Refusal | null => {
  if (leftMs <= 0) return EXPIRED
  if (isGuess || aheadMs + ownMs <= leftMs) return null
  const takes = `${ms(aheadMs)} of waiting and ${ms(ownMs)} of its own are expected`
  const retryMs = Math.min(aheadMs + ownMs - leftMs, aheadMs) + spread * aheadMs
  return full(`Its deadline is in ${ms(leftMs)}: ${takes}`, retryMs, 'DEADLINE_UNMEETABLE')
}
