import { expect, test } from 'vitest'
import { propertyRuns, seedOf } from '../../../helpers/seeds.ts'

test('seedOf() gives the same seed unless another or a new one is asked for', () => {
  expect(seedOf('')).toBe(seedOf())
  expect(seedOf('7')).toBe(7)
  expect(Number.isInteger(seedOf('random'))).toBe(true)
})

test('seedOf() refuses what is no seed', () => {
  for (const given of ['seven', '1.5', '99999999999']) {
    expect(() => seedOf(given)).toThrow('SLUICE_TEST_SEED must be a whole number')
  }
})

test('propertyRuns() is at least one', () => {
  expect(propertyRuns(0)).toBe(1)
})
