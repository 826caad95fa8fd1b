import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { FileSink } from '../../../src/records/file-sink.ts'
import { accountPath } from '../../../src/records/files/account-files.ts'
import { CONTENTS_KEY } from '../../../src/records/files/contents.ts'
import { ensureRoot } from '../../../src/records/files/unfinished.ts'
import { parquetFile } from '../../../src/records/parquet-file.ts'
import { readDocument } from '../../../src/records/shipping/document.ts'
import { FRAME } from '../../../src/records/spool/segment-format.ts'
import type { ColumnSpec } from '../../../src/records/table/column.ts'
import { records } from '../../helpers/records/frames.ts'
import { LAYOUT, layoutFrame, ROOT, ShippingWorld } from '../../helpers/records/shipping-world.ts'
import { fillTable } from '../../helpers/records/tables.ts'
import { putFile } from '../../helpers/segments.ts'

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
  // That of the state is another one.
  const { open } = world.files
  world.files.open = (path, flags) => {
    if (!isFull || flags !== 'w' || !path.startsWith(ROOT))
      return open.call(world.files, path, flags)
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  const shipping = world.start()
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
  world.nowMs += HOUR_MS
  await world.run(shipping)
  expect(parquet(world).length).toBe(1)
  expect((await world.lines()).length).toBe(2)
})

test('an hour whose files cannot become one because its disk refuses it holds up no other', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  const shipping = world.start()
  for (const number of [1, 2, 3, 4]) {
    const endpoint = number < 3 ? 'a' : 'b'
    const layout = { ...LAYOUT, endpoint, id: number }
    world.put({ number }, [layoutFrame(layout), records(number, number, {}, layout.id)])
    await world.run(shipping)
  }
  const { open } = world.files
  let refusals = 0
  world.files.open = (path, flags) => {
    if (flags === 'w' && path.includes('endpoint=a')) {
      refusals++
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
    }
    return open.call(world.files, path, flags)
  }
  for (let minutes = 0; minutes < 10; minutes++) {
    world.nowMs = 2 * HOUR_MS + minutes * 60_000
    await world.run(shipping)
  }
  expect(parquet(world).filter((path) => path.includes('endpoint=a'))).toHaveLength(2)
  expect(parquet(world).filter((path) => path.includes('endpoint=b'))).toHaveLength(1)
  expect(refusals).toBe(1)
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
  await sink.open(null, null)
  const accounts = new Map(Array.from({ length: 20 }, (_, i) => [`g.0.${i}-1`, 'text']))
  await sink.prepare(accounts, 0)
  expect(pauses).toBeGreaterThanOrEqual(20)
})

test('tidy() pauses behind every file, and gives up no more than may go with one intent', async () => {
  const { files } = new ShippingWorld()
  const folder = `${ROOT}/endpoint=a/date=1970-01-01/hour=00`
  ensureRoot(files, folder)
  const specs: readonly ColumnSpec[] = [{ name: 'a', type: 'int32' }]
  const contents = '{"g.0.0-1":[1,7]}'
  const bytes = parquetFile(fillTable({ specs, rows: [[1]] }), { [CONTENTS_KEY]: contents })
  for (let number = 1; number <= 1500; number++) {
    putFile(files, `${folder}/g-${number}.parquet`, bytes)
  }
  let pauses = 0
  const breathe = async () => {
    pauses++
  }
  const retention = { bytesMax: 0, daysMax: 30 }
  const sink = new FileSink({ files, root: ROOT, gateway: 'g', retention, breathe })
  await sink.open(null, null)
  const times = { monotonicMs: 1, wallMs: YEAR_MS, believedMs: YEAR_MS }
  const may = { mayMerge: () => false, mayRetire: () => true, countedOf: () => null }
  const gone: (number | undefined)[] = []
  while (sink.isTidyDue(1)) {
    gone.push((await sink.tidy({ ...times, ...may })).givenUp.get('g.0.0-1')?.length)
    // Those are not there twice.
    expect((await sink.tidy({ ...times, ...may })).givenUp.size).toBe(0)
    expect(pauses).toBeGreaterThanOrEqual(Math.min(1500, gone.length * 1000))
    await sink.publish((await sink.prepare(new Map(), YEAR_MS)).intent)
  }
  // At last it looks which producers have nothing left.
  expect(gone).toEqual([1000, 500, undefined])
  expect(files.readdir(ROOT)).toEqual([])
})

test.each(['open', 'fsync'] as const)(
  'an intent that is done again takes no half-written account for its own (killed at %s)',
  async (deadly) => {
    const { files } = new ShippingWorld()
    const path = join(ROOT, accountPath('g7q2.0.0-1'))
    const text = () => Buffer.from(readDocument(files, path, 1000)!).toString()
    const begin = () => new FileSink({ files, root: ROOT, gateway: 'g7q2' })
    const first = begin()
    await first.open(null, null)
    const { intent, state } = await first.prepare(new Map([['g7q2.0.0-1', 'one']]), 0)
    await first.publish(intent)
    const call = files[deadly] as (...args: unknown[]) => unknown
    const kill = () => {
      throw new Error('killed')
    }
    const { unlink } = files
    Object.assign(files, {
      unlink: kill,
      [deadly]: (...args: unknown[]) => {
        call.apply(files, args)
        kill()
      },
    })
    await expect(first.prepare(new Map([['g7q2.0.0-1', 'two']]), 0)).rejects.toThrow('killed')
    Object.assign(files, { unlink, [deadly]: call })
    expect(files.readdir(dirname(path))).toHaveLength(2)
    await begin().open(state, intent)
    expect(text()).toBe('one')
    expect(files.readdir(dirname(path))).toHaveLength(1)
  },
)
