import { expect, test } from 'vitest'
import { records } from '../../../helpers/records/frames.ts'
import { HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { LAYOUT, layoutFrame, STATE } from '../../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

/** Steps of some minutes each. */
const wait = async (world: HookedWorld, minutes: number): Promise<void> => {
  for (let times = 0; times < minutes; times++) await world.ship(world.nowMs + 60_000, null)
}

const expectEach = async (world: HookedWorld, sequences: readonly number[]): Promise<void> => {
  expect(await world.viewed()).toEqual(sequences)
  const report = await world.verify()
  expect(report.problems).toEqual([])
  expect(report.producers.map(({ present }) => present)).toEqual([sequences.length])
}

test('an hour that is merged again has every row once, beside a file that nobody can delete', async () => {
  const world = new HookedWorld()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.denied.add('g7q2-1.parquet')
  await world.ship(2 * HOUR_MS, null)
  // Records of an hour may come late.
  for (const sequence of [3, 4]) {
    await world.ship(world.nowMs + 60_000, sequence)
    await wait(world, 2)
    await expectEach(world, [1, 2, 3, 4].slice(0, sequence))
  }
  world.restart()
  await wait(world, 90)
  await expectEach(world, [1, 2, 3, 4])
  expect(world.names).toContain('g7q2-1.parquet')
  world.denied.clear()
  await wait(world, 90)
  expect(await world.sequences()).toEqual([1, 2, 3, 4])
  expect(world.names).toHaveLength(1)
})

test('what a backup brings back beside a file that is made of files made of it is deleted', async () => {
  const world = new HookedWorld()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  const backup = world.parquet
  for (const path of backup) world.files.link(path, `/data/${path.split('/').at(-1)}`)
  await world.ship(2 * HOUR_MS, null)
  await world.ship(2 * HOUR_MS + 60_000, 3)
  await wait(world, 2)
  expect(world.names).toHaveLength(1)
  for (const path of backup) world.files.link(`/data/${path.split('/').at(-1)}`, path)
  await expectEach(world, [1, 2, 3])
  world.restart()
  await wait(world, 2)
  expect(await world.sequences()).toEqual([1, 2, 3])
})

test('what was merged goes, though another new file of its hour is not there', async () => {
  const world = new HookedWorld()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  let isArmed = false
  world.hook = (call, path) => {
    if (!isArmed || call !== 'rename' || !path.endsWith('g7q2-5.parquet.unfinished')) return
    isArmed = false
    world.files.unlink(path)
  }
  world.nowMs = 2 * HOUR_MS
  world.record(3)
  await world.shipping.step(true)
  world.record(4)
  isArmed = true
  await world.shipping.step(true)
  await wait(world, 3)
  expect(await world.sequences()).toEqual([1, 2, 3])
  expect(world.faults.join()).toMatch(/g7q2-5.parquet: Error: the file is not there/)
  expect((await world.verify()).problems).toEqual([])
  await world.end(4)
  expect((await world.verify()).problems).toEqual(['g7q2.1.0-3: 1 records are missing'])
})

test.each([1, 2, 3])(
  'what was merged is merged by nobody after a kill at %i, without state',
  async (n) => {
    const world = new HookedWorld()
    for (const sequence of [1, 2, 3]) await world.ship(0, sequence)
    let [unlinks, isKilled] = [0, false]
    world.hook = (call, path) => {
      if (call === 'unlink' && path.endsWith('.parquet') && ++unlinks === n) isKilled = true
      if (isKilled) throw new Error('killed')
    }
    await world.ship(2 * HOUR_MS, null).catch(() => {})
    expect(isKilled).toBe(true)
    world.hook = () => {}
    await expectEach(world, [1, 2, 3])
    world.files.unlink(STATE)
    world.restart()
    await wait(world, 3)
    expect(await world.sequences()).toEqual([1, 2, 3])
    await expectEach(world, [1, 2, 3])
  },
)

test('what retention gives up is counted once, though another file of its hour is missing', async () => {
  const world = new HookedWorld()
  world.record(1, 20)
  await world.ship(0, null)
  for (const sequence of [21, 22, 23, 24]) await world.ship(0, sequence)
  const bytes = world.parquet.reduce((sum, path) => sum + world.files.stat(path)!.bytes, 0)
  world.retention = { bytesMax: bytes + 100, daysMax: 0 }
  world.restart()
  world.nowMs += 60_000
  world.record(25)
  await world.shipping.step(true)
  let isArmed = true
  world.hook = (call, path) => {
    if (!isArmed || call !== 'rename' || !path.endsWith('7.parquet.unfinished')) return
    isArmed = false
    world.files.unlink(path)
  }
  world.record(26)
  await world.shipping.step(true)
  await wait(world, 5)
  expect(isArmed).toBe(false)
  expect(world.names).not.toContain('g7q2-1.parquet')
  expect(world.accounts()).toMatchObject([{ records: 26, retired: { records: 20 } }])
})

test.each(['EACCES', 'EIO'])(
  'what retention cannot delete (%s) stays with its account, also without state',
  async (code) => {
    const world = new HookedWorld()
    world.retention = { bytesMax: 0, daysMax: 30 }
    world.restart()
    for (const sequence of [1, 2]) await world.ship(0, sequence)
    await world.end(2)
    world.hook = (call, path) => {
      if (call === 'unlink' && path.endsWith('-1.parquet')) throw refusal(code, path)
    }
    for (const hours of [1, 2, 3, 4]) {
      await world.ship(YEAR_MS + hours * HOUR_MS, null)
      if (hours === 2) world.files.unlink(STATE)
      if (hours > 1) world.restart()
      await wait(world, 3)
      expect(await world.sequences()).toEqual([1])
      // It is counted, once, and `verify` knows that it is there.
      expect(world.accounts()).toMatchObject([{ records: 2, retired: { records: 2 } }])
      expect((await world.verify()).problems).toEqual([])
    }
    world.hook = () => {}
    await world.ship(world.nowMs + 2 * HOUR_MS, null)
    expect(world.names).toEqual([])
    expect(world.accounts()).toEqual([])
  },
)

test('an account of which nothing is left goes when it can be deleted', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  await world.ship(0, 1)
  await world.end(1)
  world.denied.add('g7q2.1.0-3.json')
  await world.ship(YEAR_MS, null)
  await wait(world, 30)
  expect(world.names).toEqual([])
  expect(world.accounts()).toHaveLength(1)
  // Nor is there a try with every step, nor a process that has to know of it.
  expect(world.faults).toHaveLength(1)
  for (const isRestarted of [false, true]) {
    if (isRestarted) world.restart()
    await world.ship(world.nowMs + HOUR_MS, null)
    await wait(world, 2)
    expect(world.faults.length).toBeGreaterThan(1)
    expect(world.accounts()).toHaveLength(1)
  }
  world.denied.clear()
  await world.ship(world.nowMs + HOUR_MS, null)
  expect(world.accounts()).toEqual([])
})

