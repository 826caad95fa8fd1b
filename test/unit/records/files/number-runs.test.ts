import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberRuns } from '../../../../src/records/files/number-runs.ts'

test('numbers that lie side by side are one run', () => {
  const set = new NumberRuns([[1, 3]])
  for (const number of [5, 4, 9, 7, 8, 2]) set.add(number)
  expect(set.runs).toEqual([
    [1, 5],
    [7, 9],
  ])
  for (const number of [3, 7, 9, 6, 1]) set.delete(number)
  expect(set.runs).toEqual([
    [2, 2],
    [4, 5],
    [8, 8],
  ])
})

test('it is a set, whatever comes and goes, also after it was written down', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20 }))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const [wanted, set] = [new Set<number>(), new NumberRuns()]
      for (const [isAdded, number] of steps) {
        wanted[isAdded ? 'add' : 'delete'](number)
        set[isAdded ? 'add' : 'delete'](number)
      }
      const again = new NumberRuns(set.runs)
      for (let number = 0; number <= 21; number++) {
        expect([set.has(number), again.has(number)]).toEqual(Array(2).fill(wanted.has(number)))
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
  for (let number = 1; number <= 30_000; number += 2) set.add(number)
  expect(set.runs).toHaveLength(10_000)
  expect([set.has(1), set.has(29_999)]).toEqual([false, true])
})
