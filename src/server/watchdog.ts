/**
 * Whether a data thread still lives, decided from its beats. Pure: the agent looks, this decides.
 *
 * A thread beats four times a second. While it runs a model or loads one it cannot beat, which is
 * why the limits depend on the state that it published before.
 */

import type { WatchdogLimits } from '../shared/epoch-plan.ts'
import { THREAD_STATE } from '../shared/shared-memory.ts'

export interface BeatSeen {
  readonly beat: number
  /** Monotonic milliseconds at which the agent first saw this beat. */
  readonly sinceMs: number
}

export type Verdict = 'alive' | 'silent' | 'dead'

/** `silent` is worth a report, `dead` ends the replica. */
export const judgeBeat = (
  seen: BeatSeen,
  state: number,
  nowMs: number,
  limits: WatchdogLimits,
): Verdict => {
  const silentMs = nowMs - seen.sinceMs
  const maxMs =
    state === THREAD_STATE.RUN
      ? Math.max(limits.idleMsMax, limits.runMsMax)
      : state === THREAD_STATE.LOAD
        ? limits.loadMsMax
        : limits.idleMsMax
  if (silentMs > maxMs) return 'dead'
  return silentMs > limits.reportMs && state !== THREAD_STATE.LOAD ? 'silent' : 'alive'
}
