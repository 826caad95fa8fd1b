import { expect, test } from 'vitest'
import { casesOf, hashNumbers, measureCase } from '../../../../bench/measure/micro-case.ts'

/** A clock that an operation moves by as much as it is said to cost. */
const countingCase = (costMs: number) => {
  let nowMs = 0
  let i = 0
  const micro = {
    name: 'counting',
    setup: () => () => {
      nowMs += costMs
      return i++
    },
  }
  return { micro, monotonic: () => nowMs }
}

test('measureCase() finds the cost of an operation', () => {
  const { micro, monotonic } = countingCase(0.001)
  const { name, lowestNs, medianNs } = measureCase(micro, { samples: 5, sampleMs: 1, monotonic })
  expect(name).toBe('counting')
  expect(lowestNs).toBeCloseTo(1000, 3)
  expect(medianNs).toBeCloseTo(1000, 3)
})

test('measureCase() shares the cost among the numbers of an operation', () => {
  const { micro, monotonic } = countingCase(0.001)
  const budget = { samples: 5, sampleMs: 1, monotonic }
  expect(measureCase(micro, budget).numberNs).toBeNull()
  expect(measureCase({ ...micro, numbers: 50 }, budget).numberNs).toBeCloseTo(20, 3)
})

test('measureCase() hashes the work, not the speed', () => {
  const works = [0.001, 0.004].map((costMs) => {
    const { micro, monotonic } = countingCase(costMs)
    return measureCase(micro, { samples: 1, sampleMs: 1, monotonic }).work
  })
  expect(works[0]).toBe(works[1])
})

test('hashNumbers() is FNV-1a: the empty input gives its offset basis, order matters', () => {
  expect(hashNumbers([])).toBe('811c9dc5')
  expect(hashNumbers([1, 2])).not.toBe(hashNumbers([2, 1]))
  expect(hashNumbers([0])).not.toBe(hashNumbers([-0]))
})

test('casesOf() finds cases alone and in arrays and leaves other exports out', () => {
  const one = { name: 'one', setup: () => () => 1 }
  const two = { name: 'two', setup: () => () => 2 }
  const exports = { one, list: [two], number: 5, text: 'x', nothing: null, half: { name: 'half' } }
  expect(casesOf(exports)).toEqual([one, two])
})
