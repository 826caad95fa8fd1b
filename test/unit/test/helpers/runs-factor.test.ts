import { expect, test } from 'vitest'
import { runsFactor } from '../../../helpers/runs-factor.ts'

test('runsFactor() is what the tier says, else 1', () => {
  expect(runsFactor({})).toBe(1)
  expect(runsFactor({ SLUICE_TEST_RUNS_FACTOR: '20' })).toBe(20)
  expect(runsFactor({ SLUICE_TEST_RUNS_FACTOR: '0.5' })).toBe(0.5)
})

test('runsFactor() refuses what is no number above 0', () => {
  for (const given of ['often', '0', '-1', 'Infinity', '']) {
    expect(() => runsFactor({ SLUICE_TEST_RUNS_FACTOR: given })).toThrow('must be a number above 0')
  }
})
