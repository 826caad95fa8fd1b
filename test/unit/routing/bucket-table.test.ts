import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BUCKETS, bucketOf, expandRuns, layOut } from '../../../src/routing/bucket-table.ts'

const weights = fc
  .array(fc.nat(1000), { minLength: 1, maxLength: 8 })
  .filter((parts) => parts.some((part) => part > 0))
  .map((parts) => {
    const sum = parts.reduce((a, b) => a + b, 0)
    const scaled = parts.map((part) => Math.floor((part * BUCKETS) / sum))
    scaled[0]! += BUCKETS - scaled.reduce((a, b) => a + b, 0)
    return scaled
  })

test('layOut() gives every variant its basis points, in order', () => {
  fc.assert(
    fc.property(weights, (weightsBp) => {
      const table = expandRuns(layOut(weightsBp))
      for (const [variant, weight] of weightsBp.entries()) {
        expect(table.filter((value) => value === variant).length).toBe(weight)
      }
      expect([...table]).toEqual([...table].sort((a, b) => a - b))
    }),
  )
})

test('expandRuns() refuses runs that do not cover all buckets', () => {
  expect(() => expandRuns([[9_999, 0]])).toThrow(/9999 of 10000/)
})

test('bucketOf() stays within the table and depends on the salt', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (salt, key) => {
      const bucket = bucketOf(salt, key)
      expect(bucket).toBeGreaterThanOrEqual(0)
      expect(bucket).toBeLessThan(BUCKETS)
    }),
  )
  const keys = Array.from({ length: 200 }, (_, i) => `user-${i}`)
  expect(keys.some((key) => bucketOf('a', key) !== bucketOf('b', key))).toBe(true)
})

test('bucketOf() spreads keys evenly', () => {
  const halves = [0, 0]
  for (let i = 0; i < 20_000; i++)
    halves[bucketOf('flight-delay', `${i}`) < BUCKETS / 2 ? 0 : 1]! += 1
  // 4 sigma of a binomial with n = 20,000, p = 1/2
  expect(Math.abs(halves[0]! - 10_000)).toBeLessThan(4 * Math.sqrt(20_000 / 4))
})
