/** Wall clocks that leap, under a shipper: nothing is lost by it, and nothing stands still. */

import { expect, test } from 'vitest'
import { records } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld } from '../../../helpers/records/shipping-world.ts'
import { putFile, SEAL } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS

const parquet = (world: ShippingWorld) =>
  world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))

/** A world in which a record of the first hour is in a file that is kept for 30 days. */
const shippedWorld = async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  world.retention = { bytesMax: 0, daysMax: 30 }
  const shipping = world.start()
  world.put({ number: 1 }, [layoutFrame(), records(1, 10), SEAL])
  await world.run(shipping)
  expect(parquet(world)).toHaveLength(1)
  return { world, shipping }
}

test('a clock that leaps ten years ahead has no file deleted, and what comes is shipped', async () => {
  const { world, shipping } = await shippedWorld()
  world.leapMs = 10 * YEAR_MS
  for (let hour = 0; hour < 23; hour++) {
    world.nowMs += HOUR_MS
    await world.run(shipping)
  }
  world.put({ number: 2 }, [layoutFrame(), records(11, 20), SEAL])
  await world.run(shipping)
  expect((await world.lines()).length).toBe(20)
  world.leapMs = 0
  world.nowMs += DAY_MS
  await world.run(shipping)
  expect((await world.lines()).length).toBe(20)
})

test('a clock that stays ahead is believed after a day', async () => {
  const { world, shipping } = await shippedWorld()
  world.leapMs = 10 * YEAR_MS
  await world.run(shipping)
  world.nowMs += 25 * HOUR_MS
  await world.run(shipping)
  expect(await world.lines()).toEqual([])
})

test('a clock that is set back holds nothing up', async () => {
  const { world, shipping } = await shippedWorld()
  world.leapMs = -YEAR_MS
  world.put({ number: 2 }, [layoutFrame(), records(11, 20), SEAL])
  await world.run(shipping)
  expect((await world.lines()).length).toBe(20)
  expect(world.segments()).toEqual([])
  expect(world.faults).toEqual([])
})

test('a segment that cannot be read is looked at again soon, though the clock was set back', async () => {
  const { world, shipping } = await shippedWorld()
  const path = world.put({ number: 2 }, [layoutFrame(), records(11, 20), SEAL])
  const { stat } = world.files
  world.files.stat = (of) => {
    if (of === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return stat.call(world.files, of)
  }
  await world.run(shipping)
  world.files.stat = stat
  world.leapMs = -YEAR_MS
  world.nowMs += 60_000
  await world.run(shipping)
  expect((await world.lines()).length).toBe(20)
})

test('a clock that is a month ahead when the shipper starts has no file deleted', async () => {
  const { world } = await shippedWorld()
  world.leapMs = 31 * DAY_MS
  await world.run(world.start())
  world.nowMs += HOUR_MS
  await world.run(world.start())
  expect((await world.lines()).length).toBe(10)
  world.leapMs = 0
  await world.run(world.start())
  expect((await world.lines()).length).toBe(10)
})

test('a segment that was set aside before the clock was set is kept as long as others', async () => {
  const { world } = await shippedWorld()
  const yearsMs = 55 * YEAR_MS
  const { rename, stat } = world.files
  const touched = new Map<string, number>()
  world.files.rename = (from, to) => {
    rename.call(world.files, from, to)
    touched.set(to, world.nowMs + world.leapMs)
  }
  world.files.stat = (path) => {
    const found = stat.call(world.files, path)
    return found && { ...found, touchedMs: touched.get(path) ?? found.touchedMs }
  }
  const quarantine = '/state/spool/quarantine'
  putFile(world.files, '/state/spool/r1-i3-g0-2.seg', new Uint8Array(5000).fill(7))
  world.alive.clear()
  const shipping = world.start()
  world.nowMs += 700_000
  await world.run(shipping)
  expect(world.files.readdir(quarantine)).toHaveLength(1)
  world.leapMs = yearsMs
  const runFor = async (days: number) => {
    for (let hour = 0; hour < 24 * days; hour++) {
      world.nowMs += HOUR_MS
      await world.run(shipping)
    }
  }
  await runFor(29)
  expect(world.files.readdir(quarantine)).toHaveLength(1)
  await runFor(2)
  expect(world.files.readdir(quarantine)).toHaveLength(0)
})
