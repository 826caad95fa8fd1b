/**
 * A tiny model, for which refusing costs nearly as much as serving: what protects it is that only
 * so many connections are served at once. Clients wait for their answers, so load is connections.
 */

import { FEATURES_BODY, JSON_HEADERS } from '../fixtures.ts'
import type { Target } from '../load/load.ts'
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
}

const REQUESTS_PER_CONNECTION = 50
const SETTLE_SECONDS = 0.5
const CHANGE_MS_MAX = 10_000

/** As many connections as are let in, by a client that is no limit, and a crowd outside. */
const runKept = async (target: Target, load: number, seconds: number): Promise<Answered> => {
  const plan = { target, connections: CAPPED_CONNECTIONS, seconds, perSecond: null }
  const crowd = (load - 1) * CAPPED_CONNECTIONS
  const endMs = performance.now() + seconds * 1000
  const runCrowd = async () => {
    await untilFull(target)
    const leftSeconds = Math.max(0.1, (endMs - performance.now()) / 1000)
    return runClients(target, crowd, leftSeconds)
  }
  const [inside, outside] = await Promise.all([runLoad(plan), crowd === 0 ? null : runCrowd()])
  const good = inside.requests - inside.badAnswers + (outside?.good ?? 0)
  return { good, seconds: inside.seconds }
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

const runClients = async (target: Target, clients: number, seconds: number) => {
  const result = await runReconnecting({
    ...{ target, clients, seconds, settleSeconds: SETTLE_SECONDS },
    requestsPerConnection: REQUESTS_PER_CONNECTION,
    deadlineMs: DEADLINE_MS,
  })
  if (result.failed > 0) throw new Error(`${result.failed} answers were neither 200 nor 503`)
  return result
}

const costOf = async (
  server: Server,
  core: CoreSpeed,
  run: () => Promise<Answered>,
): Promise<GoodAnswers> => {
  await untilFree(server)
  const before = server.dataThreads()
  const [serverBusy, loadBusy] = [watchCore(0), watchCore(1)]
  const speed = core.watch()
  const { good, seconds } = await run()
  const spent = spentNs(before, server.dataThreads())
  return {
    goodPerSecond: good / seconds,
    loopPerSecond: speed(),
    cpuUs: spent / 1000 / Math.max(1, good),
    serverBusy: serverBusy(),
    loadBusy: loadBusy(),
  }
}

export const runCapped = async (
  server: Server,
  load: number,
  seconds: number,
  core: CoreSpeed,
): Promise<CappedTrial> => {
  const { port, path } = server
  const target = { port, path, body: FEATURES_BODY, headers: JSON_HEADERS }
  const kept = (times: number) => costOf(server, core, () => runKept(target, times, seconds))
  const reconnecting = (times: number) =>
    costOf(server, core, () => runClients(target, times * CAPPED_CONNECTIONS, seconds))
  return {
    load,
    kept: { alone: await kept(1), crowd: await kept(load) },
    reconnecting: { alone: await reconnecting(1), crowd: await reconnecting(load) },
  }
}
