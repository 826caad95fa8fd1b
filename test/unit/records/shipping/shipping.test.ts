import { expect, test } from 'vitest'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { ended, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, STATE } from '../../../helpers/records/shipping-world.ts'
import { gapEntry } from '../../../helpers/ring-entries.ts'
import { HEADER, putFile, SEAL } from '../../../helpers/segments.ts'

const numbersOf = (lines: readonly { sequence: number }[]) =>
  lines.map(({ sequence }) => sequence).sort((a, b) => a - b)

test('step() ships what is in a sealed segment, and deletes it', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 10), ended(10), SEAL])
  await world.run(world.start())
  expect(numbersOf(await world.lines())).toEqual(upTo(10))
  expect(world.segments()).toEqual([])
  expect(world.accounts()).toMatchObject([{ producer: PRODUCER, state: 'ended', records: 10 }])
  expect(world.faults).toEqual([])
})

test('step() ships an open segment as it grows, and leaves it there', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  const shipping = world.start()
  const frames = [layoutFrame(), records(1, 5)]
  world.put({}, frames)
  await world.run(shipping)
  expect(numbersOf(await world.lines())).toEqual(upTo(5))
  world.put({}, [...frames, records(6, 8)])
  await world.run(shipping)
  expect(numbersOf(await world.lines())).toEqual(upTo(8))
  expect(world.segments().length).toBe(1)
  expect(world.accounts()).toMatchObject([{ state: 'open', floor: 9, taken: 8 }])
})

test('a segment of a process that was killed is shipped, and what is missing is said', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 5, { floor: 8, taken: 7 })])
  const shipping = world.start()
  await world.run(shipping)
  expect(world.accounts()).toMatchObject([{ state: 'open' }])
  world.alive.clear()
  await world.run(shipping)
  expect(world.segments()).toEqual([])
  // Below the floor nothing may be missing: nobody explains 6 and 7, and `verify` will say so.
  expect(world.accounts()).toMatchObject([{ state: 'killed', taken: 7, records: 5, gaps: {} }])
})

test('what a killed process had taken and not written is a gap', async () => {
  const world = new ShippingWorld()
  const frame = records(1, 5)
  world.put({}, [layoutFrame(), { ...frame, account: { ...frame.account!, taken: 9 } }])
  await world.run(world.start())
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 6, to: 9, reason: 'killed' }])
  expect(world.accounts()).toMatchObject([{ state: 'killed', taken: 9, gaps: { killed: 4 } }])
})

test('records that are in two segments are shipped once', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 6)])
  world.put({ generation: 1 }, [layoutFrame(), records(4, 9), ended(9), SEAL])
  await world.run(world.start())
  expect(numbersOf(await world.lines())).toEqual(upTo(9))
})

test('gaps are kept with their reasons', async () => {
  const world = new ShippingWorld()
  const gaps = { kind: FRAME.GAPS, gaps: [{ from: 4, to: 4, reason: 7 }] }
  const account = { thread: 0, count: 1, floor: 9, taken: 8 }
  const entry = gapEntry([
    { from: 5, to: 6, reason: 1 },
    { from: 8, to: 8, reason: 2 },
  ])
  world.put({}, [
    ...[layoutFrame(), records(1, 3), { ...gaps, account }],
    ...[{ kind: FRAME.RECORDS, account, bytes: entry }, records(7, 7), ended(8), SEAL],
  ])
  await world.run(world.start())
  expect(await world.gaps()).toEqual([
    { producer: PRODUCER, from: 4, to: 4, reason: 'corrupt' },
    { producer: PRODUCER, from: 5, to: 6, reason: 'sampled' },
    { producer: PRODUCER, from: 8, to: 8, reason: 'ring_full' },
  ])
  const account3 = world.accounts()[0]!
  expect(account3.gaps).toEqual({ corrupt: 1, sampled: 2, ring_full: 1 })
})

