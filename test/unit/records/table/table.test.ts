import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnType } from '../../../../src/records/table/column.ts'
import { Table } from '../../../../src/records/table/table.ts'
import { anyTable, fillTable } from '../../../helpers/records/tables.ts'

const TYPES: readonly ColumnType[] = [
  ...(['double', 'int32', 'int64', 'uint64', 'timestamp', 'boolean', 'text', 'id'] as const),
]

test('addRows() keeps the values of all columns while they grow', () => {
  fc.assert(
    fc.property(anyTable, (rows) => {
      const table = fillTable(rows)
      expect(table.rows).toBe(rows.rows.length)
      const found = rows.rows.map((_, row) => table.columns.map((column) => column.valueAt(row)))
      expect(found).toEqual(rows.rows)
    }),
  )
})

test('clear() leaves a table that is filled like a new one', () => {
  fc.assert(
    fc.property(anyTable, (rows) => {
      const table = fillTable(rows)
      table.clear()
      expect(table.usedBytes).toBe(0)
      expect(fillTable(rows, table).columns.map((column) => column.nullCount)).toEqual(
        fillTable(rows).columns.map((column) => column.nullCount),
      )
      const found = rows.rows.map((_, row) => table.columns.map((column) => column.valueAt(row)))
      expect(found).toEqual(rows.rows)
    }),
  )
})

test('usedBytes counts what rows take, texts included', () => {
  const table = new Table(TYPES.map((type) => ({ name: type, type })))
  const first = table.addRows(1)
  for (const column of table.columns) column.setNull(first)
  const before = table.usedBytes
  table.columns.at(-1)!.setText(table.addRows(1), 'x'.repeat(1000))
  expect(table.usedBytes - before).toBeGreaterThan(1000)
})

test('cut() takes back rows with all that was written into them', () => {
  const table = new Table([{ name: 'a', type: 'double' }])
  const [column] = table.columns
  table.addRows(3)
  column!.setNumber(0, 1)
  column!.setNull(1)
  column!.setNull(2)
  table.cut(2)
  table.addRows(1)
  column!.setNumber(2, 5)
  expect([0, 1, 2].map((row) => column!.valueAt(row))).toEqual([1, null, 5])
  expect(column!.nullCount).toBe(1)
})
