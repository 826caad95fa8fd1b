/**
 * Ten million records on their way: through rings into the segments of a spool that nobody has
 * emptied for long, from there by a shipper into Parquet files, and then asked for by SQL and
 * proved to be complete, as `sluice records query` and `sluice records verify` do it.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROW } from './fixtures.ts'
import { atLeast, atMost, type Gate, printGates } from './measure/gate.ts'
import { describeCommit, describeMachine } from './measure/machine.ts'
import { type Measured, runMeasured } from './measure/measured.ts'
import { atExit } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { type Backlog, makeBacklog } from './records/backlog.ts'
import { type Shipped, shipBacklog } from './records/shipping.ts'
import { writeResult } from './result-file.ts'

const RECORDS = 10_000_000
const RECORDS_TINY = 20_000
const GATEWAY = 'bench'
const REPLICAS = [0, 1]
/** More than a file has: what comes again is compressed to nothing. */
const ROWS = 2 ** 18
const ROWS_TINY = 1000
const HOUR_MS = 3_600_000
/** So many hours, and partitions. */
const HOURS = 24

export const ARCHIVE_WANTED = {
  /** Records a second into Parquet. */
  shipped: 150_000,
  spoolUs: 2,
  querySeconds: 10,
  verifySeconds: 60,
} as const

/** What an analyst asks, from all rows to a single one. */
const QUERIES: readonly (readonly [name: string, sql: string])[] = [
  ['count and mean', 'SELECT count(*) AS n, avg(score) AS score FROM predictions'],
  [
    'latency by variant',
    `SELECT variant, status, count(*) AS n, avg(latency_ms) AS mean,
     approx_quantile(latency_ms, 0.99) AS p99 FROM predictions GROUP BY ALL`,
  ],
  [
    'features by hour',
    `SELECT date_trunc('hour', time) AS hour, avg(f_f00) AS f00, stddev(f_f01) AS f01,
     count(*) FILTER (f_f02 > 0) AS n FROM predictions GROUP BY 1 ORDER BY 1`,
  ],
  ['one by its id', `SELECT * FROM predictions WHERE prediction_id = '${GATEWAY}.0.1-1-777'`],
]

interface Asked {
  readonly name: string
  readonly seconds: readonly number[]
  readonly peakMb: number
  readonly output: string
}

const sluice = (...words: readonly string[]): Promise<Measured> =>
  runMeasured([process.execPath, 'src/main.ts', 'records', ...words])

/** It is an optional dependency. */
const hasDuckDb = (): boolean => {
  try {
    import.meta.resolve('@duckdb/node-api')
    return true
  } catch {
    return false
  }
}

/** Several times over: the first reads files that were just written. */
const ask = async (name: string, words: readonly string[], times: number): Promise<Asked> => {
  const runs: Measured[] = []
  while (runs.length < times) runs.push(await sluice(...words))
  const seconds = runs.map((run) => run.seconds)
  const peakMb = Math.max(...runs.map((run) => run.peakMb))
  const all = seconds.map((each) => each.toFixed(2)).join(', ')
  console.log(`${name}: ${all} s, at most ${peakMb.toFixed(0)} MB`)
  return { name, seconds, peakMb, output: runs[0]!.output }
}

const slowestOf = (queries: readonly Asked[]): number =>
  Math.max(...queries.map(({ seconds }) => spreadOf(seconds).median))

const gatesOf = (
  backlog: Backlog,
  shipped: Shipped,
  queries: readonly Asked[],
  verify: Asked,
): Gate[] => [
  atMost('CPU of the spool, us a record', backlog.spoolUs, ARCHIVE_WANTED.spoolUs),
  atLeast('records shipped a second', shipped.perSecond, ARCHIVE_WANTED.shipped),
  ...(queries.length === 0
    ? []
    : [atMost('slowest query, seconds', slowestOf(queries), ARCHIVE_WANTED.querySeconds)]),
  atMost('verify, seconds', spreadOf(verify.seconds).median, ARCHIVE_WANTED.verifySeconds),
]

const checkQueries = (records: number, queries: readonly Asked[]): void => {
  const [first, last] = [queries[0], queries.at(-1)]
  if (first === undefined || last === undefined) return
  const [{ n }] = JSON.parse(first.output) as [{ n: number | string }]
  if (Number(n) !== records) throw new Error(`There are ${n} records, not ${records}`)
  const one = JSON.parse(last.output) as unknown[]
  if (one.length !== 1) throw new Error(`Of one id there are ${one.length} rows`)
}

const checkVerify = (records: number, verify: Asked): void => {
  const { ok, producers } = JSON.parse(verify.output) as {
    ok: boolean
    producers: readonly { present: number; duplicates: number; gaps: readonly object[] }[]
  }
  const present = producers.reduce((sum, each) => sum + each.present, 0)
  const isWhole = producers.every(({ duplicates, gaps }) => duplicates === 0 && gaps.length === 0)
  if (!ok || !isWhole || present !== records) throw new Error(`verify: ${verify.output}`)
}

/** False when a number of bench/README.md is missed. */
export const runArchive = async (options: BenchOptions): Promise<boolean> => {
  const { isTiny } = options
  const records = isTiny ? RECORDS_TINY : RECORDS
  const root = mkdtempSync(join(tmpdir(), 'bench-archive-'))
  atExit(() => rmSync(root, { recursive: true, force: true, maxRetries: 10 }))
  const { cpu, cores, node, kernel } = describeMachine()
  console.log(`${cores} x ${cpu}, node ${node}, kernel ${kernel}, commit ${describeCommit()}`)
  console.log(`${records} records of ${ROW.length} features, of ${HOURS} hours`)
  const toMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  const stateDir = join(root, 'state')
  const backlog = makeBacklog({
    ...{ folder: join(stateDir, 'spool'), gateway: GATEWAY, replicas: REPLICAS, records },
    ...{ fromMs: toMs - HOURS * HOUR_MS, toMs, rows: isTiny ? ROWS_TINY : ROWS },
  })
  const { ringUs, spoolUs, bytes, seconds } = backlog
  const each = `ring ${ringUs.toFixed(3)}, spool ${spoolUs.toFixed(3)} us of CPU a record`
  const rate = (records / seconds / 1e6).toFixed(2)
  console.log(
    `spooled: ${(bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s, ${rate} M/s; ${each}`,
  )
  const path = join(root, 'records')
  const shipped = await shipBacklog({ stateDir, path, gateway: GATEWAY, records })
  console.log(
    `shipped: ${(shipped.bytes / 1e9).toFixed(2)} GB of Parquet in ${shipped.seconds.toFixed(1)} s, ` +
      `${shipped.perSecond.toFixed(0)}/s, ${shipped.cpuUs.toFixed(2)} us of CPU a record, ` +
      `at most ${shipped.peakMb.toFixed(0)} MB`,
  )
  const times = isTiny ? 1 : 3
  const queries: Asked[] = []
  if (!hasDuckDb()) console.log('not run: queries, as DuckDB is not installed')
  for (const [name, sql] of hasDuckDb() ? QUERIES : []) {
    queries.push(await ask(name, ['query', sql, '--path', path, '--json'], times))
  }
  const verify = await ask('verify', ['verify', path, '--json'], times)
  checkQueries(records, queries)
  checkVerify(records, verify)
  const gates = gatesOf(backlog, shipped, queries, verify)
  printGates(gates)
  const asked = [...queries, verify].map(({ output: _, ...rest }) => rest)
  writeResult(options, { records, gates, backlog, shipped, asked })
  return isTiny || gates.every(({ isMet }) => isMet)
}
