/**
 * Whether a data thread still lives, decided from its beats. Pure: the agent looks, this decides.
 *
 * A thread beats four times a second and whenever it enters a state. While it runs a model or loads
 * one it cannot beat, which is why the limits depend on the state, and why every run and every load
 * has the whole limit to itself. So has every large body or answer that is read or written: answers
 * stay below it (answer-size.ts), and so do bodies unless `body_bytes_max` is raised (38 ns a
 * byte at worst; the text of that key says so).
 */

import type { WatchdogLimits } from '../shared/epoch-plan.ts'
import { THREAD_STATE } from '../shared/shared-memory.ts'

/**
 * The agent looks twice a second. When its own last look is longer ago, the process was stopped or
 * starved as a whole, and the silence of its threads says nothing about them.
 */
const OWN_PAUSE_MS_MAX = 2000

export interface BeatSeen {
  readonly beat: number
  /** Monotonic milliseconds at which the agent first saw this beat. */
  readonly sinceMs: number
}

export type Verdict = 'alive' | 'silent' | 'dead'

/** What is known of a thread after a look at its beat word. `lastLookMs`: the look before. */
export const seeBeat = (
  before: BeatSeen | undefined,
  beat: number,
  nowMs: number,
  lastLookMs: number,
): BeatSeen => {
  const isOwnPause = nowMs - lastLookMs > OWN_PAUSE_MS_MAX
  return before === undefined || before.beat !== beat || isOwnPause
    ? { beat, sinceMs: nowMs }
    : before
}

/** `silent` is worth a report, `dead` ends the replica. */
export const judgeBeat = (
  seen: BeatSeen,
  state: number,
  nowMs: number,
  limits: WatchdogLimits,
): Verdict => {
  const silentMs = nowMs - seen.sinceMs
  // A disk may take any time, and another thread would find no other disk.
  if (state === THREAD_STATE.WRITE) return silentMs > limits.reportMs ? 'silent' : 'alive'
  const maxMs =
    state === THREAD_STATE.RUN
      ? Math.max(limits.idleMsMax, limits.runMsMax)
      : state === THREAD_STATE.LOAD
        ? limits.loadMsMax
        : limits.idleMsMax
  if (silentMs > maxMs) return 'dead'
  return silentMs > limits.reportMs && state !== THREAD_STATE.LOAD ? 'silent' : 'alive'
}

/** Whether the version word means anything: only then may a version be suspected. */
export const isOnVersion = (state: number): boolean =>
  state === THREAD_STATE.RUN || state === THREAD_STATE.LOAD
