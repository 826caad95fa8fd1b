import { expect, test } from 'vitest'
import { slotOf } from '../../../../src/control/figures/slot-sums.ts'
import { LAST_AT, PENDING_AT, ROWS_AT, SLOT_DOUBLES } from '../../../../src/shared/counters.ts'
import {
  ACTIVE,
  controlOf,
  deadWith,
  FLIGHTS,
  KEYS,
  replicaWith,
  rowsOf,
} from '../../../helpers/counted-control.ts'
import { PuppetFigures } from '../../../helpers/puppet-figures.ts'

const FIRST_DIED = { incarnation: 1, isAdopted: false }
const RETIRED_MS = 15 * 60_000 + 1

test('poll() asks a replica once while the answer is under way, and hears it once', async () => {
  const replica = replicaWith(1, { index: 0, incarnation: 1 })
  replica.mode = 'held'
  const { clock, poll } = controlOf(replica)
  expect(await Promise.all([rowsOf(poll()), rowsOf(poll())])).toEqual([0, 0])
  expect(replica.asked).toBe(1)
  replica.release()
  await clock.advance(0)
  expect(await rowsOf(poll())).toBe(1)
  expect(replica.asked).toBe(2)
  replica.release()
  await clock.advance(0)
  replica.mode = 'answers'
  await poll()
  expect(replica.asked).toBe(3)
})

test('poll() waits 200 ms for answers, and takes later ones when they come', async () => {
  const slow = replicaWith(7, { index: 0, incarnation: 1 })
  const quick = replicaWith(1, { index: 1, incarnation: 2 })
  slow.mode = 'held'
  const { clock, statistics } = controlOf(slow, quick)
  const polled = statistics.poll([slow, quick], ACTIVE)
  let isDone = false
  void polled.then(() => {
    isDone = true
  })
  await clock.advance(199)
  expect(isDone).toBe(false)
  await clock.advance(1)
  expect(await rowsOf(polled)).toBe(1)
  await clock.advance(50)
  slow.release()
  await clock.advance(100)
  const { replicas, slots } = await statistics.poll([quick], ACTIVE)
  expect(replicas[0]).toMatchObject({ hasFigures: true, ageMs: 100 })
  expect(slots.get(FLIGHTS)![ROWS_AT]).toBe(8)
})

test('poll() gets the figures of a replica that always needs 250 ms', async () => {
  const replica = new PuppetFigures({ index: 0, incarnation: 1 })
  replica.mode = 'silent'
  const { clock, statistics } = controlOf(replica)
  for (let second = 0; second < 30; second++) {
    replica.slot(FLIGHTS)[ROWS_AT]! += 1
    const polled = statistics.poll([replica], ACTIVE)
    await clock.advance(250)
    replica.release()
    await clock.advance(750)
    if (second > 0) expect((await polled).replicas[0]!.ageMs).toBeLessThan(1000)
  }
  expect(await rowsOf(statistics.poll([], ACTIVE))).toBe(30)
})

test('poll() asks nobody who has not said Hello, and asks anew after a link has closed', async () => {
  const replica = replicaWith(3, { index: 0, incarnation: 1 })
  const stranger = replicaWith(5, { index: 0, incarnation: 2 })
  replica.mode = 'silent'
  const { clock, statistics } = controlOf(replica)
  const first = statistics.poll([replica, stranger], ACTIVE)
  await clock.advance(200)
  await first
  replica.hangUp()
  await clock.advance(0)
  replica.mode = 'answers'
  expect(await rowsOf(statistics.poll([replica, stranger], ACTIVE))).toBe(3)
  expect([replica.asked, stranger.asked]).toEqual([2, 0])
})

test('poll() ages the figures of a silent replica and keeps them', async () => {
  const replica = replicaWith(7, { index: 0, incarnation: 1 })
  replica.mode = 'silent'
  const { clock, poll } = controlOf(replica)
  await clock.advance(300)
  const [never] = (await poll()).replicas
  expect(never).toMatchObject({ hasFigures: false, ageMs: 500, pid: replica.pid, threads: [] })
  replica.mode = 'answers'
  replica.release()
  expect((await poll()).replicas[0]).toMatchObject({ hasFigures: true, ageMs: 0 })
  replica.mode = 'silent'
  await clock.advance(4000)
  const { replicas, slots } = await poll()
  expect(replicas[0]).toMatchObject({ hasFigures: true, ageMs: 4400 })
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
  adopted.release()
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
  statistics.replicaDied({ incarnation: 1, isAdopted: true })
  statistics.replicaConnected(late)
  statistics.replicaConnected(last)
  expect(await rowsOf(poll())).toBe(17)
  const { slots, cpuSeconds } = statistics.deadSums()
  expect([slotOf(slots[0]!)![ROWS_AT], cpuSeconds]).toEqual([17, 12])
})

