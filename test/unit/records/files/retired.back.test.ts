/** What retention has given up, and is there again: its disk was away, or somebody has a copy. */

import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { readShipState, writeShipState } from '../../../../src/records/shipping/ship-state.ts'
import { copyFolder } from '../../../helpers/records/copies.ts'
import { records } from '../../../helpers/records/frames.ts'
import { expectRetired, HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { layoutFrame, ROOT, STATE } from '../../../helpers/records/shipping-world.ts'
import { HEADER } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
/** When what is of the first hour has been there for 30 days. */
const TIME_MS = (30 * 24 + 1) * HOUR_MS
const ASIDE = '/data/aside'
const BARE = '/data/bare'

const copyOf = (path: string): string => `/data/${basename(path)}`

/** Records 1 to 4 were given up and are back, beside 5 and 6 that are not too many alone. */
const givenUpAndBack = async (): Promise<HookedWorld> => {
  const world = new HookedWorld()
  for (const sequence of [1, 2, 3, 4]) await world.ship(0, sequence)
  const paths = world.parquet
  for (const path of paths) world.files.link(path, copyOf(path))
  const bytes = paths.reduce((sum, path) => sum + world.files.stat(path)!.bytes, 0)
  world.retention = { bytesMax: 0.6 * bytes, daysMax: 0 }
  world.restart()
  for (const sequence of [5, 6]) await world.ship(0, sequence)
  for (let times = 0; times < 3; times++) await world.ship(world.nowMs + 60_000, null)
  expect(await world.sequences()).toEqual([5, 6])
  await expectRetired(world, 4)
  for (const path of paths) world.files.link(copyOf(path), path)
  return world
}

test.each([false, true])(
  'what comes back is given up again, and not counted again (restarted: %s)',
  async (isRestarted) => {
    const world = await givenUpAndBack()
    await world.end(6)
    if (isRestarted) world.restart()
    await world.wait(3)
    expect(await world.sequences()).toEqual([5, 6])
    await expectRetired(world, 4)
  },
)

test('while it is there it is part of no other file, and the account stays', async () => {
  const world = await givenUpAndBack()
  world.retention = { bytesMax: 0, daysMax: 0 }
  world.restart()
  await world.wait(3)
  // 5 and 6 are one.
  expect(world.names).toHaveLength(5)
  expect(await world.sequences()).toEqual([1, 2, 3, 4, 5, 6])
  await expectRetired(world, 4)
  // All that it shipped since was given up, too.
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  world.denied.add('g7q2-1.parquet')
  await world.end(6)
  await world.ship(world.nowMs + YEAR_MS, null)
  await world.wait(3)
  expect(world.names).toEqual(['g7q2-1.parquet'])
  await expectRetired(world, 6)
  world.denied.clear()
  await world.wait(3)
  expect([world.names, world.accounts()]).toEqual([[], []])
})

test('a disk that was away when it was to be deleted has nothing counted again', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  await world.ship(HOUR_MS, 3)
  let isAway = false
  world.hook = (call, path) => {
    if (call === 'unlink' && path.endsWith('-1.parquet') && !isAway) {
      isAway = true
      world.files.rename(ROOT, '/data/disk')
      world.files.mkdir(ROOT)
    }
  }
  await world.ship(YEAR_MS, null)
  expect(isAway).toBe(true)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  await world.wait(3)
  expect(world.names).toEqual([])
  await expectRetired(world, 3)
})

/** The disk of `records.path`: what is there meanwhile lies below it. */
const unmount = ({ files }: HookedWorld): void => {
  files.rename(ROOT, ASIDE)
  files.mkdir(ROOT)
}

const mount = ({ files }: HookedWorld): void => {
  files.rename(ROOT, BARE)
  files.rename(ASIDE, ROOT)
}

/** Records 1 and 2 of a replica that has ended. */
const ended = async (): Promise<HookedWorld> => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  await world.end(2)
  await world.ship(60_000, null)
  return world
}

/** Nothing is left of it, and its account says so: else it were there. */
const expectGone = async (world: HookedWorld): Promise<void> => {
  await world.wait(3)
  expect([world.names, world.accounts()]).toEqual([[], []])
}

test.each([
  ['as it has its time', true, false],
  ['as it has its time, also where the shipper is started then', true, true],
  ['before that is committed', false, false],
])('a file whose disk goes away %s counts when it goes', async (_, isBefore, isRestarted) => {
  const world = await ended()
  // When it has its time all files have just been listed.
  await world.ship(TIME_MS - 60_000, null)
  expect(world.names).toEqual(['g7q2-3.parquet'])
  if (isBefore) unmount(world)
  world.hook = (call, path) => {
    if (isBefore || call !== 'open' || !path.endsWith('.unfinished')) return
    world.hook = () => {}
    unmount(world)
  }
  await world.ship(TIME_MS + 60_000, null)
  expect(world.names).toEqual([])
  if (isRestarted) world.restart()
  await world.ship(world.nowMs + 60_000, null)
  mount(world)
  expect(await world.sequences()).toEqual([1, 2])
  await expectRetired(world, 0)
  await expectGone(world)
})