test.each([
  ['of one whose files have all gone before it ended', 1],
  ['of one that has taken nothing', 0],
])('nor does that %s stay', async (_, taken) => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  if (taken > 0) await world.ship(0, 1)
  await world.ship(YEAR_MS, null)
  await wait(world, 2)
  expect(world.names).toEqual([])
  await world.end(taken)
  expect(world.accounts()).toMatchObject([{ state: 'ended', records: taken }])
  await world.ship(world.nowMs + HOUR_MS, null)
  await wait(world, 2)
  expect(world.accounts()).toEqual([])
  expect((await world.verify()).problems).toEqual([])
  world.restart()
  await wait(world, 2)
  expect(world.accounts()).toEqual([])
})

test('a file that cannot be read when it has had its time is counted before it goes', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.hook = (call, path) => {
    if (call === 'open' && path.endsWith('-1.parquet')) throw refusal('EIO', path)
  }
  await world.ship(YEAR_MS, null)
  await wait(world, 30)
  world.hook = () => {}
  expect(world.names).toHaveLength(2)
  expect((await world.verify()).problems).toEqual([])
  for (const hours of [1, 2, 3, 4]) await world.ship(YEAR_MS + hours * 2 * HOUR_MS, null)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ records: 2, retired: { records: 2 } }])
})

test('one that nobody can read for a day goes uncounted, and holds up no others any more', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.hook = (call, path) => {
    if (call === 'open' && path.endsWith('-1.parquet')) throw refusal('EIO', path)
  }
  for (let hours = 0; hours < 23; hours++) await world.ship(YEAR_MS + hours * HOUR_MS, null)
  expect(world.names).toHaveLength(2)
  for (const hours of [25, 26, 28]) await world.ship(YEAR_MS + hours * HOUR_MS, null)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ records: 2, retired: { records: 1 } }])
})

test('an archive in which nobody can delete costs no commit anything, and is told once a folder', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.restart()
  const frames = Array.from({ length: 40 }, (_, i) => {
    const layout = { ...LAYOUT, endpoint: `e${i % 20}`, id: 10 + i }
    return [layoutFrame(layout), records(i + 1, i + 1, {}, layout.id)]
  })
  world.put({ number: 9 }, frames.slice(0, 20).flat())
  await world.ship(0, null)
  world.put({ number: 10 }, frames.slice(20).flat())
  await world.ship(0, null)
  expect(world.names).toHaveLength(40)
  let refused = 0
  world.hook = (call, path) => {
    if (call !== 'unlink' || !path.endsWith('.parquet')) return
    refused++
    throw refusal('EACCES', path)
  }
  await world.ship(YEAR_MS, null)
  expect(refused).toBe(40)
  expect(world.faults).toHaveLength(20)
  Object.assign(world.counts, { fsync: 0, unlink: 0 })
  await wait(world, 10)
  expect(world.counts).toMatchObject({ fsync: 0, unlink: 0 })
  expect((await world.verify()).problems).toEqual([])
  await world.ship(world.nowMs + HOUR_MS, null)
  expect(refused).toBe(80)
  expect(world.accounts()).toMatchObject([{ retired: { records: 40 } }])
  world.hook = () => {}
  await world.ship(world.nowMs + 2 * HOUR_MS, null)
  expect(world.names).toEqual([])
})
