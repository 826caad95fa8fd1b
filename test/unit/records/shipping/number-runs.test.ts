import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberRuns } from '../../../../src/records/shipping/number-runs.ts'

test('numbers that lie side by side are one run', () => {
  const set = new NumberRuns([[1, 3]])
  for (const number of [5, 4, 9, 7, 8, 2]) set.add(number)
  expect(set.runs).toEqual([
    [1, 5],
    [7, 9],
  ])
})

test('it is a set, whatever comes, also after it was written down', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (numbers) => {
      const set = new NumberRuns()
      for (const number of numbers) set.add(number)
      const again = new NumberRuns(set.runs)
      for (let number = 0; number <= 21; number++) {
        const isIn = numbers.includes(number)
        expect([set.has(number), again.has(number)]).toEqual([isIn, isIn])
      }
      const { runs } = set
      expect(runs.every(([from, to], i) => from <= to && from > (runs[i - 1]?.[1] ?? -1) + 1)).toBe(
        true,
      )
    }),
  )
})

test('of too many runs the lowest are forgotten', () => {
  const set = new NumberRuns()
  for (let number = 1; number <= 3000; number += 2) set.add(number)
  expect(set.runs).toHaveLength(1000)
  expect([set.has(1), set.has(2999)]).toEqual([false, true])
})
