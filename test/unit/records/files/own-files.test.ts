import { expect, test } from 'vitest'
import { findOwnFiles } from '../../../../src/records/files/own-files.ts'
import { ensureRoot } from '../../../../src/records/files/unfinished.ts'
import { HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { ROOT, STATE } from '../../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const YEAR_MS = 365 * 24 * HOUR_MS
const HOUR = 'endpoint=flights/date=1970-01-01/hour=00'

test.each(['EACCES', 'EIO'])(
  'a folder that cannot be listed (%s) is told and holds up nothing',
  async (code) => {
    const world = new HookedWorld()
    await world.ship(0, 1)
    ensureRoot(world.files, world.at('endpoint=other'))
    world.hook = (call, path) => {
      if (call === 'readdir' && path.endsWith('endpoint=other')) throw refusal(code, path)
    }
    world.restart()
    await world.ship(60_000, 2)
    expect(world.shipping.failures).toBe(0)
    expect(world.faults).toEqual([expect.stringMatching(`endpoint=other: Error: ${code}`)])
    const { ok, problems } = await world.verify()
    expect(ok).toBe(false)
    expect(problems).toEqual([expect.stringMatching('endpoint=other cannot be listed')])
    world.hook = () => {}
    expect(await world.viewed()).toEqual([1, 2])
  },
)

test('the folder of all records has to be listed', async () => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  world.hook = (call, path) => {
    if (call === 'readdir' && path === ROOT) throw refusal('EIO', path)
  }
  const { files } = world
  const found = findOwnFiles({ files, root: ROOT, gateway: 'g7q2', known: new Map() })
  await expect(found).rejects.toThrow(/EIO/)
})

test('what lies in a folder that could not be listed is neither written over nor forgotten', async () => {
  const world = new HookedWorld()
  world.nowMs = 100 * YEAR_MS
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.hook = (call, path) => {
    if (call === 'readdir' && path.endsWith(HOUR)) throw refusal('EACCES', path)
  }
  // The numbers of its files are known to nobody.
  world.files.unlink(STATE)
  world.restart()
  for (const sequence of [3, 4]) await world.ship(0, sequence)
  world.hook = () => {}
  expect(world.names).toHaveLength(4)
  expect(await world.viewed()).toEqual([1, 2, 3, 4])
  for (const hours of [1, 2]) await world.ship(100 * YEAR_MS + hours * 2 * HOUR_MS, null)
  expect(world.names).toHaveLength(1)
  expect(await world.sequences()).toEqual([1, 2, 3, 4])
})

const bytesIn = ({ parquet, files }: HookedWorld): number =>
  parquet.reduce((sum, path) => sum + files.stat(path)!.bytes, 0)

test('what somebody deletes by hand makes room for others', async () => {
  const world = new HookedWorld()
  for (let sequence = 1; sequence <= 10; sequence++) await world.ship(0, sequence)
  world.retention = { bytesMax: bytesIn(world) + 100, daysMax: 0 }
  world.restart()
  await world.ship(0, null)
  for (const path of world.parquet) if (/-[5-9]\.parquet$/.test(path)) world.files.unlink(path)
  for (let sequence = 11; sequence <= 15; sequence++) {
    await world.ship(world.nowMs + MINUTE_MS, sequence)
    await world.ship(world.nowMs + MINUTE_MS, null)
  }
  expect(await world.sequences()).toEqual([1, 2, 3, 4, 10, 11, 12, 13, 14, 15])
  expect(world.accounts()).toMatchObject([{ retired: { records: 0 } }])
  await world.ship(world.nowMs + MINUTE_MS, 16)
  await world.ship(world.nowMs + MINUTE_MS, null)
  expect(await world.sequences()).toEqual([2, 3, 4, 10, 11, 12, 13, 14, 15, 16])
})

test('a file is looked at once, however often all are listed', async () => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  let stats = 0
  const { stat } = world.files
  world.files.stat = (path) => {
    if (path.endsWith('-1.parquet')) stats++
    return stat.call(world.files, path)
  }
  const { readdir } = world.counts
  for (const hours of [1, 2, 3]) await world.ship(hours * HOUR_MS, null)
  expect(world.counts.readdir).toBeGreaterThanOrEqual(readdir + 3)
  expect(stats).toBe(0)
})

test('what lies on a disk that was mounted late is merged and given up', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 1 }
  world.restart()
  for (const sequence of [1, 2, 3]) await world.ship(0, sequence)
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(MINUTE_MS, 4)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  for (const hours of [2, 3]) await world.ship(hours * HOUR_MS, null)
  expect(world.names).toHaveLength(1)
  expect(await world.sequences()).toEqual([1, 2, 3])
  await world.ship(26 * HOUR_MS, null)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ retired: { records: 3 } }])
})

test('what a disk that is away for a while has is known when it is back', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 1 }
  world.restart()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.files.rename(ROOT, '/data/disk')
  await world.ship(2 * HOUR_MS, null)
  world.files.rename('/data/disk', ROOT)
  await world.ship(4 * HOUR_MS, null)
  expect(await world.sequences()).toEqual([1, 2])
  await world.ship(30 * HOUR_MS, null)
  await world.ship(31 * HOUR_MS, null)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ records: 2, retired: { records: 2 } }])
})

/** An hour that was merged, and what it was made of beside it. */
const withLeftovers = async (): Promise<HookedWorld> => {
  const world = new HookedWorld()
  for (const sequence of [1, 2, 3, 4]) await world.ship(0, sequence)
  const backup = world.parquet
  for (const path of backup) world.files.link(path, `/data/${path.split('/').at(-1)}`)
  await world.ship(2 * HOUR_MS, null)
  for (const path of backup) world.files.link(`/data/${path.split('/').at(-1)}`, path)
  return world
}

test.each([0, 1, 2, 3, 4])(
  'an hour of which file %i cannot be looked at at a start has each row once',
  async (n) => {
    const world = await withLeftovers()
    world.files.unlink(STATE)
    const { stat } = world.files
    let stats = 0
    world.files.stat = (path) => {
      if (path.endsWith('.parquet') && stats++ === n) throw refusal('EIO', path)
      return stat.call(world.files, path)
    }
    world.restart()
    for (let times = 0; times < 8; times++) await world.ship(world.nowMs + HOUR_MS / 2, null)
    expect(stats).toBeGreaterThan(n)
    expect(await world.sequences()).toEqual([1, 2, 3, 4])
    expect(world.names).toHaveLength(1)
  },
)

test('what a backup brings back while the gateway runs goes as well', async () => {
  const world = await withLeftovers()
  await world.ship(world.nowMs + HOUR_MS, null)
  expect(await world.sequences()).toEqual([1, 2, 3, 4])
  expect(world.names).toHaveLength(1)
})

test('where what replaced them is deleted by hand they are files like others', async () => {
  const world = await withLeftovers()
  for (const number of [1, 2]) world.denied.add(`-${number}.parquet`)
  await world.ship(world.nowMs + HOUR_MS, null)
  expect(world.names).toHaveLength(3)
  for (const path of world.parquet) if (path.endsWith('-5.parquet')) world.files.unlink(path)
  world.denied.clear()
  for (let times = 0; times < 4; times++) await world.ship(world.nowMs + HOUR_MS, null)
  expect(await world.sequences()).toEqual([1, 2])
})
