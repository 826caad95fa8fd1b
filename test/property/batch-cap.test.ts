import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchCap } from '../../src/runtime/batch-cap.ts'

const US_MAX = 1e9
const times = fc.array(fc.double({ min: 0.01, max: US_MAX, noNaN: true }), {
  minLength: 1,
  maxLength: 12,
})
const runsOf = (us: readonly number[]) => us.map((each, i) => [2 ** i, each] as const)

test('batchCap() is the smallest measured size whose cost per row is within 10 % of the best', () => {
  fc.assert(
    fc.property(times, (us) => {
      const runs = runsOf(us)
      const cap = batchCap(runs)
      const costs = runs.map(([rows, each]) => each / rows)
      const best = Math.min(...costs)
      const at = runs.findIndex(([rows]) => rows === cap)
      expect(at).toBeGreaterThanOrEqual(0)
      expect(costs[at]).toBeLessThanOrEqual(best * 1.1)
      for (const cost of costs.slice(0, at)) expect(cost).toBeGreaterThan(best * 1.1)
    }),
  )
})

test('batchCap() does not depend on the unit of time', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 20 }), (us, power) => {
      const scaled = us.map((each) => each * 2 ** power)
      expect(batchCap(runsOf(scaled))).toBe(batchCap(runsOf(us)))
    }),
  )
})
