/** One server under one load for a moment: the unit of which rounds are made. */

import type { RequestForm } from '../fixtures.ts'
import type { LoadPlan, LoadResult } from '../load/load.ts'
import { runLoad } from '../load/run-load.ts'
import type { Server } from '../servers/server.ts'
import { spentNs } from './cpu.ts'

export interface TrialPlan {
  readonly connections: number
  readonly seconds: number
  /** Null: closed loop. */
  readonly perSecond: number | null
  readonly form: RequestForm
}

export interface Trial {
  readonly server: string
  readonly round: number
  readonly connections: number
  readonly isOpen: boolean
  /** Which form of request: the path. */
  readonly path: string
  /** Of one request. */
  readonly rows: number
  readonly requests: number
  readonly failures: number
  readonly perSecond: number
  /** CPU of the threads that take requests, microseconds per request. */
  readonly dataCpuUs: number
  /** CPU of all processes of the server, microseconds per request. */
  readonly allCpuUs: number
  readonly p50Us: number
  readonly p99Us: number
}

const microseconds = (ns: number, requests: number): number => ns / requests / 1000

/** `load`: what asks; left out: over HTTP/1.1. */
export const runTrial = async (
  server: Server,
  plan: TrialPlan,
  round: number,
  load: (plan: LoadPlan) => Promise<LoadResult> = runLoad,
): Promise<Trial> => {
  const { form, connections, seconds, perSecond } = plan
  const { path, body, headers, rows } = form
  const target = { port: server.port, path, body, headers }
  const dataBefore = server.dataThreads()
  const allBefore = server.allThreads()
  if (dataBefore.size === 0) throw new Error(`${server.name} has no data thread`)
  const result = await load({ target, connections, seconds, perSecond })
  const dataAfter = server.dataThreads()
  if (dataAfter.size === 0) throw new Error(`${server.name} has ended`)
  const dataNs = spentNs(dataBefore, dataAfter)
  const allNs = spentNs(allBefore, server.allThreads())
  return {
    server: server.name,
    round,
    connections,
    isOpen: perSecond !== null,
    path,
    rows,
    requests: result.requests,
    failures: result.failures,
    perSecond: result.requests / result.seconds,
    dataCpuUs: microseconds(dataNs, result.requests),
    allCpuUs: microseconds(allNs, result.requests),
    p50Us: result.latencyUs.p50,
    p99Us: result.latencyUs.p99,
  }
}
