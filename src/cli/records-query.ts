/**
 * `sluice records query`: SQL over the recorded predictions, by DuckDB, which is loaded here and
 * nowhere else. Where it is not installed, the SQL is printed with its views, for who has it.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import { allFiles, viewStatements } from '../records/query-views.ts'
import { every, systemClock } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { type Interruption, listenForInterruption } from './interruption.ts'
import { complain, EXIT, paint, plain, print, warn } from './output.ts'
import { type QueriedFiles, type QueryScope, queriedFiles } from './query-files.ts'
import { type QueryForm, writeRows } from './query-output.ts'
import {
  confine,
  type DuckDb,
  databaseOptions,
  describeViews,
  makeViews,
  prepareReading,
  readingIn,
} from './query-session.ts'
import { listRecordFiles } from './record-files.ts'
import type { RecordsPlace } from './records-place.ts'

export interface QueryOptions {
  readonly place: RecordsPlace
  /** Files of hours that ended before are left out. */
  readonly sinceMs: number
  readonly json?: boolean
  readonly csv?: boolean
  /** SQL may read and write whatever its user may. */
  readonly allowFiles?: boolean
}

/** Version that is known to work: that of package.json. */
const PACKAGE = '@duckdb/node-api@1.5.6-r.1'

/** Files may be written anew, and so vanish, between two looks at them; not so often in a row. */
const TRIES_MAX = 5

const error = (message: string): void => {
  complain(paint('red', `✖ ${message.split('\n').map(plain).join('\n')}`, process.stderr))
}

const ONLY_READING =
  'One statement is wanted that reads, such as SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN; ' +
  '--allow-files allows all others'

/** A query, once the database is there. */
interface Job {
  readonly duckDb: DuckDb
  readonly sql: string
  readonly form: QueryForm
  readonly scope: QueryScope
  /** An empty folder. */
  readonly temporary: string
  readonly allowFiles: boolean
  readonly interruption: Interruption
}

/** Resolves with what is answered; null: it is none of what is allowed. */
const ask = async (
  connection: DuckDBConnection,
  { duckDb, sql, allowFiles }: Job,
  queried: QueriedFiles,
): Promise<DuckDBResult | null> => {
  const onBroken = (file: string) => warn(`without ${file}: it is no whole Parquet file`)
  if (allowFiles) {
    await makeViews(connection, queried, sql, onBroken)
    return connection.stream(sql)
  }
  // Before DuckDB looks at the text: what is refused must not have begun.
  await confine(connection, queried.folders)
  const reading = await readingIn(connection, sql)
  if (reading === null) return null
  await makeViews(connection, queried, sql, onBroken)
  const statement = await prepareReading(reading, duckDb)
  return statement === null ? null : statement.stream()
}

type Chunk = Awaited<ReturnType<DuckDBResult['fetchChunk']>>

async function* rowsFrom(result: DuckDBResult, first: Chunk) {
  for (let chunk = first; chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    yield chunk.getRows()
  }
}

/** Faults of files or of this machine; all others are the query's. */
const NOT_OF_QUERY = /^(?:IO|Out of Memory|INTERNAL|FATAL) Error|\.parquet'/

/** Says what DuckDB says of a query, and what there is to be asked; returns the exit code. */
const explain = async (
  connection: DuckDBConnection,
  message: string,
  queried: QueriedFiles,
): Promise<number> => {
  error(message)
  if (NOT_OF_QUERY.test(message)) {
    if (message.includes('.parquet')) complain('  move a file away that cannot be read')
    return EXIT.FAILURE
  }
  if (message.startsWith('Permission Error')) {
    complain('  only the records are open to SQL; --allow-files opens all files')
  }
  for (const line of await describeViews(connection, queried)) complain(`  ${plain(line)}`)
  return EXIT.INVALID
}

const isOfVanished = (message: string): boolean =>
  /^IO Error.*(No such file|No files found)/.test(message)

