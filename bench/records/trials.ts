/** Gateways that write records down, or do not, under one and the same load, in turn. */

import { setTimeout as delay } from 'node:timers/promises'
import { FEATURES_BODY, JSON_HEADERS, type RequestForm } from '../fixtures.ts'
import { spentNs, type ThreadTimes } from '../measure/cpu.ts'
import { runTrial, type Trial } from '../measure/trial.ts'
import type { Server } from '../servers/server.ts'
import type { SluiceServer } from '../servers/sluice.ts'

export interface RecordsTrial extends Trial {
  /** CPU of the spool thread, microseconds a request; NaN where there is none. */
  readonly spoolCpuUs: number
  /** CPU of all processes until they were at rest again, microseconds a request. */
  readonly settledCpuUs: number
}

/** At rest: all threads together were so long, and not longer, on a CPU. */
const LOOK_MS = 100
const REST_NS_MAX = 5e6
const REST_LOOKS_MAX = 300

/** What is on its way to disk, and from there into files, belongs to the requests before. */
const untilAtRest = async (server: Server): Promise<ThreadTimes> => {
  let before = server.allThreads()
  for (let looks = 0; looks < REST_LOOKS_MAX; looks++) {
    await delay(LOOK_MS)
    const after = server.allThreads()
    if (spentNs(before, after) <= REST_NS_MAX) return after
    before = after
  }
  throw new Error(`${server.name} does not come to rest`)
}

export interface Turn {
  readonly connections: number
  readonly seconds: number
  readonly round: number
}

const spoolOf = (server: Server): ThreadTimes =>
  'spoolThreads' in server ? (server as SluiceServer).spoolThreads() : new Map()

/** One row of 30 features, as the server is asked for it. */
export const formOf = ({ path }: Server): RequestForm => ({
  ...{ path, body: FEATURES_BODY, headers: JSON_HEADERS, rows: 1 },
})

/** One server under load, and until what came of it is done. */
export const runTurn = async (server: Server, turn: Turn): Promise<RecordsTrial> => {
  const { round, ...load } = turn
  const spoolBefore = spoolOf(server)
  const allBefore = server.allThreads()
  const trial = await runTrial(server, { ...load, perSecond: null, form: formOf(server) }, round)
  const settled = await untilAtRest(server)
  const spoolAfter = spoolOf(server)
  const each = (ns: number) => ns / 1000 / trial.requests
  return {
    ...trial,
    spoolCpuUs: spoolAfter.size === 0 ? Number.NaN : each(spentNs(spoolBefore, spoolAfter)),
    settledCpuUs: each(spentNs(allBefore, settled)),
  }
}
