/** What the rounds of the benchmark of records say. Pure. */

import { shareBeside } from '../measure/beside.ts'
import { atLeast, atMost, type Gate } from '../measure/gate.ts'
import { type Spread, spreadOf } from '../measure/statistics.ts'
import type { RecordsTrial } from './trials.ts'

/** Numbers of design §9 and of docs/guides/records.md. */
export const RECORDS_WANTED = {
  /** More CPU of the data thread for a request with 30 features, microseconds. */
  dataUs: 0.8,
  /** CPU of the spool thread for a record. */
  spoolUs: 2,
  /** CPU of the bare echo over that of the data thread. */
  echo: 0.67,
  /** Throughput of `process` over that of `memory`. */
  process: 0.85,
} as const

/** CPU is judged at so many connections, throughput at both. */
export const CPU_CONNECTIONS = 128
export const CONNECTIONS = [128, 16] as const

export const selectTurns = (
  trials: readonly RecordsTrial[],
  server: string,
  connections: number,
): RecordsTrial[] =>
  trials.filter((trial) => trial.server === server && trial.connections === connections)

const dataUs = (trials: readonly RecordsTrial[]): number[] =>
  trials.map(({ dataCpuUs }) => dataCpuUs)

/**
 * Throughput of a server over another's in the same round, which differ by less than rounds do:
 * the speed of a shared machine changes twofold within seconds.
 */
export const pairedShares = (
  trials: readonly RecordsTrial[],
  names: readonly [ours: string, theirs: string],
  connections: number,
): number[] => {
  const [ours, theirs] = names.map((name) => selectTurns(trials, name, connections))
  const median = (some: readonly RecordsTrial[]) =>
    spreadOf(some.map(({ perSecond }) => perSecond)).median
  const rounds = new Set(ours!.map(({ round }) => round))
  return [...rounds].flatMap((round) => {
    const own = ours!.filter((trial) => trial.round === round)
    const other = theirs!.filter((trial) => trial.round === round)
    return other.length === 0 ? [] : [median(own) / median(other)]
  })
}

/**
 * What the data thread of a server spends more for a request than without records, as on a core
 * that nobody disturbs: the median of what it is more beside trials without, of their lowest cost.
 */
export const moreUs = (trials: readonly RecordsTrial[], server: string): number => {
  const off = trials.filter((trial) => trial.server === 'off')
  const share = shareBeside(trials, server, ['off'])
  return Number.isNaN(share) ? share : (1 / share - 1) * spreadOf(dataUs(off)).lowest
}

/** Gates whose trials are missing are left out. */
export const recordGatesOf = (trials: readonly RecordsTrial[]): Gate[] => {
  const judged = trials.filter(({ connections }) => connections === CPU_CONNECTIONS)
  const memory = judged.filter(({ server }) => server === 'memory')
  const gates: Gate[] = []
  const more = moreUs(judged, 'memory')
  if (!Number.isNaN(more)) {
    gates.push(atMost('more CPU of the data thread, us a request', more, RECORDS_WANTED.dataUs))
    const spool = spreadOf(memory.map(({ spoolCpuUs }) => spoolCpuUs)).lowest
    gates.push(atMost('CPU of the spool thread, us a record', spool, RECORDS_WANTED.spoolUs))
  }
  const share = shareBeside(judged, 'memory')
  if (!Number.isNaN(share)) {
    gates.push(atLeast('CPU of the echo / of our data thread', share, RECORDS_WANTED.echo))
  }
  for (const connections of CONNECTIONS) {
    const shares = pairedShares(trials, ['process', 'memory'], connections)
    if (shares.length === 0) continue
    const name = `throughput of process / memory, ${connections} connections`
    gates.push(atLeast(name, spreadOf(shares).median, RECORDS_WANTED.process))
  }
  return gates
}

export interface RecordsLine {
  readonly what: string
  readonly trials: number
  readonly failures: number
  readonly perSecond: Spread
  /** CPU in microseconds a request: lowest, and as it varied. */
  readonly dataCpuUs: Spread
  readonly spoolCpuUs: Spread
  readonly settledCpuUs: Spread
  readonly p50Us: number
  readonly p99Us: Spread
}

/** One line for each server and number of connections. */
export const recordLinesOf = (trials: readonly RecordsTrial[]): RecordsLine[] => {
  const groups = Map.groupBy(
    trials,
    ({ server, connections }) => `x${String(connections).padEnd(4)}${server}`,
  )
  return [...groups].map(([what, some]) => {
    const spread = (of: (trial: RecordsTrial) => number) => spreadOf(some.map(of))
    return {
      what,
      trials: some.length,
      failures: some.reduce((sum, { failures }) => sum + failures, 0),
      perSecond: spread(({ perSecond }) => perSecond),
      dataCpuUs: spread(({ dataCpuUs }) => dataCpuUs),
      spoolCpuUs: spread(({ spoolCpuUs }) => spoolCpuUs),
      settledCpuUs: spread(({ settledCpuUs }) => settledCpuUs),
      p50Us: spread(({ p50Us }) => p50Us).median,
      p99Us: spread(({ p99Us }) => p99Us),
    }
  })
}
