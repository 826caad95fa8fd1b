import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LAST_AT, ROWS_AT, SECONDS_AT, SLOT_DOUBLES } from '../../../../src/shared/counters.ts'
import {
  ACTIVE,
  controlOf,
  deadWith,
  FLIGHTS,
  KEYS,
  replicaWith,
  rowsOf,
} from '../../../helpers/counted-control.ts'
import { STEPS, STEPS_WITH_PLANS } from '../../../helpers/figures-steps.ts'
import { exportedBy, FiguresWorld } from '../../../helpers/figures-world.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const QUANTUM = 2 ** -20
const NOTHING = new Float64Array(SLOT_DOUBLES)

/** A run with many times the usual runs shall not end by time. */
const LONG = { timeout: 300_000 }

test('poll() exports what was counted and lets no sum fall, whoever dies', LONG, async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const world = new FiguresWorld(KEYS, false)
      for (const step of steps) await world.run(step)
      await world.settle()
      expect(world.scraper.faults.slice(0, 3)).toEqual([])
      const { counted, base } = world
      const { slots, replicas, deadCpuSeconds } = world.snapshot!
      const quanta = (world.cuts + 1) * QUANTUM
      expect([...slots.keys()].sort()).toEqual([...KEYS].sort())
      for (const [key, slot] of slots) {
        const before = base.slots.get(key) ?? NOTHING
        const wanted = (counted.slots.get(key) ?? NOTHING).map((value, i) => value - before[i]!)
        // a reset takes the last run away from nobody
        wanted[LAST_AT]! += before[LAST_AT]!
        const found = slot.slice()
        for (const at of SECONDS_AT) {
          expect(Math.abs(found[at]! - wanted[at]!)).toBeLessThan(quanta)
          found[at] = wanted[at]!
        }
        expect(found).toEqual(wanted)
      }
      const cpuSeconds = replicas.reduce((sum, one) => sum + one.cpuSeconds, deadCpuSeconds)
      const wanted = counted.cpuSeconds - base.cpuSeconds
      expect(Math.abs(cpuSeconds - wanted)).toBeLessThan(quanta)
    }),
    { numRuns: propertyRuns(50) },
  )
})

test('poll() has Prometheus see no more than was counted, whoever dies', LONG, async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const world = new FiguresWorld(KEYS, false)
      for (const step of steps) await world.run(step)
      await world.settle()
      const { slots, cpuSeconds } = world.truth
      const nothing = { retired: new Map(), replicas: [] }
      const truth = exportedBy({ slots, ...nothing, deadCpuSeconds: cpuSeconds })
      // Microseconds are rounded from seconds that were cut.
      const slack = (world.cuts + 1) * (world.resets + 1)
      for (const [series, increase] of world.scraper.increase) {
        const most = (truth.get(series) ?? 0) + (/Us |CPU|_sum/.test(series) ? slack : 0)
        expect(increase, series).toBeLessThanOrEqual(most)
      }
    }),
    { numRuns: propertyRuns(50) },
  )
})

test('poll() lets no series fall while it is exported, whatever is planned', LONG, async () => {
  await fc.assert(
    fc.asyncProperty(STEPS_WITH_PLANS, async (steps) => {
      const world = new FiguresWorld(KEYS, true)
      for (const step of steps) await world.run(step)
      await world.settle()
      expect(world.scraper.faults.slice(0, 3)).toEqual([])
    }),
    { numRuns: propertyRuns(50) },
  )
})

const adoptedDied = (incarnation: number) => ({ incarnation, isAdopted: true })

test('poll() begins again from zero when figures died with the control that had them', async () => {
  // 5159 were exported before: 1823 of a replica that died together with that control.
  const living = replicaWith(3000, { index: 1, incarnation: 2, epoch: 3n, dead: deadWith(336) })
  const { statistics, poll } = controlOf(living)
  statistics.replicaDied(adoptedDied(1))
  expect(await rowsOf(poll())).toBe(0)
  living.slot(FLIGHTS)[ROWS_AT] = 3010
  expect(await rowsOf(poll())).toBe(10)
  statistics.replicaDied(adoptedDied(2))
  expect(await rowsOf(statistics.poll([], ACTIVE))).toBe(10)
})

test('poll() begins again from zero when an adopted replica dies before it has answered', async () => {
  const silent = replicaWith(7, { index: 0, incarnation: 1, epoch: 3n })
  const living = replicaWith(5, { index: 1, incarnation: 2, epoch: 3n, dead: deadWith(10) })
  silent.mode = 'silent'
  const { statistics, poll } = controlOf(silent, living)
  expect((await poll()).isWhole).toBe(false)
  statistics.replicaDied(adoptedDied(1))
  expect(await rowsOf(statistics.poll([living], ACTIVE))).toBe(0)
})

test('a reset outlives the control that made it, and an older sum does not undo it', async () => {
  const one = replicaWith(5, { index: 1, incarnation: 2, epoch: 3n, dead: deadWith(10) })
  const two = replicaWith(6, { index: 2, incarnation: 3, epoch: 3n, dead: deadWith(10) })
  const before = controlOf(one, two)
  before.statistics.replicaDied(adoptedDied(1))
  await before.poll()
  one.slot(FLIGHTS)[ROWS_AT]! += 4
  expect(await rowsOf(before.poll())).toBe(4)
  // Only the first was told; the second was not linked at that moment.
  one.hello = { epoch: 3n, dead: before.statistics.deadSums() }
  for (const replicas of [
    [one, two],
    [two, one],
  ]) {
    const after = controlOf(...replicas)
    expect(await rowsOf(after.poll())).toBe(4)
    expect(after.statistics.deadSums().resets).toBe(1n)
    const { deadCpuSeconds } = await after.poll()
    expect(deadCpuSeconds).toBe(0)
  }
})
