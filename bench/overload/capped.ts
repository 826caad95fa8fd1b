/**
 * A tiny model, for which refusing costs nearly as much as serving: what protects it is that only
 * so many connections are served at once. Clients wait for their answers, so load is connections.
 */

import { FEATURES_BODY, JSON_HEADERS } from '../fixtures.ts'
import type { Target } from '../load/load.ts'
import { runLoad, runReconnecting } from '../load/run-load.ts'
import { until } from '../measure/processes.ts'
import type { Server } from '../servers/server.ts'
import { CAPPED_CONNECTIONS, DEADLINE_MS } from './world.ts'

/** Times the connections that are let in. */
export const CAPPED_LOADS = [1, 2, 5, 10] as const

export interface CappedTrial {
  readonly load: number
  /** Good answers a second while clients keep their connections and others want to come in. */
  readonly kept: number
  /** The same where all close theirs after some requests: who comes in changes all the time. */
  readonly reconnecting: number
}

const REQUESTS_PER_CONNECTION = 50
const FREE_MS_MAX = 10_000

/** As many connections as are let in, by a client that is no limit, and a crowd outside. */
const runKept = async (target: Target, load: number, seconds: number): Promise<number> => {
  const plan = { target, connections: CAPPED_CONNECTIONS, seconds, perSecond: null }
  const crowd = (load - 1) * CAPPED_CONNECTIONS
  const [inside, outside] = await Promise.all([
    runLoad(plan),
    crowd === 0 ? null : runClients(target, crowd, seconds),
  ])
  const good = (inside.requests - inside.badAnswers) / inside.seconds
  return good + (outside === null ? 0 : outside.good / outside.seconds)
}

/** Until nobody of an earlier load is left inside: a client is let in. */
const untilFree = ({ port }: Server): Promise<void> =>
  until('a connection', FREE_MS_MAX, async () => {
    try {
      const headers = { connection: 'close' }
      const response = await fetch(`http://127.0.0.1:${port}/readyz`, { headers })
      await response.arrayBuffer()
      return response.ok
    } catch {
      return false // full still
    }
  })

const runClients = async (target: Target, clients: number, seconds: number) => {
  const result = await runReconnecting({
    ...{ target, clients, seconds },
    requestsPerConnection: REQUESTS_PER_CONNECTION,
    deadlineMs: DEADLINE_MS,
  })
  if (result.failed > 0) throw new Error(`${result.failed} answers were neither 200 nor 503`)
  return result
}

export const runCapped = async (
  server: Server,
  load: number,
  seconds: number,
): Promise<CappedTrial> => {
  const { port, path } = server
  const target = { port, path, body: FEATURES_BODY, headers: JSON_HEADERS }
  await untilFree(server)
  const kept = await runKept(target, load, seconds)
  await untilFree(server)
  const { good, seconds: took } = await runClients(target, load * CAPPED_CONNECTIONS, seconds)
  return { load, kept, reconnecting: good / took }
}
