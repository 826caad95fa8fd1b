/** What the rounds say: ratios, spreads and whether the gates hold. Pure. */

import { ECHOES, shareBeside } from './beside.ts'
import { atLeast, type Gate } from './gate.ts'
import { type Spread, spreadOf } from './statistics.ts'
import type { Trial } from './trial.ts'

/** Share of the echo's CPU in ours, 128 connections; times the throughput of FastAPI. */
export const WANTED = {
  dataThread: 0.72,
  allProcesses: 0.7,
  fastapiAt128: 9,
  fastapiAt1: 2,
  /** Of binary requests, one second of CPU of the data thread. */
  rowsPerCpuSecond: 1_200_000,
} as const

const CONNECTIONS = 128

export interface Selection {
  readonly server: string
  readonly connections: number
  readonly isOpen?: boolean
  /** Leave out to take the usual request of the server. */
  readonly path?: string
}

export const select = (trials: readonly Trial[], wanted: Selection): Trial[] =>
  trials.filter(
    (trial) =>
      trial.server === wanted.server &&
      trial.connections === wanted.connections &&
      trial.isOpen === (wanted.isOpen ?? false) &&
      (wanted.path === undefined || trial.path === wanted.path),
  )

const throughput = (trials: readonly Trial[]): Spread =>
  spreadOf(trials.map(({ perSecond }) => perSecond))

/** The paths of those forms of request that have gates. */
export interface JudgedPaths {
  readonly usual: string
  readonly binary: string
}

/** Rows of binary requests that a data thread answers in one second of its CPU. */
const binaryGate = (trials: readonly Trial[], path: string): Gate[] => {
  const binary = select(trials, { server: 'sluice', connections: CONNECTIONS, path })
  if (binary.length === 0) return []
  const rowsPerSecond = spreadOf(
    binary.map(({ rows, dataCpuUs }) => (rows * 1_000_000) / dataCpuUs),
  ).highest
  const name = 'rows of binary requests a second of CPU, data thread'
  return [atLeast(name, rowsPerSecond, WANTED.rowsPerCpuSecond)]
}

/** Gates of some forms of request; those whose trials are missing are left out. */
export const gatesOf = (trials: readonly Trial[], paths: JudgedPaths): Gate[] => {
  const path = paths.usual
  const gates: Gate[] = []
  const judged = trials.filter(
    (trial) =>
      trial.connections === CONNECTIONS &&
      !trial.isOpen &&
      (trial.server !== 'sluice' || trial.path === path),
  )
  const data = shareBeside(judged, 'sluice')
  if (!Number.isNaN(data)) {
    const all = shareBeside(judged, 'sluice', ECHOES, ({ allCpuUs }) => allCpuUs)
    gates.push(
      atLeast('CPU of the echo / of our data thread, 128 connections', data, WANTED.dataThread),
    )
    gates.push(atLeast('CPU of the echo / of all our processes', all, WANTED.allProcesses))
  }
  for (const [connections, wanted] of [
    [128, WANTED.fastapiAt128],
    [1, WANTED.fastapiAt1],
  ] as const) {
    const theirs = select(trials, { server: 'fastapi', connections })
    const mine = select(trials, { server: 'sluice', connections, path })
    if (theirs.length === 0 || mine.length === 0) continue
    const times = throughput(mine).median / throughput(theirs).median
    gates.push(atLeast(`throughput / FastAPI, ${connections} connections`, times, wanted))
  }
  return [...gates, ...binaryGate(trials, paths.binary)]
}

/** One line of the table: medians with ranges, lowest CPU. */
export interface Line {
  readonly what: string
  readonly rounds: number
  readonly failures: number
  readonly perSecond: Spread
  readonly dataCpuUs: number
  readonly allCpuUs: number
  readonly p50Us: number
  readonly p99Us: Spread
}

export const lineOf = (what: string, trials: readonly Trial[]): Line => ({
  what,
  rounds: trials.length,
  failures: trials.reduce((sum, { failures }) => sum + failures, 0),
  perSecond: throughput(trials),
  dataCpuUs: spreadOf(trials.map(({ dataCpuUs }) => dataCpuUs)).lowest,
  allCpuUs: spreadOf(trials.map(({ allCpuUs }) => allCpuUs)).lowest,
  p50Us: spreadOf(trials.map(({ p50Us }) => p50Us)).median,
  p99Us: spreadOf(trials.map(({ p99Us }) => p99Us)),
})
