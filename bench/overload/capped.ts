/**
 * A tiny model, for which refusing costs nearly as much as serving: what protects it is that only
 * so many connections are served at once. Clients wait for their answers, so load is connections.
 */

import { FEATURES_BODY, JSON_HEADERS } from '../fixtures.ts'
import { runLoad, runReconnecting } from '../load/run-load.ts'
import type { Server } from '../servers/server.ts'
import { CAPPED_CONNECTIONS, DEADLINE_MS } from './world.ts'

/** Times the connections that are let in. */
export const CAPPED_LOADS = [1, 2, 5, 10] as const

export interface CappedTrial {
  readonly load: number
  /** Good answers a second: 200, of reconnecting clients within the deadline. */
  readonly kept: number
  readonly reconnecting: number
}

const REQUESTS_PER_CONNECTION = 50

export const runCapped = async (
  server: Server,
  load: number,
  seconds: number,
): Promise<CappedTrial> => {
  const { port, path } = server
  const target = { port, path, body: FEATURES_BODY, headers: JSON_HEADERS }
  const clients = load * CAPPED_CONNECTIONS
  const kept = await runLoad({ target, connections: clients, seconds, perSecond: null })
  const anew = await runReconnecting({
    ...{ target, clients, seconds },
    requestsPerConnection: REQUESTS_PER_CONNECTION,
    deadlineMs: DEADLINE_MS,
  })
  if (anew.failed > 0) throw new Error(`${anew.failed} answers were neither 200 nor 503`)
  return {
    load,
    kept: (kept.requests - kept.badAnswers) / kept.seconds,
    reconnecting: anew.good / anew.seconds,
  }
}