test('nor does it go where its disk is away at the commit, and the shipper ends before the next', async () => {
  const world = await ended()
  await world.ship(TIME_MS - 60_000, null)
  world.limits = { ...world.limits, ageMsMax: 10_000 }
  world.restart()
  await world.shipping.step()
  world.nowMs = TIME_MS + 60_000
  await world.shipping.step()
  unmount(world)
  world.nowMs += 10_000
  await world.shipping.step()
  expect(readShipState(world.files, STATE)!.intent!.deletes).toHaveLength(1)
  mount(world)
  expect(await world.sequences()).toEqual([1, 2])
  world.restart()
  await world.shipping.step()
  await expectRetired(world, 0)
  await expectGone(world)
})

test('what was given up is in a backup that is put in its place, and counts when it goes', async () => {
  const world = await ended()
  copyFolder(world.files, ROOT, ASIDE)
  await world.ship(YEAR_MS, null)
  await expectGone(world)
  mount(world)
  await expectRetired(world, 0)
  await expectGone(world)
})

test('what was given up is in a copy that takes its place, and counts when it goes there', async () => {
  const world = await ended()
  copyFolder(world.files, ROOT, ASIDE)
  await world.ship(YEAR_MS, null)
  await expectGone(world)
  world.shipping.close()
  world.shipping = world.start(undefined, undefined, ASIDE)
  await world.wait(3)
  mount(world)
  expect([world.names, world.accounts()]).toEqual([[], []])
})

test('a file that is gone, although its disk says nothing but errors, is counted', async () => {
  const world = await ended()
  let isUnlinked = false
  const { stat } = world.files
  world.files.stat = (path) => {
    if (isUnlinked && path.includes('endpoint=')) throw refusal('EIO', path)
    return stat.call(world.files, path)
  }
  world.hook = (call, path) => {
    if (call === 'unlink' && path.endsWith('.parquet')) isUnlinked = true
    else if (call === 'fsync' && isUnlinked && path.includes('endpoint=')) {
      throw refusal('EIO', path)
    }
  }
  await world.ship(YEAR_MS, null)
  expect(isUnlinked).toBe(true)
  world.files.stat = stat
  world.hook = () => {}
  await expectRetired(world, 2)
  await expectGone(world)
})

test('one that cannot be deleted counts once, whether its account can be read or not', async () => {
  const world = await ended()
  let isRefused = false
  world.hook = (call, path) => {
    if (call === 'unlink' && path.endsWith('.parquet')) isRefused = true
    const isOfIt = path.endsWith(call === 'unlink' ? '.parquet' : '-3.json')
    if (isRefused && isOfIt && call !== 'rename') throw refusal('EIO', path)
  }
  await world.ship(YEAR_MS, null)
  expect(isRefused).toBe(true)
  // Its account is written, and cannot be read.
  await world.ship(YEAR_MS + 60_000, null)
  world.hook = () => {}
  expect(await world.sequences()).toEqual([1, 2])
  await expectRetired(world, 2)
  world.restart()
  await expectGone(world)
})

test('what is counted and there excuses nothing that is missing', async () => {
  const world = new HookedWorld()
  for (const sequence of [1, 2, 3]) await world.ship(0, sequence)
  world.files.unlink(world.parquet[0]!)
  const bytes = world.parquet.reduce((sum, path) => sum + world.files.stat(path)!.bytes, 0)
  world.retention = { bytesMax: bytes - 1, daysMax: 0 }
  world.denied.add('g7q2-2.parquet')
  world.restart()
  await world.ship(60_000, null)
  expect(world.accounts()).toMatchObject([{ retired: { records: 1, below: 3 } }])
  const { problems } = await world.verify(false)
  expect(problems).toEqual(['g7q2.1.0-3: 1 more than retention has deleted are missing'])
})

test('no file has a number that is counted, also where the state is of an earlier time', async () => {
  const world = HookedWorld.ofDays(30)
  await world.ship(0, 1)
  await world.ship(YEAR_MS, null)
  const state = readShipState(world.files, STATE)!
  const process = { ...HEADER.process, pid: 7001 }
  world.alive.add(process.pid)
  const frames = [layoutFrame()]
  const shipOther = async (sequence: number) => {
    frames.push(records(sequence, sequence))
    world.put({ incarnation: 44, process }, frames)
    await world.ship(world.nowMs + 60_000, null)
  }
  for (const sequence of [1, 2]) await shipOther(sequence)
  await world.ship(2 * YEAR_MS, null)
  expect(world.names).toEqual([])
  writeShipState(world.files, STATE, state)
  world.restart()
  await shipOther(3)
  await world.wait(3)
  expect(world.names).toEqual([])
  expect(world.accounts().map(({ retired }) => retired.records)).toEqual([1, 3])
  expect((await world.verify()).problems).toEqual([])
})

test('no file has a number that is counted, also where the state is lost', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  await world.ship(YEAR_MS, null)
  expect(world.names).toEqual([])
  await expectRetired(world, 2)
  world.files.unlink(STATE)
  world.restart()
  await world.ship(world.nowMs, 3)
  await world.wait(3)
  expect(world.names).toEqual([])
  await expectRetired(world, 3)
})
