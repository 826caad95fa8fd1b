/**
 * A tiny model, for which refusing costs nearly as much as serving: what protects it is that only
 * so many connections are served at once. Clients wait for their answers, so load is connections.
 */

import { FEATURES_BODY, JSON_HEADERS } from '../fixtures.ts'
import type { Target } from '../load/load.ts'
import type { ReconnectingPlan } from '../load/reconnecting-plan.ts'
import { runLoad, runReconnecting } from '../load/run-load.ts'
import { watchCore } from '../measure/cores.ts'
import { spentNs } from '../measure/cpu.ts'
import { until } from '../measure/processes.ts'
import type { CoreSpeed } from '../peers/core-speed.ts'
import type { Server } from '../servers/server.ts'
import { CAPPED_CONNECTIONS, DEADLINE_MS } from './world.ts'

/** Times the connections that are let in. */
export const CROWDS = [2, 5, 10] as const

export interface CappedTrial {
  readonly load: number
  /** While clients keep their connections and others want to come in. */
  readonly kept: Pair
  /** Where all close theirs after some requests: who comes in changes all the time. */
  readonly reconnecting: Pair
}

/** As many clients as are let in, and right after it `load` times as many. */
interface Pair {
  readonly alone: GoodAnswers
  readonly crowd: GoodAnswers
}

export interface GoodAnswers {
  readonly goodPerSecond: number
  /** Rows a second of CPU of a plain loop over the slow model on the same core, meanwhile. */
  readonly loopPerSecond: number
  /** CPU of the data thread for each. */
  readonly cpuUs: number
  /** Parts of the time in which the cores of server and load were busy. */
  readonly serverBusy: number
  readonly loadBusy: number
}

interface Answered {
  readonly good: number
  readonly seconds: number
  /** Ends with those whose answers do not count. */
  readonly outside: Promise<void> | null
}

const REQUESTS_PER_CONNECTION = 50
const SETTLE_SECONDS = 0.5
const CHANGE_MS_MAX = 10_000

/**
 * As many connections as are let in, by a client that is no limit, and a crowd outside. What the
 * crowd is answered, before and after, does not count.
 */
const runKept = async (
  target: Target,
  load: number,
  seconds: number,
  begin: () => void,
): Promise<Answered> => {
  const plan = { target, connections: CAPPED_CONNECTIONS, seconds, perSecond: null }
  const crowd = (load - 1) * CAPPED_CONNECTIONS
  const endMs = performance.now() + seconds * 1000
  const runCrowd = async () => {
    await untilFull(target)
    const leftSeconds = Math.max(0.1, (endMs - performance.now()) / 1000)
    await runClients(target, crowd, { settleSeconds: 0, seconds: leftSeconds })
  }
  begin()
  const outside = crowd === 0 ? null : runCrowd()
  const inside = await runLoad(plan)
  return { good: inside.requests - inside.badAnswers, seconds: inside.seconds, outside }
}

const isLetIn = async (port: number): Promise<boolean> => {
  try {
    const headers = { connection: 'close' }
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { headers })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // it is full
  }
}

/** So many looks in a row: while clients of an earlier load leave, one may be let in by chance. */
const FREE_LOOKS = 20

/** Until nobody of an earlier load is left inside. */
const untilFree = ({ port }: Server): Promise<void> => {
  let looks = 0
  return until('a free gateway', CHANGE_MS_MAX, async () => {
    looks = (await isLetIn(port)) ? looks + 1 : 0
    return looks === FREE_LOOKS
  })
}

/** Until those who keep their connections have all of them. */
const untilFull = ({ port }: Target): Promise<void> =>
  until('a full gateway', CHANGE_MS_MAX, async () => !(await isLetIn(port)))

const runClients = async (
  target: Target,
  clients: number,
  times: Pick<ReconnectingPlan, 'settleSeconds' | 'seconds'>,
  begin?: () => void,
) => {
  const plan = {
    ...{ target, clients, ...times },
    requestsPerConnection: REQUESTS_PER_CONNECTION,
    deadlineMs: DEADLINE_MS,
  }
  const result = await runReconnecting(plan, begin)
  if (result.failed > 0) throw new Error(`${result.failed} answers were neither 200 nor 503`)
  return result
}

const costOf = async (
  server: Server,
  core: CoreSpeed,
  run: (begin: () => void) => Promise<Answered>,
): Promise<GoodAnswers> => {
  await untilFree(server)
  const look = () => ({
    threads: server.dataThreads(),
    serverBusy: watchCore(0),
    loadBusy: watchCore(1),
    atMs: Date.now(),
  })
  let begun = look()
  const { good, seconds, outside } = await run(() => {
    begun = look()
  })
  const spent = spentNs(begun.threads, server.dataThreads())
  const answers = {
    goodPerSecond: good / seconds,
    loopPerSecond: core.meanBetween(begun.atMs, Date.now()),
    cpuUs: spent / 1000 / Math.max(1, good),
    serverBusy: begun.serverBusy(),
    loadBusy: begun.loadBusy(),
  }
  await outside
  return answers
}

export const runCapped = async (
  server: Server,
  load: number,
  seconds: number,
  core: CoreSpeed,
): Promise<CappedTrial> => {
  const { port, path } = server
  const target = { port, path, body: FEATURES_BODY, headers: JSON_HEADERS }
  const kept = (times: number) =>
    costOf(server, core, (begin) => runKept(target, times, seconds, begin))
  const reconnecting = (times: number) =>
    costOf(server, core, async (begin) => {
      const clients = times * CAPPED_CONNECTIONS
      const settled = { settleSeconds: SETTLE_SECONDS, seconds }
      return { ...(await runClients(target, clients, settled, begin)), outside: null }
    })
  return {
    load,
    kept: { alone: await kept(1), crowd: await kept(load) },
    reconnecting: { alone: await reconnecting(1), crowd: await reconnecting(load) },
  }
}
