/**
 * What a thread says of itself to the watchdog, in its words of shared memory.
 *
 * Every entry is a beat: each run and each load is judged by its own time alone. The beat comes
 * first, and the watchdog reads it last, so that no state is judged by the time of another.
 */

import { type Clock, every } from './clock.ts'
import { THREAD_GAUGES, THREAD_WORDS } from './shared-memory.ts'

const BEAT_MS = 250

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

/** To be called at every beat. */
export const beat = (
  { words, gauges }: { readonly words: Int32Array; readonly gauges: Float64Array },
  cpuSeconds: number,
  loopLagSeconds: number,
): void => {
  gauges[THREAD_GAUGES.CPU_SECONDS] = cpuSeconds
  gauges[THREAD_GAUGES.LOOP_LAG_SECONDS] = loopLagSeconds
  words[THREAD_WORDS.BEAT]! += 1
}

/**
 * Four times a second, `onBeat` gets the CPU time of the calling thread so far and how late its
 * event loop is, both in seconds. Returns the end of it.
 */
export const keepBeating = (
  clock: Clock,
  onBeat: (cpuSeconds: number, loopLagSeconds: number) => void,
): (() => void) => {
  let expectedMs = clock.monotonic() + BEAT_MS
  return every(clock, BEAT_MS, () => {
    const nowMs = clock.monotonic()
    const { user, system } = process.threadCpuUsage()
    onBeat((user + system) / 1e6, Math.max(0, nowMs - expectedMs) / 1000)
    expectedMs = nowMs + BEAT_MS
  })
}
