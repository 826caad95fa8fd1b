/** When a data thread that drains may close what is still open. Pure. */

/**
 * Time for connections on which nothing is under way: their client may just be sending the next
 * request, which is answered with `connection: close`, or still be reading the last answer.
 */
const IDLE_GRACE_MS = 1000

export interface DrainFacts {
  /** Requests whose head has come and which are neither answered nor aborted. */
  readonly underWay: number
  /** Requests admitted and not accounted for yet, those of clients that have gone included. */
  readonly inFlight: number
  readonly connections: number
}

/**
 * One look. `quietSinceMs`: when nothing was under way any more, as the look before found it; null
 * when something was. Gives that value for the next look, and whether the thread may end.
 */
export const lookAtDrain = (
  { underWay, inFlight, connections }: DrainFacts,
  quietSinceMs: number | null,
  nowMs: number,
): { quietSinceMs: number | null; mayEnd: boolean } => {
  if (underWay > 0 || inFlight > 0) return { quietSinceMs: null, mayEnd: false }
  const sinceMs = quietSinceMs ?? nowMs
  return {
    quietSinceMs: sinceMs,
    mayEnd: connections === 0 || nowMs - sinceMs >= IDLE_GRACE_MS,
  }
}
