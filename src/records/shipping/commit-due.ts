/** When a lane commits: decisions on plain data. */

import type { Held } from './sink.ts'

/** What a sink takes before it is committed. */
export interface LaneLimits {
  readonly rowsMax: number
  readonly bytesMax: number
  /** Between two commits, where nothing else makes one due. */
  readonly ageMsMax: number
}

/** After a quiet time the first records wait so long for company, then others longer. */
const FIRST_MS = 1000

/** Whether the sink holds as much as it may. */
export const isFull = ({ rows, bytes }: Held, { rowsMax, bytesMax }: LaneLimits): boolean =>
  rows >= rowsMax || bytes >= bytesMax

/** Monotonic ms. */
export interface CommitTimes {
  readonly nowMs: number
  /** Since when there is something to commit. */
  readonly sinceMs: number
  /** Of the last commit. */
  readonly lastMs: number
  /** A replica has, of which all is read: until a commit nobody can count the last of it. */
  readonly hasEnded: boolean
}

/**
 * Whether time has come: a second after the first record where the last commit is long ago, so that
 * who tries something out sees it at once, or where a replica has ended, and as seldom as is
 * allowed under steady traffic.
 */
export const isCommitDue = (
  { nowMs, sinceMs, lastMs, hasEnded }: CommitTimes,
  { ageMsMax }: LaneLimits,
): boolean =>
  nowMs - sinceMs >= Math.min(FIRST_MS, ageMsMax) && (hasEnded || nowMs - lastMs >= ageMsMax)
