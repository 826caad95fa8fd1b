/**
 * Whether a data thread accepts connections. Pure.
 *
 * Refusing a tiny model's request costs nearly as much as answering it (reliability.md §3.2), so
 * load must be kept out before it is a request: a thread that is full, or behind, closes its
 * listener, and the kernel gives new connections to other threads or refuses them, which costs us
 * nothing. Over HTTP/1.1 a connection has one request under way: the cap bounds what can wait.
 */

/** ENDED: the thread drains, and its listener is closed for good. */
export const ACCEPTING = { OPEN: 0, FULL: 1, LATE: 2, ENDED: 3 } as const
export type Accepting = (typeof ACCEPTING)[keyof typeof ACCEPTING]
export const ACCEPTING_NAMES = ['open', 'full', 'late', 'ended'] as const

export interface AcceptFacts {
  /** Open ones of this thread, and the most that it may have. */
  readonly connections: number
  readonly connectionsMax: number
  /** By how much the event loop was late for its last look. */
  readonly lagMs: number
  readonly nowMs: number
}

export interface AcceptState {
  readonly accepting: Accepting
  /** When it became so. */
  readonly sinceMs: number
  /** Since when every look came late; null: the last did not. */
  readonly lateSinceMs: number | null
}

/** How often a thread with so many connections looks. */
export const LOOK_MS = 20
/**
 * With fewer a late loop is not the fault of connections: a machine that is busy with other things,
 * a version that loads. One more would change nothing.
 */
export const LOOK_CONNECTIONS_MIN = 64

const LATE_MS = 20
/** A run, a load or a large body may hold up the loop that long, and is no overload. */
const LATE_FOR_MS = 500
/** The longest that a thread which is not full accepts nothing. */
export const PAUSE_MS_MAX = 1000
/** Then it accepts for at least so long, in which every thread of a port lets some in. */
const OPEN_MS_MIN = 200

/** Whether a thread that was full has room again: when one in twenty has left, at least one. */
export const hasRoom = (connections: number, connectionsMax: number): boolean =>
  connections <= Math.min(connectionsMax - 1, Math.floor(connectionsMax * 0.95))

export const openState = (nowMs: number): AcceptState => ({
  accepting: ACCEPTING.OPEN,
  sinceMs: nowMs,
  lateSinceMs: null,
})

const next = (
  { accepting, sinceMs }: AcceptState,
  facts: AcceptFacts,
  lateSinceMs: number | null,
): Accepting => {
  const { connections, connectionsMax, nowMs } = facts
  if (connections >= connectionsMax) return ACCEPTING.FULL
  const forMs = nowMs - sinceMs
  if (accepting === ACCEPTING.OPEN) {
    const isLate = lateSinceMs !== null && nowMs - lateSinceMs >= LATE_FOR_MS
    const isLoaded = connections >= LOOK_CONNECTIONS_MIN
    return isLate && isLoaded && forMs >= OPEN_MS_MIN ? ACCEPTING.LATE : ACCEPTING.OPEN
  }
  if (forMs >= PAUSE_MS_MAX) return ACCEPTING.OPEN
  if (accepting === ACCEPTING.FULL && !hasRoom(connections, connectionsMax)) return accepting
  if (accepting === ACCEPTING.LATE && lateSinceMs !== null) return accepting
  return ACCEPTING.OPEN
}

/** To be asked at every look, and whenever a thread becomes full or has room again. */
export const lookAtAccepting = (state: AcceptState, facts: AcceptFacts): AcceptState => {
  const { lagMs, nowMs } = facts
  const lateSinceMs = lagMs <= LATE_MS ? null : (state.lateSinceMs ?? nowMs)
  const accepting = next(state, facts, lateSinceMs)
  if (accepting === state.accepting && lateSinceMs === state.lateSinceMs) return state
  const sinceMs = accepting === state.accepting ? state.sinceMs : nowMs
  return { accepting, sinceMs, lateSinceMs }
}
