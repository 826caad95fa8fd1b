import { expect, test } from 'vitest'
import { encodeColumn } from '../../../../src/records/parquet/column-chunk.ts'
import { type Cell, fillTable } from '../../../helpers/records/tables.ts'

const encoded = (type: 'double' | 'int64' | 'text' | 'id' | 'int32', cells: readonly Cell[]) => {
  const table = fillTable({ specs: [{ name: 'a', type }], rows: cells.map((cell) => [cell]) })
  return encodeColumn(table.columns[0]!, table.rows)
}
const many = (cell: Cell, count = 100): Cell[] => new Array<Cell>(count).fill(cell)

test('encodeColumn() keeps one value of many alike', () => {
  const { dictionary, values, bounds } = encoded('double', many(2.5))
  expect(dictionary?.count).toBe(1)
  // No bits for an index, and one run of 100.
  expect([...values]).toEqual([0, 200, 1])
  expect(bounds).toEqual({ min: 2.5, max: 2.5 })
})

test('encodeColumn() gives plain values where they differ', () => {
  const cells = Array.from({ length: 100 }, (_, i) => i / 3)
  const { dictionary, values, bounds } = encoded('double', cells)
  expect(dictionary).toBeNull()
  expect([...new Float64Array(values.slice().buffer)]).toEqual(cells)
  expect(bounds).toEqual({ min: 0, max: 33 })
})

test('encodeColumn() gives no bounds where a value is NaN, and none without values', () => {
  expect(encoded('double', [1, Number.NaN, 2]).bounds).toBeNull()
  expect(encoded('double', many(null)).bounds).toBeNull()
  expect(encoded('text', ['a', 'b']).bounds).toBeNull()
})

test('encodeColumn() bounds 64-bit integers as numbers, not as words', () => {
  const cells = [2n ** 32n, -1n, 5n, 2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n]
  expect(encoded('int64', cells).bounds).toEqual({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  expect(encoded('int64', [3n, 2n ** 31n, 2n ** 33n]).bounds).toEqual({ min: 3n, max: 2n ** 33n })
  expect(encoded('int32', [3, -5, 7]).bounds).toEqual({ min: -5, max: 7 })
})

test('encodeColumn() leaves nulls out of values and counts them', () => {
  const { values, nullCount, definitionLevels } = encoded('int32', [null, 7, null, 8])
  expect([...new Int32Array(values.slice().buffer)]).toEqual([7, 8])
  expect(nullCount).toBe(2)
  expect([...definitionLevels]).toEqual([3, 0b1010])
})

test('encodeColumn() has no dictionary for ids', () => {
  expect(encoded('id', many('x')).dictionary).toBeNull()
  expect(encoded('text', many('x')).dictionary?.count).toBe(1)
})

test('encodeColumn() refuses a required column that lacks a value', () => {
  const table = fillTable({
    specs: [{ name: 'a', type: 'int32', isRequired: true }],
    rows: [[1], [null]],
  })
  expect(() => encodeColumn(table.columns[0]!, 2)).toThrow(/lacks values/)
})
