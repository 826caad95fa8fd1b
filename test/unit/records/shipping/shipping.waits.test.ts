/** What waits, because it cannot be read now or was at the end of others: nothing of it is lost. */

import { expect, test } from 'vitest'
import { ENTRY_DOUBLE } from '../../../../src/records/entry.ts'
import { FileSink, type FileSinkOptions } from '../../../../src/records/file-sink.ts'
import type { ShipBatch } from '../../../../src/records/shipping/sink.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import {
  layoutFrame,
  ROOT,
  ShippingWorld,
  SPOOL,
  STATE,
} from '../../../helpers/records/shipping-world.ts'
import { HEADER, type PlannedFrame, readFrames, SEAL } from '../../../helpers/segments.ts'

class Killed extends Error {}

/** One that ends when it is about to publish the record of a sequence. */
class Mortal extends FileSink {
  deadly = 0
  #has = false

  override write(batch: ShipBatch): ReturnType<FileSink['write']> {
    const { producer, frame, froms, count } = batch
    for (let i = 0; i < count; i++) {
      const sequence = frame.doubles[(froms[i]! >> 3) + ENTRY_DOUBLE.SEQUENCE]
      this.#has ||= producer === PRODUCER && sequence === this.deadly
    }
    return super.write(batch)
  }

  override prepare(...given: Parameters<FileSink['prepare']>): ReturnType<FileSink['prepare']> {
    if (this.#has) throw new Killed()
    return super.prepare(...given)
  }
}

const mortal = (deadly: number) => (options: FileSinkOptions) =>
  Object.assign(new Mortal(options), { deadly })

/** Another replica that never rests, and comes first. */
const busy = (world: ShippingWorld) => {
  const frames: PlannedFrame[] = [layoutFrame()]
  return (count: number): void => {
    for (let i = 0; i < count; i++) frames.push(records(frames.length, frames.length))
    world.put({ replica: 7, incarnation: 1 }, frames)
  }
}

/** A replica that lives, and its first segment, of which the second frame of two is damaged. */
const damagedWorld = (): ShippingWorld => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  const path = world.put({}, [layoutFrame(), records(1, 3), records(4, 6), SEAL])
  const { from } = readFrames(world.files, path).frames[2]!
  const file = world.files.open(path, 'r+')
  world.files.write(file, Uint8Array.of(9), 0, 1, from + 100)
  world.files.close(file)
  return world
}

const proofOf = (world: ShippingWorld) =>
  verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: ({ pid }) => world.isAlive(pid) })

const numbersOf = async (world: ShippingWorld): Promise<number[]> =>
  (await world.lines())
    .filter(({ producer }) => producer === PRODUCER)
    .map(({ sequence }) => sequence)
    .sort((a, b) => a - b)

const checkDamage = async (world: ShippingWorld, last: number): Promise<void> => {
  const wanted = Array.from({ length: last }, (_, i) => i + 1).filter((n) => n < 4 || n > 6)
  expect(await numbersOf(world)).toEqual(wanted)
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 4, to: 6, reason: 'corrupt' }])
  expect(world.files.readdir('/state/spool/quarantine')).toEqual(['r1-i3-g0-1.seg'])
  expect(await proofOf(world)).toMatchObject({ ok: true })
}

for (const isThirdThere of [true, false]) {
  test(`a segment that another process could not read is not lost: later ones ${isThirdThere ? 'there' : 'gone'}`, async () => {
    const world = damagedWorld()
    world.limits = { ...world.limits, rowsMax: 3 }
    const path = world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12), SEAL])
    world.put({ number: 3 }, [layoutFrame(), records(13, 15), ...(isThirdThere ? [] : [SEAL])])
    const { open } = world.files
    world.files.open = (name, flags) => {
      if (name === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      return open.call(world.files, name, flags)
    }
    await world.run(world.start())
    expect(world.segments()).toHaveLength(isThirdThere ? 2 : 1)
    world.files.open = open
    // The first commits of the next one are of others.
    busy(world)(9)
    await world.run(world.start())
    await checkDamage(world, 15)
  })
}

test('nor is a segment with a frame at which the shipper was killed, however often', async () => {
  for (const kills of [7, 8, 9, 12, 20]) {
    const world = damagedWorld()
    world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12), SEAL])
    world.put({ number: 3 }, [layoutFrame(), records(13, 15)])
    const goOn = busy(world)
    world.sinkOf = mortal(7)
    for (let times = 0; times < kills; times++) {
      goOn(1)
      const shipping = world.start()
      await world.run(shipping).catch(() => {})
    }
    world.sinkOf = (options) => new FileSink(options)
    goOn(1)
    const shipping = world.start()
    await world.run(shipping)
    world.nowMs += 60_000
    await world.run(shipping)
    await checkDamage(world, 15)
  }
})

for (const kills of [0, 9, 12]) {
  test(`a frame that ends the shipper itself after ${kills} kills is set aside under any load`, async () => {
    const world = new ShippingWorld()
    world.alive.add(HEADER.process.pid)
    world.limits = { ...world.limits, rowsMax: 3 }
    world.put({}, [layoutFrame(), records(1, 1), records(2, 2), records(3, 3)])
    const goOn = busy(world)
    world.sinkOf = mortal(2)
    for (let times = 0; times < kills; times++) {
      await world.run(world.start()).catch(() => {})
    }
    let [lives, isWell] = [0, false]
    for (; lives < 12 && !isWell; lives++) {
      // More than it ships before it comes to the frame.
      goOn(20)
      const shipping = world.start()
      try {
        await world.run(shipping)
        world.nowMs += 60_000
        goOn(20)
        await world.run(shipping)
        isWell = true
      } catch {
        world.noteFault()
      }
    }
    expect(isWell).toBe(true)
    expect(await numbersOf(world)).toEqual([1, 3])
    expect(await world.gaps()).toMatchObject([{ from: 2, to: 2, reason: 'unshippable' }])
  })
}

test('nor is a segment that could not be read lost with the state of the shipper', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({ number: 1 }, [layoutFrame(), records(1, 3), records(4, 6), SEAL])
  const path = world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12), SEAL])
  world.put({ number: 3 }, [layoutFrame(), records(13, 15)])
  const { open } = world.files
  world.files.open = (name, flags) => {
    if (name === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return open.call(world.files, name, flags)
  }
  await world.run(world.start())
  expect(await numbersOf(world)).toHaveLength(9)
  world.files.open = open
  world.files.unlink(STATE)
  const shipping = world.start()
  await world.run(shipping)
  expect(await numbersOf(world)).toEqual(upTo(15))
  world.alive.clear()
  await world.run(shipping)
  expect(world.segments()).toEqual([])
  expect(world.accounts()).toMatchObject([{ records: 15, gaps: {}, taken: 15 }])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})
