import { expect, test } from 'vitest'
import { deletesOf } from '../../../../src/records/files/publishing.ts'
import { notedOf, publishable } from '../../../../src/records/files/sink-notes.ts'
import { readShipState, writeShipState } from '../../../../src/records/shipping/ship-state.ts'
import { HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { ROOT, STATE } from '../../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const HOUR = 'endpoint=a/date=2026-01-02/hour=03'

test('notedOf() takes what is there, also of an earlier release', () => {
  const nothing = { nextNumber: 1, intentNumber: 0, root: null, waiting: [], unsaid: [], lost: [] }
  expect(notedOf(null)).toEqual(nothing)
  expect(notedOf({ nextNumber: 7, root: '/r' })).toEqual({ ...nothing, nextNumber: 7, root: '/r' })
  expect(notedOf({ counted: ['a'], lost: [['b', 'c']] })).toEqual({
    ...{ ...nothing, lost: [['b', 'c']] },
  })
})

test('publishable() ties what an intent deletes that says no reason to what is new beside it', () => {
  const rename = (path: string) => [`${path}.unfinished`, path] as const
  const [first, second] = [rename(`${HOUR}/g-3.parquet`), rename(`${HOUR}/g-4.parquet`)]
  const account = rename('_producers/p.json')
  const others = ['endpoint=a/date=2026-01-02/hour=04/g-2.parquet', '_producers/q.json']
  const old = `${HOUR}/g-1.parquet`
  const intent = { renames: [first, second, account], deletes: [old, ...others] }
  const tied = publishable({ nextNumber: 4 }, intent, '/r')
  expect(tied).toEqual({
    renames: [
      [...first, [old]],
      [...second, [old]],
      [...account, []],
    ],
    deletes: others,
  })
  expect(deletesOf(tied, [])).toEqual([old, ...others])
  // It may be either of them that has its rows.
  for (const [, missing] of [first, second]) expect(deletesOf(tied, [missing])).toEqual(others)
  expect(publishable({ counted: [] }, intent, '/r')).toEqual(intent)
  const noted = { counted: [], intentNumber: 3, root: '/r' }
  expect(publishable(noted, intent, '/r')).toEqual({ ...intent, deletes: [] })
  expect(publishable(noted, intent, '/moved')).toEqual(intent)
  expect(publishable(null, null, '/r')).toEqual({ renames: [], deletes: [] })
})

/** A state as it was before a file said which others it replaces. */
const makeOld = (world: HookedWorld): void => {
  const state = readShipState(world.files, STATE)!
  const { counted, intentNumber, waiting, ...sinkState } = state.sinkState!
  const { renames, deletes } = state.intent!
  expect(deletes).toHaveLength(1)
  const plain = renames.map(([from, to]) => [from, to] as const)
  writeShipState(world.files, STATE, { ...state, sinkState, intent: { renames: plain, deletes } })
}

test('what an earlier release gave up beside a new file is counted once', async () => {
  const world = new HookedWorld()
  world.record(1, 20)
  await world.ship(0, null)
  for (const sequence of [21, 22, 23]) await world.ship(0, sequence)
  const bytes = world.parquet.reduce((sum, path) => sum + world.files.stat(path)!.bytes, 0)
  world.retention = { bytesMax: bytes + 100, daysMax: 0 }
  world.restart()
  world.nowMs += 60_000
  world.record(24)
  await world.shipping.step(true)
  world.hook = (call, path) => {
    if (call === 'rename' && path.endsWith('-6.parquet.unfinished')) world.kill()
  }
  world.record(25)
  await world.shipping.step(true).catch(() => {})
  expect(world.isKilled).toBe(true)
  world.hook = () => {}
  world.isKilled = false
  makeOld(world)
  world.restart()
  await world.ship(world.nowMs, null)
  expect(world.names).not.toContain('g7q2-1.parquet')
  await world.end(25)
  for (let times = 0; times < 5; times++) await world.ship(world.nowMs + 60_000, null)
  const left = await world.sequences()
  expect(world.accounts()).toMatchObject([{ records: 25, retired: { records: 25 - left.length } }])
  expect((await world.verify()).problems).toEqual([])
})

test.each([0, 2])(
  'what an earlier release has counted and could not delete is not counted again (%i starts)',
  async (starts) => {
    const world = new HookedWorld()
    for (const sequence of [1, 2, 3]) await world.ship(0, sequence)
    const [first] = world.parquet
    const bytes = world.parquet.reduce((sum, path) => sum + world.files.stat(path)!.bytes, 0)
    world.retention = { bytesMax: bytes - 1, daysMax: 0 }
    world.restart()
    world.hook = (call, path) => {
      if (call === 'unlink' && path === first) world.kill()
    }
    await world.ship(60_000, null)
    expect(world.isKilled).toBe(true)
    world.hook = () => {}
    world.denied.add(first!)
    world.isKilled = false
    const state = readShipState(world.files, STATE)!
    const { intentNumber, waiting, ...sinkState } = state.sinkState!
    // Nor do accounts say which files are counted in them.
    const old = Object.entries(state.producers).map(([name, place]) => {
      const { files, ...retired } = place.account.retired
      expect(files).toEqual([[1, 1]])
      return [name, { ...place, account: { ...place.account, retired } }] as const
    })
    const producers = Object.fromEntries(old)
    writeShipState(world.files, STATE, { ...state, sinkState, producers })
    world.restart()
    for (let times = 0; times < 3; times++) await world.ship(world.nowMs + 60_000, null)
    for (let times = 0; times < starts; times++) {
      await world.ship(world.nowMs + 60_000, 4 + times)
      world.restart()
    }
    const before = await world.sequences()
    expect(before).toContain(1)
    const givenUp = 3 + starts - before.length
    expect(world.accounts()).toMatchObject([{ retired: { records: givenUp + 1 } }])
    world.denied.clear()
    await world.ship(world.nowMs + HOUR_MS, null)
    const left = await world.sequences()
    expect(left).not.toContain(1)
    expect(world.accounts()).toMatchObject([{ retired: { records: 3 + starts - left.length } }])
  },
)

/** A shipper that ended when it had committed record 2 and published nothing of it. */
const killedBeforePublishing = async (): Promise<HookedWorld> => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  world.hook = (call, path) => {
    if (call === 'rename' && /endpoint=.*\.parquet\.unfinished$/.test(path)) world.kill()
  }
  await world.ship(60_000, 2)
  expect(world.isKilled).toBe(true)
  world.hook = () => {}
  world.restart()
  return world
}

