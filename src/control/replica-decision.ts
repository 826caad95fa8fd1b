/**
 * What to do about one replica now. Pure: facts and a time in, one action out.
 *
 * ```
 *            start                     hello                    end asked for
 *   none ------------> unconnected <---------> connected ----------------------+
 *     ^                 |  not within its time    link lost                    |
 *     |                 v                                                      v
 *     +-- bury ------ kill <------------------- not within its grace -------- ending
 * ```
 */

/** Between two looks at /proc for a process that is not our child: nothing else tells its end. */
export const WATCH_MS = 25
/** A kill takes effect at once, or the process hangs in the kernel: then it is tried again. */
export const KILL_AGAIN_MS = 1000

export interface ProcessFacts {
  readonly hasEnded: boolean
  /** Our child: its end is an event. Else it is looked for. */
  readonly isChild: boolean
  readonly isConnected: boolean
  /** While it is not connected: when its patience ends. */
  readonly connectByMs: number
  /** When it must have ended; null: it may stay. */
  readonly endByMs: number | null
}

export interface ReplicaFacts {
  /** Whether a process should serve as this replica. */
  readonly isWanted: boolean
  readonly startAtMs: number
  readonly process: ProcessFacts | null
}

export type Decision =
  | { readonly action: 'start' }
  | { readonly action: 'bury' }
  | { readonly action: 'kill'; readonly reason: string }
  /** Nothing until an event, or until `untilMs` when that is not null. */
  | { readonly action: 'wait'; readonly untilMs: number | null }

const START: Decision = { action: 'start' }
const BURY: Decision = { action: 'bury' }

const decideAboutProcess = (process: ProcessFacts, nowMs: number): Decision => {
  if (process.hasEnded) return BURY
  const { endByMs, connectByMs, isConnected, isChild } = process
  const isEnding = endByMs !== null
  // One that must end anyway need not dial: its grace alone counts.
  const limitMs = isEnding ? endByMs : isConnected ? Number.POSITIVE_INFINITY : connectByMs
  if (nowMs >= limitMs) {
    return { action: 'kill', reason: isEnding ? 'did not end in time' : 'did not say hello' }
  }
  const mustBeLookedFor = !isChild && (isEnding || !isConnected)
  const untilMs = mustBeLookedFor ? Math.min(limitMs, nowMs + WATCH_MS) : limitMs
  return { action: 'wait', untilMs: Number.isFinite(untilMs) ? untilMs : null }
}

/** The one next action about a replica. */
export const decide = (facts: ReplicaFacts, nowMs: number): Decision => {
  if (facts.process !== null) return decideAboutProcess(facts.process, nowMs)
  if (!facts.isWanted) return { action: 'wait', untilMs: null }
  return nowMs >= facts.startAtMs ? START : { action: 'wait', untilMs: facts.startAtMs }
}