/** The exit code; null: a file has vanished before anything was printed. */
const runOnce = async (connection: DuckDBConnection, job: Job): Promise<number | null> => {
  let isPrinting = false
  const queried = await queriedFiles(job.scope, job.temporary)
  try {
    const result = await ask(connection, job, queried)
    if (result === null) {
      error(ONLY_READING)
      return EXIT.INVALID
    }
    const first = await result.fetchChunk()
    isPrinting = true
    const names = result.deduplicatedColumnNames()
    await writeRows(job.form, { names, chunks: rowsFrom(result, first) })
    return EXIT.OK
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown instanceof GatewayError) throw thrown
    if (job.interruption.code !== null) return job.interruption.code
    const message = thrown.message.replace(/^Failed to extract statements: /, '').trimEnd()
    return isOfVanished(message) && !isPrinting ? null : explain(connection, message, queried)
  }
}

const INTERRUPT_EVERY_MS = 50

/** Has a signal interrupt all that is run from now on; returns the end of that. */
const interruptOnSignal = ({ interruption }: Job, connection: DuckDBConnection): (() => void) => {
  let stop = () => {}
  interruption.onSignal(() => {
    // Once would be forgotten by a query that is about to begin.
    stop = every(systemClock, INTERRUPT_EVERY_MS, () => connection.interrupt())
  })
  return () => {
    interruption.onSignal(() => {})
    stop()
  }
}

const run = async (job: Job): Promise<number> => {
  const options = databaseOptions(job.temporary)
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const instance = await job.duckDb.DuckDBInstance.create(':memory:', options)
    const connection = await instance.connect()
    const release = interruptOnSignal(job, connection)
    try {
      await connection.run("SET TimeZone = 'UTC'")
      const code = job.interruption.code ?? (await runOnce(connection, job))
      if (code !== null) return code
    } finally {
      release()
      connection.closeSync()
      instance.closeSync()
    }
  }
  error('Files of the records vanish while they are looked at; try again')
  return EXIT.FAILURE
}

/** What to do without DuckDB; the SQL is on stdout. */
const printSql = (sql: string, path: string, why: string): number => {
  const [all, present] = [allFiles(path), listRecordFiles(path)]
  const files = {
    predictions: present.predictions.length > 0 ? all.predictions : [],
    feedback: present.feedback.length > 0 ? all.feedback : [],
    gaps: present.gaps.length > 0 ? all.gaps : [],
  }
  const statements = [...viewStatements(files, 'sorted out'), sql.replace(/;?\s*$/, '')]
  print(statements.map((statement) => `${statement};`).join('\n'))
  error(`DuckDB cannot be loaded: ${why}`)
  complain(`  install it by \`npm install ${PACKAGE}\`, or give the SQL above to its own command:`)
  complain('  sluice records query "SELECT ..." | duckdb')
  return EXIT.FAILURE
}

const load = async (): Promise<DuckDb | string> => {
  try {
    return await import('@duckdb/node-api')
  } catch (thrown) {
    return String((thrown as Error).message).split('\n', 1)[0] ?? ''
  }
}

/** `sql`: one statement; `-` reads it from stdin. */
export const query = async (sql: string, options: QueryOptions): Promise<number> => {
  const { json = false, csv = false, allowFiles = false } = options
  const statement = sql === '-' ? await readAll(process.stdin) : sql
  const duckDb = await load()
  if (typeof duckDb === 'string') return printSql(statement, options.place.path, duckDb)
  const interruption = listenForInterruption()
  // What serves on this machine comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  const form = json ? 'json' : csv ? 'csv' : 'table'
  const temporary = mkdtempSync(join(tmpdir(), 'sluice-query-'))
  try {
    const { place, sinceMs } = options
    const scope = { place, sinceMs, isOver: () => interruption.code !== null }
    return await run({
      ...{ duckDb, sql: statement, form, scope, temporary, allowFiles, interruption },
    })
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