test('what was committed and lies on a disk that is away is there when the disk is back', async () => {
  const world = await killedBeforePublishing()
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(120_000, 3)
  expect(world.faults.join()).toMatch(/its disk is away/)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  world.restart()
  await world.ship(180_000, 4)
  expect(await world.viewed()).toEqual([1, 2, 4])
  await world.end(4)
  expect((await world.verify()).problems).toEqual(['g7q2.1.0-3: 1 records are missing'])
})

test('nor does it need another start for that', async () => {
  const world = await killedBeforePublishing()
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(120_000, 3)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  await world.ship(120_000 + HOUR_MS, 4)
  expect(await world.viewed()).toEqual([1, 2, 4])
})

test('nor another fault of the disk when it is back', async () => {
  const world = await killedBeforePublishing()
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(120_000, 3)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  let refusals = 0
  world.hook = (call, path) => {
    if (call !== 'rename' || !path.endsWith('-2.parquet.unfinished') || refusals > 0) return
    refusals++
    throw refusal('EIO', path)
  }
  await world.ship(120_000 + HOUR_MS, null)
  expect(refusals).toBe(1)
  await world.ship(120_000 + HOUR_MS, 4)
  world.restart()
  for (const hours of [1, 2]) await world.ship(120_000 + (hours + 1) * HOUR_MS, null)
  expect(await world.viewed()).toEqual([1, 2, 4])
})
