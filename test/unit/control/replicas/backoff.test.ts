import { expect, test } from 'vitest'
import { Backoff, countDeath, restartDelayMs } from '../../../../src/control/replicas/backoff.ts'

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

test('Backoff lets the next one start later at every death, and at once after a planned end', () => {
  const backoff = new Backoff()
  const starts: number[] = []
  const note = (isPlanned: boolean, healthyMs: number) => {
    backoff.noteEnd(isPlanned, healthyMs, 5000)
    starts.push(backoff.startAtMs - 5000)
  }
  for (const healthyMs of [0, 10, 0]) note(false, healthyMs)
  note(true, 0)
  note(false, 0)
  note(false, 60_000)
  expect(starts).toEqual([100, 200, 400, 0, 800, 100])
})
