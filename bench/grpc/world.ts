/** The servers of the gRPC benchmark, and whether they answer what they should. */

import {
  BATCH_CALL_FORM,
  BINARY_FORM,
  CALL_FORM,
  MLP_REPOSITORY,
  type RequestForm,
} from '../fixtures.ts'
import { FRAME_BYTES } from '../load/call-plan.ts'
import { runCallGenerator, runCalls } from '../load/run-load.ts'
import { metricSum, readMetrics } from '../measure/metrics.ts'
import { runTrial } from '../measure/trial.ts'
import { type GrpcPeer, startGrpcPeer } from '../servers/grpc-peer.ts'
import type { Server } from '../servers/server.ts'
import { type SluiceServer, startSluice } from '../servers/sluice.ts'
import type { CallTrial, Streams } from './findings.ts'

const CHECK_SECONDS = 1

export interface Counted {
  readonly requests: number
  /** The message of the first answer, base64. */
  readonly answer: string
}

/** Looks into every answer of a second: both statuses, and ids that never come twice. */
export const checkCalls = async (
  server: Server,
  { path, body, headers, rows }: RequestForm,
): Promise<Counted> => {
  const target = { port: server.port, path, body, headers }
  const plan = { target, connections: 4, streams: 4, seconds: CHECK_SECONDS }
  const result = await runCallGenerator(plan)
  const { requests, failures, firstFailure, idsChecked, idsTwice, firstAnswer } = result
  const what = `${server.name}, ${rows} rows`
  if (failures > 0 || firstAnswer === null) {
    throw new Error(`${what}: ${failures} of ${requests} calls failed\n${firstFailure}`)
  }
  const isSluice = server.name === 'sluice'
  if (isSluice && (idsChecked === 0 || idsTwice > 0)) {
    throw new Error(`${what}: of ${idsChecked} prediction ids ${idsTwice} came twice`)
  }
  const ids = isSluice ? `, ${idsChecked} ids all different` : ''
  console.log(`checked ${what}: ${requests} calls, all with status 0${ids}`)
  return { requests, answer: firstAnswer }
}

/**
 * Has the gateway say how its calls ended: at least `answered` were good, and none failed. Who asks
 * by a tool that sees no status must be told; calls under way when a trial ends are aborted.
 */
export const checkCounts = async (sluice: SluiceServer, answered: number): Promise<void> => {
  const page = await readMetrics(sluice.controlPort)
  const count = (labels: Readonly<Record<string, string>>) =>
    metricSum(page, 'sluice_requests_total', { protocol: 'grpc', ...labels })
  const [all, ok, aborted] = [count({}), count({ outcome: 'ok' }), count({ outcome: 'aborted' })]
  const what = `the gateway counts ${all} calls, ${ok} ok, ${aborted} aborted`
  if (ok < answered || all > ok + aborted) {
    const series = page.split('\n').filter((line) => line.includes('protocol="grpc"'))
    throw new Error(`${what}; ${answered} were answered\n${series.join('\n')}`)
  }
  console.log(`${what}; ${answered} answers have come: all were good`)
}

export interface Setting {
  readonly server: Server
  readonly form: RequestForm
}

/** BINARY_FORM goes by HTTP/1.1; all else are calls over gRPC. */
export const runCallTrial = async (
  { server, form }: Setting,
  { connections, streams }: Streams,
  seconds: number,
  round: number,
): Promise<CallTrial> => {
  const isCall = form !== BINARY_FORM
  // As many requests are under way over HTTP/1.1 as are over gRPC.
  const plan = {
    connections: isCall ? connections : connections * streams,
    seconds,
    perSecond: null,
    form,
  }
  const trial = isCall
    ? await runTrial(server, plan, round, (load) => runCalls({ ...load, streams }))
    : await runTrial(server, plan, round)
  const { perSecond, dataCpuUs, allCpuUs } = trial
  const load = isCall ? `${connections}x${streams}` : 'HTTP'
  const cpu = `${dataCpuUs.toFixed(2)} us data thread, ${allCpuUs.toFixed(2)} us all`
  console.log(`  ${server.name} ${load} ${form.rows} rows: ${perSecond.toFixed(0)}/s, ${cpu}`)
  return { ...trial, streams: isCall ? streams : null }
}

export interface World {
  /** Its port of gRPC. */
  readonly sluice: Server
  /** The same gateway by HTTP. */
  readonly overHttp: SluiceServer
  readonly grpcJs: Server
  readonly http2: Server
  /** Calls that Sluice was asked meanwhile. */
  readonly checked: number
}

export const overGrpc = (server: SluiceServer): Server => ({
  ...server,
  port: server.grpcPort,
  path: CALL_FORM.path,
})

export const startGateway = (env: Readonly<Record<string, string>> = {}): Promise<SluiceServer> =>
  startSluice({ repository: MLP_REPOSITORY, endpoint: 'mlp', stateDir: null, env })

/** By the length of each form's message. */
export const answersBy = (one: Counted, batch: Counted): GrpcPeer['answers'] => ({
  [CALL_FORM.body.length - FRAME_BYTES]: one.answer,
  [BATCH_CALL_FORM.body.length - FRAME_BYTES]: batch.answer,
})

/** All servers, each of which has answered well; those started are added to `servers`. */
export const startAll = async (servers: Server[]): Promise<World> => {
  const overHttp = await startGateway()
  servers.push(overHttp)
  const sluice = overGrpc(overHttp)
  const one = await checkCalls(sluice, CALL_FORM)
  const batch = await checkCalls(sluice, BATCH_CALL_FORM)
  const answers = answersBy(one, batch)
  const startPeer = async (kind: GrpcPeer['kind']): Promise<Server> => {
    const peer = await startGrpcPeer({ kind, answers, path: CALL_FORM.path, env: {} })
    servers.push(peer)
    for (const form of [CALL_FORM, BATCH_CALL_FORM]) await checkCalls(peer, form)
    return peer
  }
  const grpcJs = await startPeer('grpc-js')
  const http2 = await startPeer('http2')
  return { sluice, overHttp, grpcJs, http2, checked: one.requests + batch.requests }
}