test('poll() forgets what was counted for a slot that is retired and that nobody counts', async () => {
  const dead = replicaWith(5, { index: 0, incarnation: 1, dead: deadWith(10) })
  const { clock, statistics, poll } = controlOf(dead)
  await poll()
  statistics.replicaDied(FIRST_DIED)
  await clock.advance(RETIRED_MS)
  for (const _ of ['the first time', 'ever after']) {
    expect([...(await poll(new Set())).slots.keys()]).toEqual([])
    expect(statistics.deadSums().slots).toEqual([])
  }
  expect(await rowsOf(poll())).toBe(0)
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
  statistics.replicaDied(FIRST_DIED)
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
  statistics.replicaDied(FIRST_DIED)
  seen.push(statistics.deadChanges)
  statistics.replicaDied(FIRST_DIED)
  expect(statistics.deadChanges).toBe(seen.at(-1))
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
})

test('Statistics counts a process and its successor in one place as two', async () => {
  const old = replicaWith(5, { index: 0, incarnation: 1 })
  const young = replicaWith(2, { index: 0, incarnation: 2 })
  const { statistics, poll } = controlOf(old, young)
  expect((await poll()).replicas).toMatchObject([{ incarnation: 1 }, { incarnation: 2 }])
  expect(await rowsOf(poll())).toBe(7)
  statistics.replicaDied(FIRST_DIED)
  expect((await poll()).replicas).toMatchObject([{ incarnation: 2 }])
  expect(await rowsOf(poll())).toBe(7)
})

test('replicaDrained() takes the last figures of a replica, so that none is lost', async () => {
  const replica = replicaWith(5, { index: 0, incarnation: 1 })
  const { statistics, poll } = controlOf(replica)
  await poll()
  replica.slot(FLIGHTS)[ROWS_AT] = 19
  statistics.replicaDrained(1, replica.figures())
  statistics.replicaDrained(2, replica.figures()) // nobody that is known
  statistics.replicaDied(FIRST_DIED)
  expect(await rowsOf(statistics.poll([], ACTIVE))).toBe(19)
})

test('poll() has a series for what the plan names and nobody has asked for', async () => {
  const { poll } = controlOf(new PuppetFigures({ index: 0, incarnation: 1 }))
  const { slots } = await poll()
  expect([...slots.keys()]).toEqual(KEYS)
  for (const slot of slots.values()) expect(new Set(slot)).toEqual(new Set([0]))
})

test('Statistics leaves out slots of another layout', async () => {
  const dead = deadWith(100, SLOT_DOUBLES + 1)
  const replica = replicaWith(5, { index: 0, incarnation: 1, epoch: 3n, dead })
  replica.slots.set(KEYS[1]!, new Float64Array(SLOT_DOUBLES - 1).fill(1))
  const { poll } = controlOf(replica)
  const { slots } = await poll()
  expect(slots.get(FLIGHTS)![ROWS_AT]).toBe(5)
  expect(new Set(slots.get(KEYS[1]!))).toEqual(new Set([0]))
})

test('poll() shows what waits in the living alone, and of last runs the latest', async () => {
  const one = replicaWith(1, { index: 0, incarnation: 1 })
  const two = replicaWith(1, { index: 1, incarnation: 2 })
  for (const [replica, pending, last] of [
    [one, 3, 5000],
    [two, 4, 4000],
  ] as const) {
    replica.slot(FLIGHTS)[PENDING_AT] = pending
    replica.slot(FLIGHTS)[LAST_AT] = last
  }
  const { statistics, poll } = controlOf(one, two)
  const shown = async () => {
    const slot = (await poll()).slots.get(FLIGHTS)!
    return [slot[PENDING_AT], slot[LAST_AT], slot[ROWS_AT]]
  }
  expect(await shown()).toEqual([7, 5000, 2])
  two.slot(FLIGHTS)[PENDING_AT] = 1
  expect(await shown()).toEqual([4, 5000, 2])
  statistics.replicaDied({ incarnation: 1, isAdopted: false })
  expect(await shown()).toEqual([1, 5000, 2])
})
