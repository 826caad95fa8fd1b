import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Column } from '../../../../src/records/table/column.ts'

test('setNumber() writes safe integers as 64 bits', () => {
  const column = new Column({ name: 'a', type: 'int64' })
  column.grow(4, 0)
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.nat(3), (value, row) => {
      column.setNumber(row, value)
      expect(column.valueAt(row)).toBe(BigInt(value))
    }),
  )
})

test('setBigInt() writes unsigned integers of 64 bits', () => {
  const column = new Column({ name: 'a', type: 'uint64' })
  column.grow(1, 0)
  column.setBigInt(0, 2n ** 64n - 1n)
  expect(column.valueAt(0)).toBe(2n ** 64n - 1n)
})

test('grow() keeps values, nulls and texts', () => {
  const column = new Column({ name: 'a', type: 'text' })
  column.grow(2, 0)
  column.setText(0, 'x')
  column.setNull(1)
  column.grow(100, 2)
  column.setText(99, 'y')
  expect([0, 1, 99].map((row) => column.valueAt(row))).toEqual(['x', null, 'y'])
  expect(column.nullCount).toBe(1)
})
