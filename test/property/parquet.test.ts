/** What goes into a Parquet file of ours comes out of DuckDB, which others wrote. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endpointFolder } from '../../src/records/files/partitions.ts'
import { parquetFile } from '../../src/records/parquet-file.ts'
import { sqlText } from '../../src/records/query-views.ts'
import { openDuckDb } from '../helpers/parquet-files.ts'
import { anyTable, type Cell, fillTable } from '../helpers/records/tables.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const folder = makeTempDir('duckdb')
const path = join(folder, 'a.parquet')

/** Timestamps come as objects that hold microseconds. */
const plain = (value: unknown): Cell =>
  typeof value === 'object' && value !== null && 'micros' in value
    ? (value.micros as bigint)
    : (value as Cell)

const query = async (connection: DuckDBConnection, sql: string): Promise<Cell[][]> => {
  const rows = (await connection.runAndReadAll(sql)).getRows()
  return rows.map((row) => row.map(plain))
}

test('DuckDB reads every value of every type', async () => {
  const connection = await openDuckDb()
  await fc.assert(
    fc.asyncProperty(anyTable, async (rows) => {
      writeFileSync(path, parquetFile(fillTable(rows), {}))
      expect(await query(connection, `SELECT * FROM ${sqlText(path)}`)).toEqual(rows.rows)
    }),
    { numRuns: propertyRuns(50) },
  )
})

test('DuckDB finds what a condition asks for, whatever bounds a file names', async () => {
  const connection = await openDuckDb()
  const value = fc.oneof(
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(Number.NaN, 1 / 0, -1 / 0),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(value), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: -6, max: 6 }),
      async (cells, limit) => {
        const specs = [{ name: 'a', type: 'double' as const }]
        writeFileSync(path, parquetFile(fillTable({ specs, rows: cells.map((c) => [c]) }), {}))
        // In DuckDB NaN is greater than every number.
        const wanted = cells.filter((c) => c !== null && (Number.isNaN(c) || c > limit)).length
        const sql = `SELECT count(*) FROM ${sqlText(path)} WHERE a > ${limit}`
        expect(await query(connection, sql)).toEqual([[BigInt(wanted)]])
      },
    ),
    { numRuns: propertyRuns(50) },
  )
})

test('DuckDB reads a text of ten million characters', async () => {
  const connection = await openDuckDb()
  const text = 'é'.repeat(5_000_000)
  const specs = [{ name: 'a', type: 'text' as const }]
  writeFileSync(path, parquetFile(fillTable({ specs, rows: [[text], [null]] }), {}))
  const sql = `SELECT strlen(a), a = repeat('é', 5000000) FROM ${sqlText(path)}`
  expect(await query(connection, sql)).toEqual([
    [10_000_000n, true],
    [null, null],
  ])
})

test('DuckDB finds columns of any name, and endpoints of any in their paths', async () => {
  const connection = await openDuckDb()
  const names = ['f_a', 'f_ü😀', 'f_', 'f_"', "f_'", 'f_\0', 'f_a.b', 'f_../x', 'f_select']
  const specs = names.map((name) => ({ name, type: 'int32' as const }))
  const endpoints = ['1', '2026-01-01', 'NULL', 'ä ö', 'a=b', '..', "it's", '%41', 'null']
  for (const [index, endpoint] of endpoints.entries()) {
    const file = join(folder, 'tree', endpointFolder(endpoint, 5), 'g-1.parquet')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, parquetFile(fillTable({ specs, rows: [names.map(() => index)] }), {}))
  }
  const glob = sqlText(join(folder, 'tree', 'endpoint=*', '*', '*', '*.parquet'))
  const read = `read_parquet(${glob}, hive_partitioning = true, hive_types = {endpoint: VARCHAR})`
  const found = await query(connection, `SELECT endpoint, f_a FROM ${read} ORDER BY f_a`)
  expect(found).toEqual(endpoints.map((endpoint, index) => [endpoint, index]))
  const columns = await query(
    connection,
    `SELECT column_name FROM (DESCRIBE SELECT * FROM ${read})`,
  )
  expect(columns.flat().slice(0, names.length)).toEqual(names)
})
