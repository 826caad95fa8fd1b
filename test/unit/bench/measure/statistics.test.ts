import { expect, test } from 'vitest'
import { costRatio, spreadOf } from '../../../../bench/measure/statistics.ts'

test('spreadOf() refuses an empty list', () => {
  expect(() => spreadOf([])).toThrow('no values')
})

test('spreadOf() takes the middle of an odd number and the mean of the middle two of an even', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, lowest: 1, highest: 5 })
  expect(spreadOf([10, 9, 1, 2])).toEqual({ median: 5.5, lowest: 1, highest: 10 })
})

test('spreadOf() orders by value and leaves its argument alone', () => {
  const values = [100, 20, 3]
  expect(spreadOf(values)).toEqual({ median: 20, lowest: 3, highest: 100 })
  expect(values).toEqual([100, 20, 3])
})

test('costRatio() compares the lowest of both series', () => {
  expect(costRatio([8, 7, 9], [10, 14, 12])).toBe(0.7)
})
