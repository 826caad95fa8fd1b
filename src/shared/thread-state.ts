/**
 * What a thread says of itself to the watchdog, in its words of shared memory.
 *
 * Every entry is a beat: each run and each load is judged by its own time alone. The beat comes
 * first, and the watchdog reads it last, so that no state is judged by the time of another.
 */

import { THREAD_GAUGES, THREAD_WORDS } from './shared-memory.ts'

/** `state`: of THREAD_STATE. */
export const enterState = (words: Int32Array, state: number): void => {
  words[THREAD_WORDS.BEAT]! += 1
  words[THREAD_WORDS.STATE] = state
}

/** The same for RUN and LOAD. `versionNumber`: of version-numbers.ts. */
export const enterVersion = (words: Int32Array, state: number, versionNumber: number): void => {
  words[THREAD_WORDS.VERSION] = versionNumber
  enterState(words, state)
}

/** To be called four times a second. */
export const beat = (
  { words, gauges }: { readonly words: Int32Array; readonly gauges: Float64Array },
  cpuSeconds: number,
  loopLagSeconds: number,
): void => {
  gauges[THREAD_GAUGES.CPU_SECONDS] = cpuSeconds
  gauges[THREAD_GAUGES.LOOP_LAG_SECONDS] = loopLagSeconds
  words[THREAD_WORDS.BEAT]! += 1
}
