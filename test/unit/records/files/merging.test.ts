import { expect, test } from 'vitest'
import { CONTENTS_KEY } from '../../../../src/records/files/contents.ts'
import { filesToMerge, Merger, unitedColumns } from '../../../../src/records/files/merging.ts'
import type { OwnFile } from '../../../../src/records/files/own-files.ts'
import { HOUR_MS } from '../../../../src/records/files/partitions.ts'
import { parquetFile } from '../../../../src/records/parquet-file.ts'
import { NumberRuns } from '../../../../src/records/shipping/number-runs.ts'
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

/** Files of an hour that is over, by their numbers from 1. */
const mergerOf = (
  all: readonly (Rows | 'damaged')[],
  bytesMax?: number,
  folderOf = (_index: number) => 'a/0',
) => {
  const counted = new NumberRuns()
  const files = new CrashFiles()
  const own = all.map((rows, index) => {
    const bytes = rows === 'damaged' ? new Uint8Array(99) : parquetFile(fillTable(rows), {})
    putFile(files, `/${index + 1}`, bytes)
    return { ...file(0, index + 1, bytes.length), path: `${index + 1}`, folder: folderOf(index) }
  })
  const faults: string[] = []
  const onFault = (path: string) => void faults.push(path)
  const merger = new Merger({ files, root: '/', onFault, ...(bytesMax && { bytesMax }) })
  const gone = new Set<number>()
  const merge = async () => {
    const merged = await merger.merge(
      own.filter(({ number }) => !gone.has(number)),
      { wallMs: 5 * HOUR_MS, mayMerge: () => true, countedOf: () => counted },
    )
    expect(files.openFiles).toBe(0)
    for (const { number } of merged?.files ?? []) gone.add(number)
    return merged
  }
  return { merger, merge, faults }
}
const INT: ColumnSpec = { name: 'a', type: 'int32' }
const TEXT: ColumnSpec = { name: 'b', type: 'text' }

test('merge() gives the rows of all files in their order', async () => {
  const { merge } = mergerOf([
    { specs: [INT], rows: [[1], [2]] },
    { specs: [INT, TEXT], rows: [[3, 'x']] },
  ])
  const { table } = (await merge())!
  const rows = [0, 1, 2].map((row) => table.columns.map((column) => column.valueAt(row)))
  expect(rows).toEqual([
    [1, null],
    [2, null],
    [3, 'x'],
  ])
})

test('merge() takes no more at once than fits in memory, whatever it takes on the disk', async () => {
  const texts = (count: number): Rows => ({
    specs: [TEXT],
    rows: Array.from({ length: count }, () => ['x'.repeat(20_000)]),
  })
  // 200 kB in a few hundred bytes.
  const { merge, faults } = mergerOf([10, 50, 4, 4, 4].map(texts), 320_000)
  expect(numbers((await merge())!.files)).toEqual([1, 3])
  expect(numbers((await merge())!.files)).toEqual([4, 5])
  expect(await merge()).toBeNull()
  expect(faults).toEqual([])
})

test('merge() counts values that take nothing in a file', async () => {
  const rows = Array.from({ length: 1000 }, () => [0, 0, 0])
  const specs = ['a', 'b', 'c'].map((name): ColumnSpec => ({ name, type: 'double' }))
  const { merge } = mergerOf(
    [1, 2, 3].map(() => ({ specs, rows })),
    60_000,
  )
  expect(numbers((await merge())!.files)).toEqual([1, 2])
})

test('merge() leaves alone what fits to no other, and it holds up nothing', async () => {
  const { merge, merger } = mergerOf([
    { specs: [INT], rows: [[1]] },
    { specs: [{ ...INT, type: 'text' }], rows: [['y']] },
    { specs: [{ ...INT, name: 'A' }], rows: [[2]] },
    { specs: [{ ...INT, name: 'A' }], rows: [[3]] },
    { specs: [INT], rows: [[4]] },
  ])
  expect(numbers((await merge())!.files)).toEqual([1, 5])
  expect(await merge()).toBeNull()
  expect(numbers((await merge())!.files)).toEqual([3, 4])
  merger.forget('2')
  expect(await merge()).toBeNull()
})

test('merge() leaves alone what cannot be read, and says so once', async () => {
  const one: Rows = { specs: [INT], rows: [[1]] }
  const { merge, faults } = mergerOf(['damaged', one, 'damaged', one])
  expect(numbers((await merge())!.files)).toEqual([2, 4])
  expect(await merge()).toBeNull()
  expect(faults).toEqual(['1', '3'])
})

test('what an account has counted as given up is part of no other, nor what none knows', async () => {
  const files = new CrashFiles()
  const own = [1, 2, 3].map((number) => {
    const facts = { [CONTENTS_KEY]: `{"g.0.0-${number}":[1,1]}` }
    const bytes = parquetFile(fillTable({ specs: [INT], rows: [[number]] }), facts)
    putFile(files, `/${number}`, bytes)
    return { ...file(0, number, bytes.length), path: `${number}`, folder: 'a/0' }
  })
  let questions = 0
  const mergedBy = async (counted: NumberRuns | null | 'refused') => {
    questions = 0
    const countedOf = () => {
      questions++
      return counted
    }
    const merger = new Merger({ files, root: '/', onFault: () => {} })
    const may = { mayMerge: () => true, countedOf }
    const merged = await merger.merge(own, { wallMs: 5 * HOUR_MS, ...may })
    return merged?.files.map(({ number }) => number)
  }
  expect(await mergedBy(new NumberRuns())).toEqual([1, 2, 3])
  expect(await mergedBy(new NumberRuns([[2, 2]]))).toEqual([1, 3])
  expect(await mergedBy(null)).toBeUndefined()
  // A disk that refuses one may take seconds for each.
  expect(await mergedBy('refused')).toBeUndefined()
  expect(questions).toBe(1)
})
