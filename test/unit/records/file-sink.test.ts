import { expect, test } from 'vitest'
import { FileSink } from '../../../src/records/file-sink.ts'
import { FRAME } from '../../../src/records/spool/segment-format.ts'
import { failingFiles } from '../../helpers/failing-files.ts'
import { records } from '../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld } from '../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

const parquet = (world: ShippingWorld) =>
  world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))

test('files of an hour become one when it is over, and say the same', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  const shipping = world.start()
  for (let times = 0; times < 5; times++) {
    world.put({ number: times + 1 }, [layoutFrame(), records(times * 10 + 1, times * 10 + 10)])
    await world.run(shipping)
  }
  expect(parquet(world).length).toBe(5)
  const before = await world.lines()
  world.nowMs = 2 * HOUR_MS
  await world.run(shipping)
  expect(parquet(world)).toEqual([
    '/data/records/endpoint=flights/date=1970-01-01/hour=00/g7q2-6.parquet',
  ])
  expect(await world.lines()).toEqual(before)
})

test('files that cannot become one because the disk is full become one later', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  let isFull = false
  const calls = failingFiles(world.files, (call) =>
    isFull && call === 'write' ? { errno: 'ENOSPC' } : null,
  )
  const shipping = world.start(calls)
  for (const number of [1, 2]) {
    world.put({ number }, [layoutFrame(), records(number, number)])
    await world.run(shipping)
  }
  isFull = true
  world.nowMs = 2 * HOUR_MS
  await world.run(shipping)
  expect(parquet(world).length).toBe(2)
  expect(world.faults.join()).toMatch(/ENOSPC/)
  isFull = false
  world.nowMs += 60_000
  await world.run(shipping)
  expect(parquet(world).length).toBe(1)
  expect((await world.lines()).length).toBe(2)
})

test('what is old is deleted, and its account says how much it was', async () => {
  const world = new ShippingWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  const shipping = world.start()
  const taken = { thread: 0, count: 0, floor: 11, taken: 14 }
  world.put({}, [layoutFrame(), records(1, 10), { kind: FRAME.BEGIN, account: taken }])
  await world.run(shipping)
  expect(parquet(world).length).toBe(2)
  world.nowMs = YEAR_MS
  await world.run(shipping)
  expect(parquet(world)).toEqual([])
  expect(world.files.readdir(ROOT)).toEqual(['_producers'])
  // Nothing is left of a producer that is no more: nor is its account.
  expect(world.accounts()).toEqual([])
})

test('what is old of a producer that lives is noted in its account', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  world.retention = { bytesMax: 1, daysMax: 0 }
  const shipping = world.start()
  world.put({}, [layoutFrame(), records(1, 10)])
  await world.run(shipping)
  world.nowMs = HOUR_MS
  await world.run(shipping)
  expect(parquet(world)).toEqual([])
  expect(world.accounts()).toMatchObject([
    { records: 10, state: 'open', retired: { records: 10, gaps: 0, below: 11 } },
  ])
})

test('two gateways share a folder and leave each other alone', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 10)])
  await world.run(world.start())
  const before = parquet(world)
  world.files.unlink('/state/shipper/files.json')
  world.retention = { bytesMax: 1, daysMax: 1 }
  world.nowMs = YEAR_MS
  const other = world.start(world.files, 'g7q')
  await world.run(other)
  expect(parquet(world)).toEqual(before)
  world.put({ gateway: 'g7q' }, [layoutFrame(), records(1, 3)])
  await world.run(other)
  world.nowMs += 60_000
  await world.run(other)
  expect(parquet(world)).toEqual(before)
  expect(world.accounts().map(({ producer }) => producer)).toContain('g7q2.1.0-3')
})

test('without its state the shipper ships nothing again that accounts tell of', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  world.put({}, [layoutFrame(), records(1, 10)])
  await world.run(world.start())
  world.files.unlink('/state/shipper/files.json')
  world.put({}, [layoutFrame(), records(1, 10), records(11, 12)])
  await world.run(world.start())
  const numbers = (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)
  expect(numbers).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
})

test('prepare() pauses behind every file', async () => {
  const world = new ShippingWorld()
  let pauses = 0
  const breathe = async () => {
    pauses++
  }
  const sink = new FileSink({ files: world.files, root: ROOT, gateway: 'g', breathe })
  sink.open(null, null)
  const accounts = new Map(Array.from({ length: 20 }, (_, i) => [`g.0.${i}-1`, 'text']))
  await sink.prepare(accounts, 0)
  expect(pauses).toBeGreaterThanOrEqual(20)
})
