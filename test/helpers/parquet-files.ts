/** Parquet files of records that tests make, and what DuckDB says of them. */

import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { sqlText } from '../../src/records/query-views.ts'
import {
  FEEDBACK_COLUMNS,
  GAP_COLUMNS,
  PREDICTION_COLUMNS,
  type RecordColumn,
} from '../../src/records/record-columns.ts'
import { atEnd } from './clean-up.ts'

type Cell = string | number | boolean | null
export type RecordRow = Readonly<Record<string, Cell>>

/**
 * A connection to a database in memory. Tests write one path again and again, which records do
 * never: DuckDB keeps what it has read, and a file of the same size in the same tick for the same.
 */
export const openDuckDb = async (): Promise<DuckDBConnection> => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run('SET enable_external_file_cache = false')
  atEnd(() => {
    connection.closeSync()
    instance.closeSync()
  })
  return connection
}

const literal = (value: Cell): string => (value === null ? 'NULL' : sqlText(String(value)))

/** What a row has whose test does not care. */
const USUAL: RecordRow = {
  ...{ time: '2026-01-02 03:00:00', endpoint: 'm', model: 'm', version: 1, variant: 'v1' },
  ...{ role: 'answer', row: 0, rows: 1, status: 200, producer: 'g.0.0-1', sequence: 1 },
}

const typeOf = (name: string, rows: readonly RecordRow[]): string => {
  const value = rows.map((row) => row[name]).find((one) => one != null)
  return typeof value === 'number' ? 'DOUBLE' : typeof value === 'boolean' ? 'BOOLEAN' : 'VARCHAR'
}

/** Columns of a table and, behind them, those that only rows name. */
const columnsOf = (columns: readonly RecordColumn[], rows: readonly RecordRow[]) => {
  const known = new Set(columns.map(({ name }) => name))
  const more = new Set(rows.flatMap((row) => Object.keys(row)).filter((name) => !known.has(name)))
  return [
    ...columns.map(({ name, type }) => ({ name, type: `${type}` })),
    ...[...more].map((name) => ({ name, type: typeOf(name, rows) })),
  ]
}

const write = async (
  path: string,
  table: readonly RecordColumn[],
  rows: readonly RecordRow[],
  facts: Readonly<Record<string, string>> = {},
) => {
  const columns = columnsOf(table, rows)
  const selects = rows.map((row) => {
    const whole: RecordRow = { ...USUAL, ...row }
    const id = `${whole['producer']}-${whole['sequence']}`
    const cells: RecordRow = { prediction_id: id, ...whole }
    const values = columns.map(
      ({ name, type }) => `${literal(cells[name] ?? null)}::${type} AS "${name}"`,
    )
    return `SELECT ${values.join(', ')}`
  })
  mkdirSync(dirname(path), { recursive: true })
  const connection = await openDuckDb()
  const pairs = Object.entries(facts).map(([key, value]) => `${sqlText(key)}: ${sqlText(value)}`)
  const metadata = pairs.length === 0 ? '' : `, KV_METADATA {${pairs.join(', ')}}`
  // As the shipper does: a file that has its name is whole.
  const aside = `${path}.tmp`
  await connection.run(
    `COPY (${selects.join(' UNION ALL ')}) TO ${sqlText(aside)} ` +
      `(FORMAT parquet, COMPRESSION zstd${metadata})`,
  )
  renameSync(aside, path)
}

/** A file of predictions, at `endpoint=m/date=2026-01-02/hour=03` unless `partition` says else. */
export const writePredictions = async (
  folder: string,
  file: string,
  rows: readonly RecordRow[],
  partition = 'endpoint=m/date=2026-01-02/hour=03',
  facts: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const path = join(folder, partition, file)
  await write(path, PREDICTION_COLUMNS, rows, facts)
  return path
}

const writeAt = async (
  path: string,
  table: readonly RecordColumn[],
  rows: readonly RecordRow[],
): Promise<string> => {
  await write(path, table, rows)
  return path
}

export const writeFeedback = (folder: string, file: string, rows: readonly RecordRow[]) =>
  writeAt(
    join(folder, 'endpoint=_feedback/date=2026-01-02/hour=03', file),
    FEEDBACK_COLUMNS,
    rows.map((row) => ({ role: 'feedback', ...row })),
  )

export const writeGaps = (folder: string, file: string, rows: readonly RecordRow[]) =>
  writeAt(join(folder, '_gaps/date=2026-01-02/hour=03', file), GAP_COLUMNS, rows)
