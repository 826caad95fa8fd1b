import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prepareMsMax } from '../../../../src/control/replicas/prepare-limit.ts'

const TIMER_MS_MAX = 2 ** 31 - 1

test.each([
  [0, 60_000, 60_000],
  [1, 60_000, 60_000],
  [7, 60_000, 420_000],
  [7, 1000, 420_000],
  [3, 120_000, 360_000],
])('prepareMsMax() of %i loads, each at most %i ms, is %i ms', (loads, loadMsMax, wanted) => {
  expect(prepareMsMax(loads, loadMsMax)).toBe(wanted)
})

test('prepareMsMax() never goes beyond what a timer can wait', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.integer({ min: 1000, max: 3_600_000 }), (loads, loadMsMax) => {
      const limitMs = prepareMsMax(loads, loadMsMax)
      expect(limitMs).toBeGreaterThanOrEqual(Math.max(60_000, loadMsMax))
      expect(limitMs).toBeLessThanOrEqual(TIMER_MS_MAX)
    }),
  )
})
