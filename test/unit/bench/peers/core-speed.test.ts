import { expect, test } from 'vitest'
import { lowSpeedBetween, meanSpeedBetween } from '../../../../bench/peers/core-speed.ts'

const samples = Array.from({ length: 20 }, (_, i) => ({ atMs: i, rowsPerSecond: 100 + i }))

test('meanSpeedBetween() and lowSpeedBetween() take what was seen between two moments', () => {
  expect(meanSpeedBetween(samples, 17, 19)).toBe(117.5)
  expect(lowSpeedBetween(samples, 0, 20)).toBe(101)
})

test('where nothing was seen there is no speed', () => {
  expect(() => meanSpeedBetween(samples, 20, 30)).toThrow('saw nothing')
  expect(() => lowSpeedBetween(samples, 3, 3)).toThrow('saw nothing')
})
