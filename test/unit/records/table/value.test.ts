import { expect, test } from 'vitest'
import type { RecordValue } from '../../../../src/records/record.ts'
import { Column, type ColumnType } from '../../../../src/records/table/column.ts'
import { jsonOf, putValue, textOf } from '../../../../src/records/table/value.ts'

const put = (type: ColumnType, value: RecordValue | undefined) => {
  const column = new Column({ name: 'a', type })
  column.grow(1, 0)
  putValue(column, 0, value)
  return column.valueAt(0)
}

test('putValue() keeps what the type of a column can hold', () => {
  expect(put('double', 1.5)).toBe(1.5)
  expect(put('double', Number.NaN)).toBeNaN()
  expect(put('double', 2n ** 60n)).toBe(2 ** 60)
  expect(put('int64', 3)).toBe(3n)
  expect(put('int64', -(2n ** 63n))).toBe(-(2n ** 63n))
  expect(put('uint64', 2n ** 64n - 1n)).toBe(2n ** 64n - 1n)
  expect(put('int32', -7)).toBe(-7)
  expect(put('boolean', true)).toBe(true)
  expect(put('boolean', 0)).toBe(false)
  expect(put('text', 'x')).toBe('x')
  expect(put('text', 1.5)).toBe('1.5')
  expect(put('text', [1, [2n ** 60n, null]])).toBe('[1,["1152921504606846976",null]]')
})

test('putValue() makes null of what it cannot', () => {
  for (const [type, value] of [
    ...[['double', 'x'] as const, ['double', [1]] as const, ['double', undefined] as const],
    ...[['int64', 1.5] as const, ['int64', Number.NaN] as const, ['int64', 2n ** 63n] as const],
    ...[['uint64', -1n] as const, ['int32', 2 ** 40] as const, ['int32', 0.5] as const],
    ...[['boolean', 2] as const, ['boolean', 'true'] as const, ['text', null] as const],
  ]) {
    expect(put(type, value), `${type} ${value}`).toBeNull()
  }
})

test('jsonOf() and textOf() write what JSON has no number for', () => {
  expect(jsonOf({ a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: 2n ** 63n, d: true })).toBe(
    '{"a":"NaN","b":"-Infinity","c":"9223372036854775808","d":true}',
  )
  expect([0.1, 'x', true, 12n, ['a']].map((each) => textOf(each))).toEqual([
    ...['0.1', 'x', 'true', '12', '["a"]'],
  ])
})
