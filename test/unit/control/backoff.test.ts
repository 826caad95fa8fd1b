import { expect, test } from 'vitest'
import { countDeath, restartDelayMs } from '../../../src/control/backoff.ts'

test('restartDelayMs() is 100 ms, doubles and stops at 30 s', () => {
  const deaths = Array.from({ length: 12 }, (_, n) => n)
  expect(deaths.map(restartDelayMs)).toEqual([
    0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
  ])
  expect(restartDelayMs(2000)).toBe(30_000)
})

test.each([
  [0, 0, 1],
  [3, 0, 4],
  [3, 59_999, 4],
  [3, 60_000, 1],
])('countDeath() after %i deaths and %i healthy ms is %i', (deaths, healthyMs, counted) => {
  expect(countDeath(deaths, healthyMs)).toBe(counted)
})
