/**
 * What to do about one place for a replica now. Pure: facts and a time in, one action out.
 *
 * Each process of the place goes its way, usually there is but one:
 *
 * ```
 *          hello                    must end
 *   start ------> connected -------------------------+
 *     |  ^  link lost |                              v
 *     |  +------------+                           leaving --> ended --> bury
 *     +--> not within its time: kill <-- not within its grace --+
 * ```
 *
 * The next one starts when none stays that is good enough: beside one that is leaving, so that its
 * place is never empty, and beside one that is outdated, which stays until the next one serves.
 */

/** Between two looks at /proc for a process that is not our child: nothing else tells its end. */
export const WATCH_MS = 25
/** A kill takes effect at once, or the process hangs in the kernel: then it is tried again. */
export const KILL_AGAIN_MS = 1000
/** A timer that is so late did not run because the machine or the container stood still. */
const LATE_TIMER_MS = 2000
const STANDSTILL_GRACE_MS = 10_000

export interface ProcessFacts {
  /** Names one process for ever; successors have higher ones. */
  readonly incarnation: number
  readonly hasEnded: boolean
  /** Our child: its end is an event. Else it is looked for. */
  readonly isChild: boolean
  readonly isConnected: boolean
  /** While it is not connected: when its patience ends. */
  readonly connectByMs: number
  /** When it must have ended; null: it may stay. */
  readonly endByMs: number | null
}

export interface PlaceFacts {
  /** Whether a process should serve here. */
  readonly isWanted: boolean
  readonly startAtMs: number
  /** Incarnations up to this one are outdated. */
  readonly outdatedUpTo: number
  readonly processes: readonly ProcessFacts[]
}

export type Decision =
  | { readonly action: 'start' }
  | { readonly action: 'bury'; readonly incarnation: number }
  | { readonly action: 'kill'; readonly incarnation: number; readonly reason: string }
  /** Nothing until an event, or until `untilMs` when that is not null. */
  | { readonly action: 'wait'; readonly untilMs: number | null }

const decideAboutProcess = (process: ProcessFacts, nowMs: number): Decision => {
  const { incarnation, endByMs, connectByMs, isConnected, isChild, hasEnded } = process
  if (hasEnded) return { action: 'bury', incarnation }
  const isLeaving = endByMs !== null
  // One that must end anyway need not dial: its grace alone counts.
  const limitMs = isLeaving ? endByMs : isConnected ? Number.POSITIVE_INFINITY : connectByMs
  if (nowMs >= limitMs) {
    const reason = isLeaving ? 'did not end in time' : 'did not say hello'
    return { action: 'kill', incarnation, reason }
  }
  const mustBeLookedFor = !isChild && (isLeaving || !isConnected)
  const untilMs = mustBeLookedFor ? Math.min(limitMs, nowMs + WATCH_MS) : limitMs
  return { action: 'wait', untilMs: Number.isFinite(untilMs) ? untilMs : null }
}

/** The one next action about a place. */
export const decide = (facts: PlaceFacts, nowMs: number): Decision => {
  const { isWanted, startAtMs, outdatedUpTo, processes } = facts
  const times: number[] = []
  for (const process of processes) {
    const decision = decideAboutProcess(process, nowMs)
    if (decision.action !== 'wait') return decision
    if (decision.untilMs !== null) times.push(decision.untilMs)
  }
  const isTaken = processes.some(
    ({ incarnation, endByMs }) => endByMs === null && incarnation > outdatedUpTo,
  )
  if (isWanted && !isTaken) {
    if (nowMs >= startAtMs) return { action: 'start' }
    times.push(startAtMs)
  }
  return { action: 'wait', untilMs: times.length === 0 ? null : Math.min(...times) }
}

/**
 * A limit, looked at by a timer that was due at `dueMs`: what stood still together with its watcher
 * is not to blame for that, and is given some time.
 */
export const limitAfter = (limitMs: number, dueMs: number, nowMs: number): number =>
  nowMs - dueMs > LATE_TIMER_MS ? Math.max(limitMs, nowMs + STANDSTILL_GRACE_MS) : limitMs
