import { expect, test } from 'vitest'
import { lowSpeedSince, meanSpeedSince } from '../../../../bench/peers/core-speed.ts'

const samples = Array.from({ length: 20 }, (_, i) => ({ atMs: i, rowsPerSecond: 100 + i }))

test('meanSpeedSince() and lowSpeedSince() take what was seen from a moment on', () => {
  expect([meanSpeedSince(samples, 18), lowSpeedSince(samples, 10)]).toEqual([118.5, 110])
  expect(meanSpeedSince(samples, 20)).toBeNaN()
})
