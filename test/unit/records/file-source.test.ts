import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendRows, readTable, withRecordsFile } from '../../../src/records/file-source.ts'
import { parquetFile } from '../../../src/records/parquet-file.ts'
import { systemFiles } from '../../../src/records/spool/file-calls.ts'
import { Table } from '../../../src/records/table/table.ts'
import { anyTable, fillTable, type Rows } from '../../helpers/records/tables.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const folder = makeTempDir('parquet')
const path = join(folder, 'a.parquet')

const cellsOf = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) => table.columns.map((each) => each.valueAt(row)))

const write = (rows: Rows, facts = {}): void =>
  writeFileSync(path, parquetFile(fillTable(rows), facts))

test('readTable() gives back what parquetFile() was given', async () => {
  await fc.assert(
    fc.asyncProperty(anyTable, async (rows) => {
      write(rows)
      const table = await withRecordsFile(systemFiles, path, readTable)
      expect(cellsOf(table)).toEqual(rows.rows)
      const types = rows.specs.map(({ type }) => (type === 'id' ? 'text' : type))
      expect(table.columns.map(({ type }) => type)).toEqual(types)
    }),
  )
})

test('readTable() gives back a text of ten million characters', async () => {
  const text = 'é'.repeat(5_000_000)
  write({ specs: [{ name: 'a', type: 'text' }], rows: [[text], [null], ['b']] })
  const table = await withRecordsFile(systemFiles, path, readTable)
  expect(table.columns[0]!.valueAt(0) === text).toBe(true)
})

test('appendRows() adds the rows of several files, and nulls where one lacks a column', async () => {
  const table = new Table([
    { name: 'a', type: 'int32' },
    { name: 'b', type: 'text' },
  ])
  write({ specs: [{ name: 'a', type: 'int32' }], rows: [[1], [null]] })
  await withRecordsFile(systemFiles, path, (file) => appendRows(file, table))
  write({ specs: [{ name: 'b', type: 'text' }], rows: [['x']] })
  await withRecordsFile(systemFiles, path, (file) => appendRows(file, table))
  expect(cellsOf(table)).toEqual([
    [1, null],
    [null, null],
    [null, 'x'],
  ])
})

test('withRecordsFile() tells rows, columns and facts without reading them', async () => {
  const specs = [{ name: 'a', type: 'int64', isRequired: true }] as const
  write({ specs, rows: [[1n], [2n]] }, { 'sluice.a': '{"ä":1}' })
  const found = await withRecordsFile(systemFiles, path, ({ rows, columns, facts }) => ({
    ...{ rows, columns, facts },
  }))
  expect(found).toEqual({ rows: 2, columns: specs, facts: { 'sluice.a': '{"ä":1}' } })
})

test('withRecordsFile() throws on what is no Parquet file', async () => {
  for (const content of ['', 'PAR1', 'no such thing, but long enough to look at']) {
    writeFileSync(path, content)
    await expect(withRecordsFile(systemFiles, path, readTable)).rejects.toThrow(/\w/)
  }
})
