/** Segments of which a disk does not give all, for a while or for ever. */

import { expect, test } from 'vitest'
import { readShipState, writeShipState } from '../../../../src/records/shipping/ship-state.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { spoilPages } from '../../../helpers/records/bad-pages.ts'
import { ended, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import {
  layoutFrame,
  ROOT,
  ShippingWorld,
  SPOOL,
  STATE,
} from '../../../helpers/records/shipping-world.ts'
import { HEADER, readFrames, SEAL } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

const verify = (world: ShippingWorld) => {
  const isAlive = ({ pid }: { readonly pid: number }) => world.alive.has(pid)
  return verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive })
}

const sequences = async (world: ShippingWorld) =>
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

const kept = (world: ShippingWorld) =>
  world.files.stat(`${SPOOL}/quarantine`) === null ? [] : world.files.readdir(`${SPOOL}/quarantine`)

/** Ten frames of 100 records, each longer than a page; of the third one page cannot be read. */
const spoilt = (frame = 3, isAway?: () => boolean) => {
  const world = new ShippingWorld()
  const frames = upTo(10).map((n) => records(100 * n - 99, 100 * n))
  const path = world.put({}, [layoutFrame(), ...frames, ended(1000), SEAL])
  const { from } = readFrames(world.files, path).frames[frame]!
  spoilPages(world.files, path, [from + 6000], isAway && { isAway })
  return world
}

const pass = async (world: ShippingWorld, hours: number, shipping = world.start()) => {
  for (let minute = 0; minute < 60 * hours; minute++) {
    await shipping.step()
    world.nowMs += MINUTE_MS
  }
  await world.run(shipping)
}

test('what lies before a page that cannot be read is shipped at once, and the rest waits', async () => {
  const world = spoilt()
  await pass(world, 22)
  expect(await sequences(world)).toEqual(upTo(200))
  expect(await world.gaps()).toEqual([])
  expect(await verify(world)).toMatchObject({ ok: false, problems: [/EIO/] })
  expect(kept(world)).toEqual([])
})

test('after a day what is around it is shipped as well, and what was in it is corrupt', async () => {
  const world = spoilt()
  await pass(world, 25)
  const lost = { producer: PRODUCER, from: 201, to: 300, reason: 'corrupt' }
  expect(await world.gaps()).toEqual([lost])
  expect(await sequences(world)).toEqual(upTo(1000).filter((n) => n <= 200 || n > 300))
  expect(world.accounts()).toMatchObject([{ state: 'ended', taken: 1000 }])
  expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
  expect(await verify(world)).toMatchObject({ ok: true })
  expect(world.faults.join()).toMatch(/for a day the disk has not given 4096 bytes of it/)
})

test('the day is one of looking, in however many processes, and no leap of the clock', async () => {
  const world = spoilt()
  for (let life = 0; life < 40; life++) {
    world.leapMs += 10 * 24 * HOUR_MS
    await pass(world, 0)
  }
  expect(kept(world)).toEqual([])
  for (let life = 0; life < 7; life++) await pass(world, 4)
  expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
  expect(await world.gaps()).toHaveLength(1)
})

test('one that can be read again is shipped whole, however late', async () => {
  let isAway = true
  const world = spoilt(3, () => isAway)
  await pass(world, 20)
  isAway = false
  await pass(world, 1)
  expect(await sequences(world)).toEqual(upTo(1000))
  expect(await world.gaps()).toEqual([])
  expect(kept(world)).toEqual([])
})

test('one that can be read again after its day was over loses nothing', async () => {
  let isAway = true
  const world = spoilt(3, () => isAway)
  world.alive.add(HEADER.process.pid)
  world.put({ number: 2 }, [layoutFrame()])
  const shipping = world.start()
  await pass(world, 24, shipping)
  world.nowMs += HOUR_MS
  isAway = false
  await pass(world, 1, shipping)
  expect(await sequences(world)).toEqual(upTo(1000))
  expect(await world.gaps()).toEqual([])
})

test('a page of its end, or of its beginning, costs what was in it, and is no half frame', async () => {
  const atEnd = spoilt(11)
  spoilPages(atEnd.files, `${SPOOL}/r1-i3-g0-1.seg`, [readEnd(atEnd) - 1])
  await pass(atEnd, 25)
  expect(await sequences(atEnd)).toEqual(upTo(900))
  expect(kept(atEnd)).toEqual(['r1-i3-g0-1.seg'])
  const atBegin = new ShippingWorld()
  const path = atBegin.put({}, [layoutFrame(), records(1, 100), SEAL])
  atBegin.put({ number: 2 }, [layoutFrame(), records(101, 110), ended(110), SEAL])
  spoilPages(atBegin.files, path, [0])
  await pass(atBegin, 25)
  expect(await sequences(atBegin)).toEqual(upTo(10).map((n) => n + 100))
  expect(await atBegin.gaps()).toMatchObject([{ from: 1, to: 100, reason: 'corrupt' }])
  expect(kept(atBegin)).toEqual(['r1-i3-g0-1.seg'])
})

const readEnd = (world: ShippingWorld): number => world.files.stat(`${SPOOL}/r1-i3-g0-1.seg`)!.bytes

test('the day is none in which nobody could look', async () => {
  const world = spoilt()
  const shipping = world.start()
  await pass(world, 1, shipping)
  const { readdir } = world.files
  world.files.readdir = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  world.nowMs += 48 * HOUR_MS
  await shipping.step()
  world.files.readdir = readdir
  await pass(world, 22, shipping)
  expect([await world.gaps(), kept(world)]).toEqual([[], []])
  await pass(world, 2, shipping)
  expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
})

test('a disk that takes long for each page keeps nobody waiting for long, over any kill', async () => {
  const world = new ShippingWorld()
  const frames = upTo(40).map((n) => records(100 * n - 99, 100 * n))
  const path = world.put({}, [layoutFrame(), ...frames, SEAL])
  world.put({ number: 2 }, [layoutFrame(), records(4001, 4003), ended(4003), SEAL])
  let asked = 0
  const onAsked = () => {
    asked++
    world.nowMs += 7000
  }
  const pages = upTo(16).map((n) => 40_960 + 4096 * n)
  spoilPages(world.files, path, pages, { onAsked })
  await pass(world, 0)
  const state = readShipState(world.files, STATE)!
  const place = state.segments['r1-i3-g0-1.seg']!
  const segments = { ...state.segments, 'r1-i3-g0-1.seg': { ...place, unreadableMs: 24 * HOUR_MS } }
  writeShipState(world.files, STATE, { ...state, segments })
  const before = asked
  for (let life = 0; kept(world).length === 0; life++) {
    expect(life).toBeLessThan(16)
    const other = { replica: 5, incarnation: 8, number: life + 1 }
    world.put(other, [layoutFrame(), records(3 * life + 1, 3 * life + 3), SEAL])
    const shipping = world.start()
    for (let step = 0; step < 20; step++) {
      const sinceMs = world.nowMs
      await shipping.step()
      expect(world.nowMs - sinceMs).toBeLessThan(20_000)
      world.nowMs += 250
    }
    const lines = await world.lines()
    expect(lines.filter(({ producer }) => producer.endsWith('-8'))).toHaveLength(3 * life + 3)
  }
  // Each once.
  expect(asked - before).toBeLessThan(20)
  const own = (await world.lines()).filter(({ producer }) => producer === PRODUCER)
  const lost = (await world.gaps()).reduce((sum, { from, to }) => sum + to - from + 1, 0)
  expect([own.length + lost, lost < 2000]).toEqual([4003, true])
  expect(await verify(world)).toMatchObject({ ok: true })
})
