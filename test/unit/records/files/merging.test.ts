import { expect, test } from 'vitest'
import { filesToMerge, mergeFiles, unitedColumns } from '../../../../src/records/files/merging.ts'
import type { OwnFile } from '../../../../src/records/files/own-files.ts'
import { HOUR_MS } from '../../../../src/records/files/partitions.ts'
import { parquetFile } from '../../../../src/records/parquet-file.ts'
import type { ColumnSpec } from '../../../../src/records/table/column.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { fillTable, type Rows } from '../../../helpers/records/tables.ts'
import { putFile } from '../../../helpers/segments.ts'

const file = (hour: number, number: number, bytes = 1000): OwnFile => ({
  ...{ path: `a/${hour}/${number}`, folder: `a/${hour}`, hour, number, bytes, changedMs: 0 },
})
const many = (count: number, hour: number, bytes?: number) =>
  Array.from({ length: count }, (_, number) => file(hour, number, bytes))
const numbers = (files: readonly OwnFile[]) => files.map(({ number }) => number)

test('filesToMerge() takes the small files of an hour that is over', () => {
  const nowMs = 5.5 * HOUR_MS
  expect(filesToMerge(many(3, 4), nowMs).length).toBe(3)
  expect(filesToMerge(many(1, 4), nowMs)).toEqual([])
  expect(filesToMerge([file(4, 1), file(3, 2)], nowMs)).toEqual([])
  expect(filesToMerge([file(4, 1), file(4, 2, 2 ** 30), file(4, 3)], nowMs).length).toBe(2)
  // Records of the hour may still be on their way.
  expect(filesToMerge(many(3, 4), 5 * HOUR_MS + 1000)).toEqual([])
})

test('filesToMerge() takes those of the present hour where they are very many', () => {
  const nowMs = 5.5 * HOUR_MS
  expect(filesToMerge(many(64, 5), nowMs)).toEqual([])
  expect(filesToMerge(many(65, 5), nowMs).length).toBe(65)
})

test('filesToMerge() takes no more at once than fits in memory, the oldest first', () => {
  const files = many(20, 4, 1024 * 1024).toReversed()
  expect(numbers(filesToMerge(files, 6 * HOUR_MS))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('unitedColumns() unites what does not contradict itself', () => {
  const a: ColumnSpec = { name: 'a', type: 'int32' }
  const b: ColumnSpec = { name: 'b', type: 'text' }
  expect(unitedColumns([[a], [a, b]])).toEqual([a, b])
  expect(unitedColumns([[a], [{ ...a, type: 'text' }]])).toBeNull()
  expect(unitedColumns([[a], [{ name: 'A', type: 'int32' }]])).toBeNull()
})

test('mergeFiles() gives the rows of all files in their order', async () => {
  const files = new CrashFiles()
  const put = (path: string, rows: Rows) => putFile(files, path, parquetFile(fillTable(rows), {}))
  const specs: ColumnSpec[] = [{ name: 'a', type: 'int32' }]
  put('/1', { specs, rows: [[1], [2]] })
  put('/2', { specs: [...specs, { name: 'b', type: 'text' }], rows: [[3, 'x']] })
  const own = (path: string) => ({ ...file(0, 1), path })
  const merged = await mergeFiles(files, '/', [own('1'), own('2')])
  const rows = [0, 1, 2].map((row) => merged!.table.columns.map((column) => column.valueAt(row)))
  expect(rows).toEqual([
    [1, null],
    [2, null],
    [3, 'x'],
  ])
  put('/3', { specs: [{ name: 'a', type: 'text' }], rows: [['y']] })
  expect(await mergeFiles(files, '/', [own('1'), own('3')])).toBeNull()
  expect(files.openFiles).toBe(0)
})

test('mergeFiles() takes no more rows at once than fit in memory', async () => {
  const files = new CrashFiles()
  const specs: ColumnSpec[] = [{ name: 'a', type: 'int32' }]
  const all = [1, 2, 3].map((number) => {
    const bytes = parquetFile(fillTable({ specs, rows: [[number], [number]] }), {})
    putFile(files, `/${number}`, bytes)
    return { ...file(0, number), path: `${number}` }
  })
  const merged = await mergeFiles(files, '/', all, 5)
  expect(numbers(merged!.files)).toEqual([1, 2])
  expect(merged!.table.rows).toBe(4)
  expect(await mergeFiles(files, '/', all, 3)).toBeNull()
})