test('a damaged segment keeps its good part and is set aside', async () => {
  const world = new ShippingWorld()
  const path = world.put({}, [layoutFrame(), records(1, 5), records(6, 9), SEAL])
  world.put({ number: 2 }, [layoutFrame(), records(10, 12), ended(12), SEAL])
  const file = world.files.open(path, 'r+')
  const bytes = world.files.stat(path)!.bytes
  world.files.write(file, Uint8Array.of(255), 0, 1, bytes - 200)
  world.files.close(file)
  await world.run(world.start())
  expect(numbersOf(await world.lines())).toEqual([1, 2, 3, 4, 5, 10, 11, 12])
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 6, to: 9, reason: 'corrupt' }])
  expect(world.segments()).toEqual([])
  expect(world.files.readdir('/state/spool/quarantine')).toEqual(['r1-i3-g0-1.seg'])
  expect(world.faults.join()).toMatch(/no whole frame from \d+ to \d+/)
})

const removeParquet = (world: ShippingWorld): void => {
  for (const path of world.filesBelow(ROOT)) {
    if (path.endsWith('.parquet')) world.files.unlink(path)
  }
}

test('files that somebody has deleted hold nothing up after a restart', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3)])
  await world.run(world.start())
  removeParquet(world)
  world.put({ number: 2 }, [layoutFrame(), records(4, 5)])
  await world.run(world.start())
  expect(numbersOf(await world.lines())).toEqual([4, 5])
  expect(world.faults.join()).toMatch(/somebody has deleted it/)
})

test('nor do they in a shipper that is about to publish them', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3)])
  const { rename } = world.files
  let isGone = false
  world.files.rename = (from, to) => {
    if (!isGone && to.endsWith('.parquet')) {
      isGone = true
      world.files.unlink(from)
    }
    rename.call(world.files, from, to)
  }
  const shipping = world.start()
  await world.run(shipping)
  world.put({ number: 2 }, [layoutFrame(), records(4, 5)])
  await world.run(shipping)
  expect(numbersOf(await world.lines())).toEqual([4, 5])
})

test('what was about to be published when records.path changed is published where it was', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3)])
  const { rename } = world.files
  world.files.rename = (from, to) => {
    if (to.endsWith('.parquet')) throw new Error('it dies here')
    rename.call(world.files, from, to)
  }
  const shipping = world.start()
  await world.run(shipping, () => shipping.failures > 0)
  world.files.rename = rename
  expect(numbersOf(await world.lines())).toEqual([])
  const moved = world.start(world.files, HEADER.gateway, '/data/other')
  await world.run(moved)
  expect(numbersOf(await world.lines())).toEqual([1, 2, 3])
  world.put({ number: 2 }, [layoutFrame(), records(4, 5)])
  await world.run(moved)
  expect(world.filesBelow('/data/other').filter((path) => path.endsWith('.parquet'))).toHaveLength(
    1,
  )
  expect(numbersOf(await world.lines())).toEqual([1, 2, 3])
})

test('an account that cannot be read holds nothing up', async () => {
  const world = new ShippingWorld()
  for (const folder of [ROOT, `${ROOT}/_producers`]) world.files.mkdir(folder)
  putFile(world.files, `${ROOT}/_producers/${PRODUCER}.json`, Uint8Array.of(123))
  world.put({}, [layoutFrame(), records(1, 3)])
  const shipping = world.start()
  await shipping.step(true)
  expect(shipping.failures).toBe(0)
  await world.run(shipping)
  expect(numbersOf(await world.lines())).toEqual([1, 2, 3])
  expect(world.faults.join()).toMatch(/account cannot be read/)
})

test('a state that is damaged is set aside, and accounts tell what is shipped', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 3), ended(3), SEAL])
  await world.run(world.start())
  putFile(world.files, STATE, Uint8Array.of(0))
  world.put({ number: 2 }, [layoutFrame(), records(1, 3), records(4, 5), SEAL])
  await world.run(world.start())
  expect(numbersOf(await world.lines())).toEqual(upTo(5))
  expect(world.files.stat(`${STATE}.corrupt`)).not.toBeNull()
  expect(world.faults.join()).toMatch(/set aside/)
})

test('a replica with ever more to ship leaves time for the others', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.limits = { ...world.limits, rowsMax: 10 }
  world.put({ replica: 2 }, [layoutFrame(), records(1, 5)])
  const frames = [layoutFrame()]
  const shipping = world.start()
  for (let times = 0; times < 10; times++) {
    frames.push(records(10 * times + 1, 10 * times + 10))
    world.put({}, frames)
    await shipping.step()
  }
  expect((await world.lines()).some(({ producer }) => producer === 'g7q2.2.0-3')).toBe(true)
})
