/** A data thread ends: its listeners close, its clients are told to go, and it waits for quiet. */

import { type Clock, every } from '../shared/clock.ts'
import { THREAD_WORDS } from '../shared/shared-memory.ts'
import { ACCEPTING, type Accepting } from './accepting.ts'
import { lookAtDrain, mayCloseListener, maySendAway } from './draining.ts'
import type { Engines } from './engines.ts'

const DRAIN_LOOK_MS = 20

export interface DrainSurroundings {
  readonly clock: Clock
  readonly engines: Pick<Engines, 'pauseAccepting' | 'stopAccepting' | 'underWay'>
  /** Words of all threads of the replica, and of this one. */
  readonly threads: readonly { readonly words: Int32Array }[]
  readonly own: Int32Array
  onAccepting(accepting: Accepting): void
  end(): void
}

export const drainThread = (surroundings: DrainSurroundings): void =>
  closeListeners(surroundings, surroundings.clock.monotonic())

/** Timers come right before sockets are read, and this immediate right after, ahead of any run. */
const closeListeners = (surroundings: DrainSurroundings, sinceMs: number): void => {
  const { clock, engines, onAccepting } = surroundings
  clock.setTimer(0, () => {
    const readFromMs = clock.monotonic()
    setImmediate(() => {
      const nowMs = clock.monotonic()
      if (!mayCloseListener(nowMs - readFromMs, nowMs - sinceMs)) {
        closeListeners(surroundings, sinceMs)
        return
      }
      engines.pauseAccepting()
      onAccepting(ACCEPTING.ENDED)
      sendAway(surroundings, clock.monotonic())
    })
  })
}

const sendAway = (surroundings: DrainSurroundings, sinceMs: number): void => {
  const { clock, engines, threads } = surroundings
  const accepting = threads.map(({ words }) => words[THREAD_WORDS.ACCEPTING]!)
  if (!maySendAway(accepting, clock.monotonic() - sinceMs)) {
    clock.setTimer(DRAIN_LOOK_MS, () => sendAway(surroundings, sinceMs))
    return
  }
  engines.stopAccepting()
  endWhenQuiet(surroundings)
}

const endWhenQuiet = ({ clock, engines, own, end }: DrainSurroundings): void => {
  let quietSinceMs: number | null = null
  every(clock, DRAIN_LOOK_MS, () => {
    const facts = {
      underWay: engines.underWay,
      inFlight: own[THREAD_WORDS.IN_FLIGHT]!,
      connections: own[THREAD_WORDS.CONNECTIONS]!,
    }
    const look = lookAtDrain(facts, quietSinceMs, clock.monotonic())
    quietSinceMs = look.quietSinceMs
    if (look.mayEnd) end()
  })
}
