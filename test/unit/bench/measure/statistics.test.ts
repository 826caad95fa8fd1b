import { expect, test } from 'vitest'
import { costRatio, slopeOf, spreadOf } from '../../../../bench/measure/statistics.ts'

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

/** Resident megabytes after each of 40 quarter millions of requests, with a saw tooth of 12 MB. */
const samples = (megabytesPerMillion: number): [number, number][] =>
  Array.from({ length: 40 }, (_, i) => {
    const millions = i / 4
    return [millions, 90 + megabytesPerMillion * millions + (i % 5) * 3]
  })

test('slopeOf() finds a leak of one byte a request under the saw tooth of a heap', () => {
  expect(slopeOf(samples(1))).toBeCloseTo(1, 1)
  expect(slopeOf(samples(0))).toBeCloseTo(0, 1)
})

test('slopeOf() is not bent by an outlier', () => {
  const points = samples(0)
  points[20] = [5, 900]
  expect(slopeOf(points)).toBeCloseTo(0, 1)
})

test('slopeOf() leaves pairs with the same x out and needs two that differ', () => {
  expect(
    slopeOf([
      [1, 5],
      [1, 9],
      [2, 7],
    ]),
  ).toBe(0)
  expect(() =>
    slopeOf([
      [1, 5],
      [1, 9],
    ]),
  ).toThrow('no values')
})
