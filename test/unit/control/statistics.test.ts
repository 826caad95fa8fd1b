import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadSumsSchema, SlotSchema } from '../../../proto/gen/control_pb.ts'
import { type Askable, Statistics } from '../../../src/control/statistics.ts'
import {
  COMPUTE_AT,
  QUEUE_AT,
  ROWS_AT,
  SLOT_DOUBLES,
  slotKeyText,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import { LATENCY_SLOTS } from '../../../src/shared/latency-slots.ts'
import { answerKey, refusedKey } from '../../helpers/counted-slots.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { STEPS, STEPS_WITH_PLANS } from '../../helpers/figures-steps.ts'
import { FiguresWorld } from '../../helpers/figures-world.ts'
import { PuppetFigures, type PuppetPlace } from '../../helpers/puppet-figures.ts'

const FLIGHTS = slotKeyText(answerKey('flights'))
/** The same version under another name, another version, and requests that reached none. */
const KEYS = [
  FLIGHTS,
  slotKeyText(answerKey('flights', '1', 'canary')),
  slotKeyText(answerKey('flights', '2')),
  slotKeyText(refusedKey('flights')),
]
const SECONDS_AT = [TOTAL_AT, QUEUE_AT, COMPUTE_AT].map((at) => at + LATENCY_SLOTS)
const QUANTUM = 2 ** -20

/** A run with many times the usual runs shall not end by time. */
const LONG = { timeout: 300_000 }

test('poll() exports what was counted and lets no sum fall, whoever dies', LONG, async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const world = new FiguresWorld(KEYS, false)
      for (const step of steps) await world.run(step)
      await world.settle()
      expect(world.faults.slice(0, 3)).toEqual([])
      const { counted, cuts } = world
      const { slots, replicas, deadCpuSeconds } = world.snapshot!
      expect([...slots.keys()].sort()).toEqual([...counted.slots.keys()].sort())
      for (const [key, slot] of slots) {
        const wanted = counted.slots.get(key)!
        for (const at of SECONDS_AT) {
          expect(Math.abs(slot[at]! - wanted[at]!)).toBeLessThan((cuts + 1) * QUANTUM)
          slot[at] = wanted[at]!
        }
        expect(slot).toEqual(wanted)
      }
      const cpuSeconds = replicas.reduce((sum, one) => sum + one.cpuSeconds, deadCpuSeconds)
      expect(Math.abs(cpuSeconds - counted.cpuSeconds)).toBeLessThan((cuts + 1) * QUANTUM)
    }),
  )
})

test('poll() lets no series fall while it is exported, whatever is planned', LONG, async () => {
  await fc.assert(
    fc.asyncProperty(STEPS_WITH_PLANS, async (steps) => {
      const world = new FiguresWorld(KEYS, true)
      for (const step of steps) await world.run(step)
      await world.settle()
      expect(world.faults.slice(0, 3)).toEqual([])
    }),
  )
})

const ACTIVE = new Set(KEYS)

const controlOf = (...replicas: PuppetFigures[]) => {
  const clock = new FakeClock()
  const statistics = new Statistics(clock)
  for (const replica of replicas) statistics.replicaConnected(replica)
  const poll = (active: ReadonlySet<string> = ACTIVE) => statistics.poll(replicas, active)
  return { clock, statistics, poll }
}

const RETIRED_MS = 15 * 60_000 + 1

/** A replica that has answered so many rows. */
const replicaWith = (rows: number, place: PuppetPlace): PuppetFigures => {
  const replica = new PuppetFigures(place)
  replica.slot(FLIGHTS)[ROWS_AT] = rows
  return replica
}

const deadWith = (rows: number, values = SLOT_DOUBLES) => {
  const slot = new Array<number>(values).fill(0)
  slot[ROWS_AT] = rows
  const slots = [create(SlotSchema, { key: FLIGHTS, values: slot })]
  return create(DeadSumsSchema, { slots, cpuSeconds: rows })
}

const rowsOf = async (snapshot: ReturnType<Statistics['poll']>) =>
  (await snapshot).slots.get(FLIGHTS)?.[ROWS_AT]

test('poll() asks a replica once while the answer is under way, and hears it once', async () => {
  const replica = replicaWith(1, { index: 0, incarnation: 1 })
  replica.mode = 'held'
  const { poll } = controlOf(replica)
  const both = Promise.all([rowsOf(poll()), rowsOf(poll())])
  expect(replica.asked).toBe(1)
  replica.release()
  expect(await both).toEqual([1, 1])
  replica.mode = 'answers'
  await poll()
  expect(replica.asked).toBe(2)
})

test('poll() gives a replica 200 ms and asks nobody who has not said Hello', async () => {
  const replica = new PuppetFigures({ index: 0, incarnation: 1 })
  const asked: number[] = []
  const link: Askable['link'] = {
    call: (_, timeoutMs) => {
      asked.push(timeoutMs)
      return Promise.reject(new Error('no answer in time'))
    },
  }
  const known: Askable = { index: 0, pid: 1, incarnation: 1, hello: replica.hello, link }
  const { statistics } = controlOf(replica)
  await statistics.poll([known, { ...known, incarnation: 2 }], ACTIVE)
  expect(asked).toEqual([200])
})

