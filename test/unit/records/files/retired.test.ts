import { expect, test } from 'vitest'
import { expectRetired, HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { putFile } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS

const ACCOUNT = '_producers/g7q2.1.0-3.json'

/** Two files of a producer that nobody knows any more: its account alone is left. */
const endedLongAgo = async (): Promise<HookedWorld> => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  await world.end(2)
  await world.ship(60_000, null)
  expect(world.segments()).toEqual([])
  return world
}

test('a file stays while the account in which it is to be counted cannot be read', async () => {
  const world = await endedLongAgo()
  let refusals = 0
  world.hook = (call, path) => {
    if (call !== 'open' || !path.endsWith(ACCOUNT)) return
    refusals++
    throw refusal('EIO', path)
  }
  await world.ship(YEAR_MS, null)
  world.hook = () => {}
  expect(refusals).toBeGreaterThan(0)
  expect(world.names).toHaveLength(2)
  await expectRetired(world, 0)
  await world.wait(2)
  expect([world.names, world.accounts()]).toEqual([[], []])
})

test.each(['EIO', 'damage'])('but not for ever, nor where it is damaged (%s)', async (what) => {
  const world = await endedLongAgo()
  const isDamaged = what === 'damage'
  if (isDamaged) putFile(world.files, world.at(ACCOUNT), new Uint8Array(20))
  world.hook = (call, path) => {
    if (call === 'open' && !isDamaged && path.endsWith(ACCOUNT)) throw refusal(what, path)
  }
  world.nowMs = YEAR_MS
  if (!isDamaged) {
    await world.wait(23)
    expect(world.names).toHaveLength(2)
  }
  await world.wait(3)
  expect(world.names).toEqual([])
})

test('a day is a day, however often the shipper is started anew', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  await world.ship(YEAR_MS - DAY_MS, null)
  expect(world.names).toEqual([])
  for (const sequence of [3, 4]) await world.ship(world.nowMs, sequence)
  const [path] = world.parquet
  world.hook = (call, of) => {
    if (call === 'open' && of === path) throw refusal('EIO', of)
  }
  await world.wait(1)
  for (let times = 0; times < 4; times++) {
    expect(world.names).toHaveLength(2)
    world.restart()
    await world.wait(5)
  }
  // Each start may cost an hour of what is believed of the time.
  await world.wait(8)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ retired: { records: 3 } }])
})

test('nor does it need a record to come that a file has its time', async () => {
  const world = HookedWorld.ofDays(30)
  await world.ship(0, 1)
  for (let days = 0; days < 33; days++) {
    world.restart()
    await world.wait(23)
  }
  expect(world.names).toEqual([])
  await expectRetired(world, 1)
})

test.each([
  ['is there no more', false],
  ['is there for ever', true],
])(
  'what goes uncounted is counted if it can be read before it is gone (it %s)',
  async (_, isThere) => {
    const world = HookedWorld.ofDays(30)
    for (const sequence of [1, 2]) await world.ship(0, sequence)
    await world.ship(YEAR_MS, null)
    await expectRetired(world, 2)
    for (const sequence of [3, 4]) await world.ship(YEAR_MS, sequence)
    const paths = world.parquet
    expect(paths).toHaveLength(2)
    world.nowMs += YEAR_MS
    world.hook = (call, path) => {
      if (['open', 'unlink'].includes(call) && paths.includes(path)) throw refusal('EACCES', path)
    }
    await world.wait(30)
    expect(world.accounts()).toMatchObject([{ retired: { records: 2 } }])
    world.hook = (call, path) => {
      if (isThere && call === 'unlink' && paths.includes(path)) throw refusal('EACCES', path)
    }
    await world.wait(2)
    await expectRetired(world, 4)
    world.hook = () => {}
    await world.wait(2)
    await expectRetired(world, 4)
  },
)

test('a file that could not be deleted when it was counted is not counted again', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  const [path] = world.parquet
  let isOpened = false
  world.hook = (call, of) => {
    if (of !== path) return
    if (call === 'unlink' || (call === 'open' && isOpened)) throw refusal('EIO', of)
    if (call === 'open' && world.nowMs >= YEAR_MS) isOpened = true
  }
  await world.ship(YEAR_MS, null)
  expect(isOpened).toBe(true)
  expect(world.accounts()).toMatchObject([{ retired: { records: 2 } }])
  world.restart()
  await world.wait(2)
  expect(world.accounts()).toMatchObject([{ retired: { records: 2 } }])
  world.hook = () => {}
  await world.wait(2)
  await expectRetired(world, 2)
})

test('nor one that somebody else has deleted when it could not be', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  const [path] = world.parquet
  let isRefused = false
  world.hook = (call, of) => {
    if (call !== 'unlink' || of !== path || isRefused) return
    isRefused = true
    world.files.unlink(of)
    throw refusal('EIO', of)
  }
  await world.ship(YEAR_MS, null)
  await world.wait(2)
  expect(world.names).toEqual([])
  await expectRetired(world, 2)
})

test('nothing is given up while it is not known what a file beside it has in its place', async () => {
  const world = HookedWorld.ofDays(30)
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.denied.add('g7q2-1.parquet')
  await world.ship(2 * HOUR_MS, null)
  expect(world.names.toSorted()).toEqual(['g7q2-1.parquet', 'g7q2-3.parquet'])
  world.hook = (call, path) => {
    if (call === 'open' && path.endsWith('-3.parquet')) throw refusal('EIO', path)
  }
  world.restart()
  await world.ship(world.nowMs, null)
  await world.ship(YEAR_MS, null)
  world.hook = () => {}
  world.denied.clear()
  await expectRetired(world, 0)
  await world.wait(3)
  expect(world.names).toEqual([])
  await expectRetired(world, 2)
})
