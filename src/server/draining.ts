/**
 * When a data thread that drains may close its listener, tell its clients to go, and end. Pure.
 *
 * In this order, and for all threads of a replica together: a client that is told to go connects
 * anew at once. Where a listener is open that drains as well, clients come back there as fast as
 * they are sent away, and when it closes some of them are just being accepted: in 20 restarts under
 * full load 2 of 32 clients were reset so.
 */

import { ACCEPTING } from './accepting.ts'

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

/** What one reading of the sockets may take at first, and how fast patience grows to the limit. */
const READ_MS = 0.05
const READ_MS_PER_MS = 0.002
const TRY_MS_MAX = 1000

/**
 * Whether this is a good moment to close the listener. A connection that the kernel has taken, but
 * the thread not yet accepted, is reset with it: the less time has gone by since sockets were read
 * (which accepts all), the fewer there are. Nothing but `net.ipv4.tcp_migrate_req` of the system
 * closes that window for good. Measured with 32 clients that connect anew for every request, and
 * runs of 5 ms: 20 listeners closed at once cost 8 requests, 32 closed so none.
 *
 * @param readMs since this turn of the event loop began to read its sockets
 * @param triedMs since the first try
 */
export const mayCloseListener = (readMs: number, triedMs: number): boolean =>
  readMs <= READ_MS + triedMs * READ_MS_PER_MS || triedMs >= TRY_MS_MAX

/** A thread that hangs, or never comes to close its listener, holds up the others so long. */
const OTHERS_MS_MAX = 2 * TRY_MS_MAX

/**
 * Whether clients may be told to go.
 *
 * @param accepting of each thread of the replica, as it is in its words
 * @param waitedMs since the listener of this one was closed
 */
export const maySendAway = (accepting: readonly number[], waitedMs: number): boolean =>
  waitedMs >= OTHERS_MS_MAX || accepting.every((state) => state === ACCEPTING.ENDED)
