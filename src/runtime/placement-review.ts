/**
 * When a placement is changed because live measurements contradict the proving run. Pure.
 *
 * Runs are looked at in windows. Three in a row that say by a factor of 2 that a batch takes too
 * long for a data thread move the version out of it: others wait for it meanwhile. The way back
 * only saves some microseconds, and takes thirty windows and a thousand runs. Between changes there
 * are ten minutes at least, and twice as long after each, so that a version on the edge comes to
 * rest.
 */

import type { Placement } from '../shared/placement.ts'
import { fullBatch, INLINE_RUN_US_MAX, type LiveRuns, type PlacementFigures } from './placement.ts'

const WINDOW_MS = 10_000
const WINDOW_RUNS_MIN = 20
/** A live time between these, of the limit, contradicts nothing. */
const CLEARLY_ABOVE = 2
const CLEARLY_BELOW = 0.5
const WINDOWS_TO_POOL = 3
const WINDOWS_TO_INLINE = 30
const RUNS_TO_INLINE = 1000
const REST_MS = 600_000
const REST_MS_MAX = 86_400_000

export interface PlacementReview {
  /** Changes so far, and before when there is no other one. */
  readonly changes: number
  readonly restUntilMs: number
  /** Totals and time at the begin of the window. */
  readonly fromMs: number
  readonly from: LiveRuns
  /** Windows in a row that contradict, and their runs. */
  readonly windows: number
  readonly against: LiveRuns
}

const NO_RUNS: LiveRuns = { runs: 0, rows: 0, seconds: 0 }

/** `totals`: since ever; only what comes after counts. */
export const beginReview = (totals: LiveRuns, nowMs: number): PlacementReview => ({
  ...{ changes: 0, restUntilMs: nowMs, fromMs: nowMs, from: totals },
  ...{ windows: 0, against: NO_RUNS },
})

const plus = (a: LiveRuns, b: LiveRuns, sign: 1 | -1): LiveRuns => ({
  runs: a.runs + sign * b.runs,
  rows: a.rows + sign * b.rows,
  seconds: a.seconds + sign * b.seconds,
})

const contradicts = (
  kind: Placement['kind'],
  figures: PlacementFigures,
  live: LiveRuns,
): boolean => {
  const share = (fullBatch(figures, live)?.us ?? Number.NaN) / INLINE_RUN_US_MAX
  return kind === 'inline' ? share >= CLEARLY_ABOVE : share < CLEARLY_BELOW
}

const isEnough = (kind: Placement['kind'], windows: number, { runs }: LiveRuns): boolean =>
  kind === 'inline'
    ? windows >= WINDOWS_TO_POOL
    : windows >= WINDOWS_TO_INLINE && runs >= RUNS_TO_INLINE

/** The rest after a change: it doubles with each. */
const restMs = (changes: number): number => Math.min(REST_MS * 2 ** changes, REST_MS_MAX)

export interface ReviewResult {
  readonly review: PlacementReview
  /** The runs by which the version is to be placed anew; null: it stays. */
  readonly live: LiveRuns | null
}

/** One look. `kind`: where the version is now; `totals`: its runs since ever. */
export const reviewPlacement = (
  review: PlacementReview,
  kind: Placement['kind'],
  figures: PlacementFigures,
  totals: LiveRuns,
  nowMs: number,
): ReviewResult => {
  const window = plus(totals, review.from, -1)
  // Counters that have begun again from zero.
  if (window.runs < 0) return { review: { ...review, fromMs: nowMs, from: totals }, live: null }
  const isOver = nowMs - review.fromMs >= WINDOW_MS && window.runs >= WINDOW_RUNS_MIN
  if (!isOver) return { review, live: null }
  const begun = { ...review, fromMs: nowMs, from: totals }
  if (!contradicts(kind, figures, window)) {
    return { review: { ...begun, windows: 0, against: NO_RUNS }, live: null }
  }
  const windows = review.windows + 1
  const against = plus(review.against, window, 1)
  if (nowMs < review.restUntilMs || !isEnough(kind, windows, against)) {
    return { review: { ...begun, windows, against }, live: null }
  }
  const { changes } = review
  const rested = { changes: changes + 1, restUntilMs: nowMs + restMs(changes) }
  return { review: { ...begun, ...rested, windows: 0, against: NO_RUNS }, live: against }
}
