import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type RecycleLimits,
  recyclingDue,
  type Wear,
} from '../../../../src/control/replicas/recycling.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const LIMITS: RecycleLimits = { unloadsMax: 5, memoryBytesMax: 100, pauseSeconds: 60 }
const wear = (more: Partial<Wear> = {}): Wear => ({
  ...{ index: 0, incarnation: 1, unloads: 1, rssBytes: 1000, baseRssBytes: 1000 },
  ...{ versionBytes: 10, baseVersionBytes: 10 },
  ...more,
})
const due = (wears: readonly Wear[], limits = LIMITS, endedMs: number | null = null) =>
  recyclingDue(wears, wears.length, limits, endedMs, 100_000)

test('recyclingDue() names a replica that has unloaded often enough', () => {
  expect(due([wear({ unloads: 4 })])).toBeNull()
  const named = { index: 0, incarnation: 1, reason: 'unloads', figure: 5 }
  expect(due([wear({ unloads: 5 })])).toEqual(named)
  expect(due([wear({ unloads: 500 })], { ...LIMITS, unloadsMax: 0 })).toBeNull()
})

test('recyclingDue() names a replica whose memory did not come back after an unload', () => {
  const named = { index: 0, incarnation: 1, reason: 'memory', figure: 101 }
  expect(due([wear({ rssBytes: 1101 })])).toEqual(named)
  expect(due([wear({ rssBytes: 1100 })])).toBeNull()
  expect(due([wear({ rssBytes: 9999 })], { ...LIMITS, memoryBytesMax: 0 })).toBeNull()
  // What grows without an unload would grow in the next process as well.
  expect(due([wear({ rssBytes: 9999, unloads: 0 })])).toBeNull()
  // Before its first epoch there is no level to grow over.
  expect(due([wear({ rssBytes: 9999, baseRssBytes: 0 })])).toBeNull()
})

test('recyclingDue() leaves out what versions take that came later, and as much as they take', () => {
  expect(due([wear({ rssBytes: 1190, versionBytes: 100 })])).toBeNull()
  expect(due([wear({ rssBytes: 1191, versionBytes: 100 })])?.figure).toBe(101)
  expect(due([wear({ rssBytes: 1300, versionBytes: 300, baseVersionBytes: 300 })])).toBeNull()
  expect(due([wear({ rssBytes: 1301, versionBytes: 300, baseVersionBytes: 300 })])).not.toBeNull()
})

test('recyclingDue() waits between two, and while not all replicas serve', () => {
  const worn = [wear({ unloads: 9 })]
  expect(due(worn, LIMITS, 40_001)).toBeNull()
  expect(due(worn, LIMITS, 40_000)).not.toBeNull()
  expect(recyclingDue(worn, 2, LIMITS, null, 100_000)).toBeNull()
})

test('recyclingDue() names one replica at most, the one with most unloads of those due', () => {
  const anyWear = fc.record({
    index: fc.nat(9),
    incarnation: fc.nat(99),
    unloads: fc.nat(9),
    rssBytes: fc.nat(3000),
    baseRssBytes: fc.nat(2000),
    versionBytes: fc.nat(300),
    baseVersionBytes: fc.nat(300),
  })
  fc.assert(
    fc.property(fc.array(anyWear, { maxLength: 4 }), (wears) => {
      const named = due(wears)
      const alone = wears.filter((each) => due([each]) !== null)
      expect(named === null).toBe(alone.length === 0)
      if (named === null) return
      const most = Math.max(...alone.map(({ unloads }) => unloads))
      expect(alone.some((each) => each.unloads === most && each.index === named.index)).toBe(true)
    }),
    { numRuns: propertyRuns() },
  )
})
