/** Time, injected everywhere so that tests own it. No other file reads a clock or sets a timer. */

import { performance } from 'node:perf_hooks'

export interface Clock {
  /**
   * Wall clock, milliseconds since the Unix epoch. For people and records, and for times that
   * processes of one machine tell each other, if it does no harm that it may jump.
   */
  now(): number
  /** Monotonic milliseconds with sub-microsecond digits. For durations and deadlines. */
  monotonic(): number
  /** Runs `task` once after `delayMs`. Returns its cancellation. Keeps no process alive. */
  setTimer(delayMs: number, task: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // The imported object: the global one sits behind a getter that shows up in profiles (0.4 %).
  monotonic: () => performance.now(),
  setTimer: (delayMs, task) => {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const ORIGIN_READINGS = 10

/**
 * What is to be added to `monotonic()` of this thread for monotonic milliseconds that mean the same
 * in all threads: each counts from its own start.
 */
export const threadOriginMs = (
  hrtime: () => [number, number] = () => process.hrtime(),
  monotonic = systemClock.monotonic,
): number => {
  let originMs = -Infinity
  for (let i = 0; i < ORIGIN_READINGS; i++) {
    const [seconds, nanoseconds] = hrtime()
    // What passes between two readings, tens of milliseconds on a busy machine, makes it smaller.
    originMs = Math.max(originMs, seconds * 1000 + nanoseconds / 1e6 - monotonic())
  }
  return originMs
}

let turnMs = 0
let isTurnKnown = false
const endTurn = (): void => {
  isTurnKnown = false
}

/**
 * Monotonic milliseconds at which this turn of the event loop began to read sockets, or rather was
 * first asked for it here. What lies in sockets has arrived by then, however long it takes to get
 * through it. Saves a reading of the clock (60 ns) for all but the first request of a turn.
 *
 * Only for callbacks of sockets: what a turn ends with is `setImmediate`, which comes right after
 * sockets are read. Called from an immediate itself, it would stand still until those of the next
 * turn, and date what is read there before its arrival.
 */
export const turnMonotonic = (): number => {
  if (isTurnKnown) return turnMs
  isTurnKnown = true
  turnMs = systemClock.monotonic()
  setImmediate(endTurn)
  return turnMs
}

/**
 * Repeats `task` every `periodMs` after the previous one has ended. Returns its cancellation. What
 * it throws goes to `onFault`, and it is repeated; without one, it is an unhandled rejection.
 */
export const every = (
  clock: Clock,
  periodMs: number,
  task: () => void | Promise<void>,
  onFault?: (thrown: unknown) => void,
): (() => void) => {
  let cancelled = false
  let cancel = () => {}
  const arm = () => {
    cancel = clock.setTimer(periodMs, async () => {
      try {
        await task()
      } catch (thrown) {
        if (onFault === undefined) throw thrown
        onFault(thrown)
      }
      if (!cancelled) arm()
    })
  }
  arm()
  return () => {
    cancelled = true
    cancel()
  }
}

/**
 * Does `task` soon after it is asked for: once for all that ask meanwhile, and not before
 * `periodMs` have passed since it last ended.
 */
export const coalesced = (clock: Clock, periodMs: number, task: () => void): (() => void) => {
  let notBeforeMs = -Infinity
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    clock.setTimer(Math.max(0, notBeforeMs - clock.monotonic()), () => {
      isDue = false
      try {
        task()
      } finally {
        notBeforeMs = clock.monotonic() + periodMs
      }
    })
  }
}

/** Resolves after `delayMs`. */
export const delay = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })

/** The same for a program that has nothing else to do: it lives on meanwhile. */
export const pause = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs))
