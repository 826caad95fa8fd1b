/** What the rounds of the gRPC benchmark say. Pure. */

import { atLeast, atMost, type Gate } from '../measure/gate.ts'
import { type Line, lineOf } from '../measure/gates.ts'
import { spreadOf } from '../measure/statistics.ts'
import type { Trial } from '../measure/trial.ts'

export const CALL_WANTED = {
  /** Our data thread over the grpc-js echo, CPU of a call with one row. */
  call: 1.15,
  /** Rows a second of CPU: of 64-row calls over 64-row binary requests by HTTP. */
  rows: 0.8,
} as const

/** Calls under way on all connections together are the product. */
export interface Streams {
  readonly connections: number
  readonly streams: number
}

export const JUDGED: Streams = { connections: 8, streams: 16 }

export const BATCH_ROWS = 64

export interface CallTrial extends Trial {
  /** Of each connection; null: HTTP/1.1. */
  readonly streams: number | null
}

export interface CallSelection extends Streams {
  readonly server: string
  readonly rows: number
}

export const selectCalls = (trials: readonly CallTrial[], wanted: CallSelection): CallTrial[] =>
  trials.filter(
    ({ server, rows, connections, streams }) =>
      server === wanted.server &&
      rows === wanted.rows &&
      connections === wanted.connections &&
      streams === wanted.streams,
  )

/** Judged calls of one server. */
const judged = (trials: readonly CallTrial[], server: string, rows: number): CallTrial[] =>
  selectCalls(trials, { server, rows, ...JUDGED })

const overHttp = (trials: readonly CallTrial[]): CallTrial[] =>
  trials.filter(({ streams }) => streams === null)

/** CPU of the thread that answers, microseconds a call. */
const lowestUs = (trials: readonly Trial[]): number =>
  spreadOf(trials.map(({ dataCpuUs }) => dataCpuUs)).lowest

/** Gates whose trials are missing are left out. */
export const callGatesOf = (trials: readonly CallTrial[]): Gate[] => {
  const gates: Gate[] = []
  const ours = judged(trials, 'sluice', 1)
  const echo = judged(trials, 'grpc-js', 1)
  if (ours.length > 0 && echo.length > 0) {
    const share = lowestUs(ours) / lowestUs(echo)
    gates.push(atMost('CPU of a call, our data thread / grpc-js echo', share, CALL_WANTED.call))
  }
  const batches = judged(trials, 'sluice', BATCH_ROWS)
  const http = overHttp(trials)
  if (batches.length > 0 && http.length > 0) {
    const share = lowestUs(http) / lowestUs(batches)
    const name = `rows a second of CPU, ${BATCH_ROWS} a call, gRPC / binary HTTP`
    gates.push(atLeast(name, share, CALL_WANTED.rows))
  }
  return gates
}

/** Sentences beside the gates, for the record. */
export const remarksOf = (trials: readonly CallTrial[]): string[] => {
  const remarks: string[] = []
  const ours = judged(trials, 'sluice', 1)
  const ratio = (name: string, over: readonly Trial[], under: readonly Trial[]): void => {
    if (over.length === 0 || under.length === 0) return
    remarks.push(`${name}: ${(lowestUs(over) / lowestUs(under)).toFixed(3)}`)
  }
  const echo = judged(trials, 'grpc-js', 1)
  ratio('A/A of the grpc-js echo, CPU', echo, judged(trials, 'grpc-js again', 1))
  ratio('CPU of a call, our data thread / bare node:http2', ours, judged(trials, 'http2', 1))
  ratio('CPU of a call, grpc-js echo / bare node:http2', echo, judged(trials, 'http2', 1))
  const batches = judged(trials, 'sluice', BATCH_ROWS)
  const http = overHttp(trials)
  const [echoed] = [judged(trials, 'grpc-js', BATCH_ROWS)]
  ratio(`CPU of ${BATCH_ROWS} rows, our data thread / grpc-js echo`, batches, echoed)
  if (batches.length > 0 && http.length > 0) {
    const rate = (some: readonly Trial[]) => spreadOf(some.map((one) => one.perSecond)).median
    const share = rate(batches) / rate(http)
    remarks.push(`${BATCH_ROWS} rows a call, answers a second, gRPC / HTTP: ${share.toFixed(3)}`)
    const row = (some: readonly Trial[]) => (lowestUs(some) / BATCH_ROWS).toFixed(3)
    remarks.push(`CPU of a row: ${row(batches)} us over gRPC, ${row(http)} us over HTTP`)
  }
  return remarks
}

/** One line for each server, load and number of rows. */
export const callLinesOf = (trials: readonly CallTrial[]): Line[] => {
  const groups = Map.groupBy(trials, ({ server, rows, connections, streams }) => {
    const load = streams === null ? `${connections} HTTP/1.1` : `${connections}x${streams}`
    return `${load.padEnd(13)} ${server} ${rows === 1 ? '' : `${rows} rows`}`.trimEnd()
  })
  return [...groups].map(([what, some]) => lineOf(what, some))
}
