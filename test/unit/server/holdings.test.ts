import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Holdings, type UnloadedVersion } from '../../../src/server/holdings.ts'
import { VersionNumbers } from '../../../src/server/version-numbers.ts'
import { plannedVersion } from '../../helpers/epoch-plans.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const SETTLE_MS = 500

/** Version n has the number n. */
const PLANNED = [1, 2, 3, 4].map((version) => plannedVersion({ model: 'm', version }))
const planned = (...numbers: number[]) => numbers.map((number) => PLANNED[number - 1]!)

const makeHoldings = () => {
  const clock = new FakeClock()
  const unloads: UnloadedVersion[] = []
  const versions = new VersionNumbers()
  for (const each of PLANNED) versions.numberOf(each)
  const state = { rssBytes: 100 }
  const holdings = new Holdings({
    ...{ clock, versions },
    rssBytes: () => state.rssBytes,
    onUnloaded: (name, unloaded) => {
      expect(name).toBe(`m v${unloaded.version}`)
      unloads.push(unloaded)
    },
  })
  return { clock, unloads, state, holdings }
}

test('Holdings measures from the commit that leaves a version out to its last thread', async () => {
  const { clock, unloads, state, holdings } = makeHoldings()
  for (const thread of [0, 1]) holdings.onHeld(thread, [1])
  holdings.onCommitted(planned(1))
  await clock.advance(SETTLE_MS)
  expect(holdings.baseRssBytes).toBe(100)
  for (const thread of [0, 1]) holdings.onHeld(thread, [1, 2])
  state.rssBytes = 170
  holdings.onCommitted(planned(2))
  holdings.onHeld(0, [2])
  expect(Object.fromEntries(holdings.held)).toEqual({ 1: 1, 2: 2 })
  expect(holdings.figures.loaded).toMatchObject([
    { model: 'm', version: 2, threads: 2 },
    { model: 'm', version: 1, threads: 1 },
  ])
  state.rssBytes = 150
  holdings.onHeld(1, [2])
  expect(holdings.unloads).toBe(1)
  state.rssBytes = 120
  await clock.advance(SETTLE_MS - 1)
  expect(unloads).toEqual([])
  await clock.advance(1)
  expect(unloads).toMatchObject([{ version: 1, rssBeforeBytes: 170, rssAfterBytes: 120 }])
  expect(holdings.baseRssBytes).toBe(100)
})

test('Holdings measures what was never committed from when the first thread let go', async () => {
  const { clock, unloads, state, holdings } = makeHoldings()
  holdings.onHeld(0, [1])
  holdings.onHeld(1, [1])
  state.rssBytes = 300
  holdings.onHeld(0, [])
  state.rssBytes = 200
  holdings.onHeld(1, [])
  await clock.advance(SETTLE_MS)
  expect(unloads).toMatchObject([{ version: 1, rssBeforeBytes: 300, rssAfterBytes: 200 }])
  expect(holdings.baseRssBytes).toBe(0)
})

test('Holdings reports each version once for every time that its last holder lets go', async () => {
  const step = fc.tuple(fc.nat({ max: 2 }), fc.uniqueArray(fc.integer({ min: 1, max: 4 })))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { clock, unloads, holdings } = makeHoldings()
      const threads = new Map<number, readonly number[]>()
      const expected: number[] = []
      const union = () => new Set([...threads.values()].flat())
      for (const [thread, versions] of steps) {
        const before = union()
        threads.set(thread, versions)
        expected.push(...[...before].filter((version) => !union().has(version)))
        holdings.onHeld(thread, versions)
      }
      await clock.advance(SETTLE_MS)
      expect(unloads.map(({ version }) => version).sort()).toEqual(expected.sort())
      expect(holdings.unloads).toBe(expected.length)
      expect(new Set(holdings.held.keys())).toEqual(union())
    }),
    { numRuns: propertyRuns() },
  )
})
