import { expect, test } from 'vitest'
import {
  type Phase,
  phasedArrivals,
  poissonArrivals,
  secondsOf,
  seededUniform,
} from '../../../../bench/load/arrivals.ts'

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

const untilOver = (phases: readonly Phase[], seed: number): number[] => {
  const next = phasedArrivals(phases, seed)
  const all: number[] = []
  for (let at = next(); at < Number.POSITIVE_INFINITY; at = next()) all.push(at)
  return all
}

test('phasedArrivals() ascend, have the rate of each phase, and end with the last', () => {
  const phases = [
    { seconds: 5, perSecond: 1_000 },
    { seconds: 2, perSecond: 0 },
    { seconds: 5, perSecond: 4_000 },
  ]
  const times = untilOver(phases, 7)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  const between = (from: number, to: number) => times.filter((ms) => ms >= from && ms < to).length
  expect(between(0, 5_000) / 5_000).toBeCloseTo(1, 1)
  expect(between(5_000, 7_000)).toBe(0)
  expect(between(7_000, 12_000) / 20_000).toBeCloseTo(1, 1)
  expect(times.at(-1)).toBeLessThan(12_000)
  expect(secondsOf(phases)).toBe(12)
})

test('phasedArrivals() of one phase are poissonArrivals()', () => {
  const times = untilOver([{ seconds: 1, perSecond: 500 }], 11)
  const expected = take(poissonArrivals(500, 11), times.length)
  expect(times.map((ms) => ms.toFixed(6))).toEqual(expected.map((ms) => ms.toFixed(6)))
})

test('phasedArrivals() of no phase, and of phases without time or rate, are none', () => {
  const next = phasedArrivals([], 1)
  expect([next(), next()]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
  expect(
    untilOver(
      [
        { seconds: 0, perSecond: 1e9 },
        { seconds: 9, perSecond: 0 },
      ],
      1,
    ),
  ).toEqual([])
})
