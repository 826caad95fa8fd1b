/** Opens and closes the listener of a data thread, as accepting.ts decides. */

import type { Clock } from '../shared/clock.ts'
import {
  ACCEPTING,
  type Accepting,
  type AcceptState,
  hasRoom,
  LOOK_CONNECTIONS_MIN,
  LOOK_MS,
  lookAtAccepting,
  openState,
} from './accepting.ts'
import type { HttpEngine } from './exchange.ts'

export interface DoorkeeperSurroundings {
  readonly clock: Clock
  /** Most open connections of this thread. */
  readonly connectionsMax: number
  /** It accepts, or why it does not. */
  onChange(accepting: Accepting): void
}

/** The least time that a full thread stays closed, unless a look opens it: closing is not free. */
const CLOSED_MS_MIN = 5

type Door = Pick<HttpEngine, 'isAccepting' | 'pauseAccepting' | 'resumeAccepting'>

/** What one thread of several may have: together no more than the replica. */
export const connectionsShare = (connectionsMax: number, threads: number): number =>
  Math.max(1, Math.floor(connectionsMax / threads))

export class Doorkeeper {
  readonly #surroundings: DoorkeeperSurroundings
  #door: Door | null = null
  #state: AcceptState
  #connections = 0
  #lagMs = 0
  #cancelLook: (() => void) | null = null

  constructor(surroundings: DoorkeeperSurroundings) {
    this.#surroundings = surroundings
    this.#state = openState(surroundings.clock.monotonic())
  }

  /** The engine listens. */
  begin(door: Door): void {
    this.#door = door
  }

  /** The engine drains: its listener is not opened again. */
  end(): void {
    this.#door = null
    this.#cancelLook?.()
  }

  /** As `HttpEngineOptions.onConnections`. */
  onConnections(delta: 1 | -1): void {
    this.#connections += delta
    const { connectionsMax } = this.#surroundings
    if (delta < 0) {
      if (this.#isToOpen()) this.#look()
      return
    }
    const isFull = this.#connections >= connectionsMax
    const isUnseen = this.#connections >= LOOK_CONNECTIONS_MIN && this.#cancelLook === null
    // At once, in the middle of accepting: whoever waits behind this one is left to the kernel.
    if (isFull || isUnseen) this.#look()
  }

  /** Until the next look as many places would stay empty as clients leave in that time. */
  #isToOpen(): boolean {
    const { accepting, sinceMs } = this.#state
    const { clock, connectionsMax } = this.#surroundings
    if (accepting !== ACCEPTING.FULL || !hasRoom(this.#connections, connectionsMax)) return false
    return clock.monotonic() - sinceMs >= CLOSED_MS_MIN
  }

  #look(): void {
    const door = this.#door
    if (door === null) return
    const { clock, connectionsMax, onChange } = this.#surroundings
    const nowMs = clock.monotonic()
    const facts = { connections: this.#connections, connectionsMax, lagMs: this.#lagMs, nowMs }
    const before = this.#state.accepting
    this.#state = lookAtAccepting(this.#state, facts)
    const { accepting } = this.#state
    if (accepting !== ACCEPTING.OPEN) door.pauseAccepting()
    else if (!door.isAccepting) door.resumeAccepting()
    if (accepting !== before) onChange(accepting)
    const isQuiet = door.isAccepting && this.#connections < LOOK_CONNECTIONS_MIN
    if (isQuiet) this.#lagMs = 0
    else if (this.#cancelLook === null) this.#arm(nowMs + LOOK_MS)
  }

  #arm(dueMs: number): void {
    const { clock } = this.#surroundings
    const cancel = clock.setTimer(LOOK_MS, () => {
      this.#cancelLook = null
      this.#lagMs = clock.monotonic() - dueMs
      this.#look()
    })
    this.#cancelLook = () => {
      cancel()
      this.#cancelLook = null
    }
  }
}