test('poll() ages the figures of a silent replica and keeps them', async () => {
  const replica = replicaWith(7, { index: 0, incarnation: 1 })
  replica.mode = 'silent'
  const { clock, poll } = controlOf(replica)
  await clock.advance(300)
  const [never] = (await poll()).replicas
  expect(never).toMatchObject({ hasFigures: false, ageMs: 300, pid: replica.pid, threads: [] })
  replica.mode = 'answers'
  expect((await poll()).replicas[0]).toMatchObject({ hasFigures: true, ageMs: 0 })
  replica.mode = 'silent'
  await clock.advance(4000)
  const { replicas, slots } = await poll()
  expect(replicas[0]).toMatchObject({ hasFigures: true, ageMs: 4000 })
  expect(replicas[0]!.threads).toMatchObject([{ thread: 0, inFlight: 2 }])
  expect(slots.get(FLIGHTS)![ROWS_AT]).toBe(7)
})

test('poll() exports no sums until every adopted replica has answered', async () => {
  const adopted = replicaWith(5, { index: 0, incarnation: 1, epoch: 3n, dead: deadWith(10) })
  const fresh = new PuppetFigures({ index: 1, incarnation: 2 })
  adopted.mode = 'silent'
  fresh.mode = 'silent'
  const { clock, poll } = controlOf(adopted, fresh)
  const nothing = { isWhole: false, slots: new Map(), retired: new Map() }
  expect(await poll()).toMatchObject(nothing)
  await clock.advance(RETIRED_MS)
  expect(await poll(new Set(KEYS.slice(1)))).toMatchObject(nothing)
  adopted.mode = 'answers'
  expect(await rowsOf(poll())).toBe(15)
  adopted.mode = 'silent'
  expect(await poll()).toMatchObject({ isWhole: true, deadCpuSeconds: 10 })
})

test('replicaConnected() takes the higher of what it is told, beside what died here', async () => {
  const first = replicaWith(5, { index: 0, incarnation: 1, epoch: 3n, dead: deadWith(10) })
  const late = replicaWith(0, { index: 1, incarnation: 2, epoch: 3n, dead: deadWith(12) })
  const last = replicaWith(0, { index: 2, incarnation: 3, epoch: 3n, dead: deadWith(11) })
  const { statistics, poll } = controlOf(first)
  await poll()
  statistics.replicaDied(0, 1)
  statistics.replicaConnected(late)
  statistics.replicaConnected(last)
  expect(await rowsOf(poll())).toBe(17)
  const { slots, cpuSeconds } = statistics.deadSums()
  expect([slots[0]!.values[ROWS_AT], cpuSeconds]).toEqual([17, 12])
})

test('poll() forgets what was counted for a slot that is retired and that nobody counts', async () => {
  const dead = replicaWith(5, { index: 0, incarnation: 1, dead: deadWith(10) })
  const { clock, statistics, poll } = controlOf(dead)
  await poll()
  statistics.replicaDied(0, 1)
  await clock.advance(RETIRED_MS)
  for (const _ of ['the first time', 'ever after']) {
    expect([...(await poll(new Set())).slots.keys()]).toEqual([])
    expect(statistics.deadSums().slots).toEqual([])
  }
  expect(await rowsOf(poll())).toBeUndefined()
})

test('poll() goes on from where it was when a retired slot that is counted comes back', async () => {
  const { clock, poll } = controlOf(
    replicaWith(5, { index: 0, incarnation: 1, epoch: 3n, dead: deadWith(10) }),
  )
  expect(await rowsOf(poll())).toBe(15)
  await clock.advance(RETIRED_MS)
  expect(await rowsOf(poll(new Set()))).toBeUndefined()
  expect(await rowsOf(poll())).toBe(15)
})

test('poll() does not count what a replica had said before it died a second time', async () => {
  const replica = replicaWith(5, { index: 0, incarnation: 1 })
  const { statistics, poll } = controlOf(replica)
  await poll()
  replica.slots.clear() // given to another key
  replica.mode = 'held'
  const late = poll()
  statistics.replicaDied(0, 1)
  replica.release()
  expect(await rowsOf(late)).toBe(5)
})

test('deadChanges counts up when deadSums() rises, and only then', async () => {
  const replica = replicaWith(5, { index: 0, incarnation: 1, dead: deadWith(1) })
  const { statistics, poll } = controlOf(replica)
  const seen = [0, statistics.deadChanges]
  await poll()
  expect(statistics.deadChanges).toBe(seen.at(-1))
  replica.slots.clear()
  await poll() // the slot was given to another key
  seen.push(statistics.deadChanges)
  statistics.replicaDied(0, 1)
  seen.push(statistics.deadChanges)
  statistics.replicaDied(0, 1)
  expect(statistics.deadChanges).toBe(seen.at(-1))
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
})

test('replicaDied() says nothing about another process of its index', async () => {
  const replica = replicaWith(5, { index: 0, incarnation: 2 })
  const { statistics, poll } = controlOf(replica)
  await poll()
  statistics.replicaDied(0, 1)
  statistics.replicaDied(1, 2)
  expect((await poll()).replicas).toHaveLength(1)
  expect(await rowsOf(poll())).toBe(5)
})

test('Statistics leaves out slots of another layout', async () => {
  const dead = deadWith(100, SLOT_DOUBLES + 1)
  const replica = replicaWith(5, { index: 0, incarnation: 1, epoch: 3n, dead })
  replica.slots.set(KEYS[1]!, new Float64Array(SLOT_DOUBLES - 1).fill(1))
  const { poll } = controlOf(replica)
  expect([...(await poll()).slots.keys()]).toEqual([FLIGHTS])
  expect(await rowsOf(poll())).toBe(5)
})
