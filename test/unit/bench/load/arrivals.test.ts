import { expect, test } from 'vitest'
import { poissonArrivals, seededUniform } from '../../../../bench/load/arrivals.ts'

const take = (next: () => number, count: number): number[] => Array.from({ length: count }, next)

test('seededUniform() repeats itself for a seed and differs between seeds', () => {
  expect(take(seededUniform(1), 50)).toEqual(take(seededUniform(1), 50))
  expect(take(seededUniform(1), 50)).not.toEqual(take(seededUniform(2), 50))
})

test('seededUniform() stays in [0, 1) with mean one half', () => {
  const values = take(seededUniform(3), 10_000)
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...values)).toBeLessThan(1)
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1)
})

test('poissonArrivals() ascend, at the rate asked for, with exponential gaps', () => {
  const perSecond = 2_000
  const times = take(poissonArrivals(perSecond, 5), 20_000)
  const gaps = times.map((ms, i) => ms - (times[i - 1] ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0)
  const meanMs = times.at(-1)! / times.length
  expect(meanMs / (1000 / perSecond)).toBeCloseTo(1, 1)
  // Of an exponential distribution, e^-1 of the gaps are longer than the mean.
  const longer = gaps.filter((gap) => gap > meanMs).length / gaps.length
  expect(longer).toBeCloseTo(Math.exp(-1), 1)
})
