/** A spool that is away while replicas write in its place. */

import { expect, test } from 'vitest'
import { readShipState, writeShipState } from '../../../../src/records/shipping/ship-state.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { ended, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import {
  layoutFrame,
  ROOT,
  ShippingWorld,
  SPOOL,
  STATE,
} from '../../../helpers/records/shipping-world.ts'
import { HEADER, SEAL } from '../../../helpers/segments.ts'

const MINUTE_MS = 60_000

const numbersOf = async (world: ShippingWorld): Promise<number[]> =>
  (await world.lines())
    .filter(({ producer }) => producer === PRODUCER)
    .map(({ sequence }) => sequence)
    .sort((a, b) => a - b)

const proofOf = (world: ShippingWorld) =>
  verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: ({ pid }) => world.isAlive(pid) })

/** A living replica of which six records are shipped. */
const shippedWorld = async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6)])
  const shipping = world.start()
  await world.run(shipping)
  return { world, shipping }
}

/** It has ended in order, with this. */
const end = async (
  world: ShippingWorld,
  number: number,
  first: number,
  shipping = world.start(),
) => {
  world.put({ number }, [layoutFrame(), records(first, first + 2), ended(first + 2), SEAL])
  await world.run(shipping)
  world.alive.clear()
  await world.run(shipping)
}

test('what a replica writes in the place of a spool that is away is shipped, and not lost', async () => {
  const { world, shipping } = await shippedWorld()
  const bringBack = world.takeSpoolAway()
  world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12)])
  await world.run(shipping)
  expect([await numbersOf(world), shipping.isAway]).toEqual([upTo(12), true])
  bringBack()
  await end(world, 3, 13, shipping)
  expect([await numbersOf(world), shipping.isAway]).toEqual([upTo(15), false])
  expect([await world.gaps(), world.segments()]).toEqual([[], []])
  expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ open_ended: false }] })
})

test('so is what a new one writes before a spool is mounted, however often the shipper starts', async () => {
  const world = new ShippingWorld()
  world.alive.add(99)
  const old = { replica: 7, incarnation: 1, process: { ...HEADER.process, pid: 99 } }
  world.put(old, [layoutFrame(), records(1, 3)])
  await world.run(world.start())
  world.alive.clear()
  world.alive.add(HEADER.process.pid)
  const bringBack = world.takeSpoolAway()
  for (const life of upTo(5)) {
    world.put({}, [layoutFrame(), ...upTo(life).map((n) => records(3 * n - 2, 3 * n))])
    const shipping = world.start()
    await world.run(shipping)
    world.nowMs += 9 * MINUTE_MS
    await world.run(shipping)
    expect(await numbersOf(world)).toEqual(upTo(3 * life))
    expect(await world.gaps()).toEqual([])
  }
  bringBack()
  await end(world, 2, 16)
  expect(await numbersOf(world)).toEqual(upTo(18))
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('what nobody has read there when the spool comes back is lost for a reason', async () => {
  const { world, shipping } = await shippedWorld()
  const bringBack = world.takeSpoolAway()
  world.put({ number: 2 }, [layoutFrame(), records(7, 9)])
  await world.run(shipping)
  world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12)])
  bringBack()
  world.put({ number: 3 }, [layoutFrame(), records(13, 15)])
  await world.run(shipping)
  const lost = { producer: PRODUCER, from: 10, to: 12, reason: 'corrupt' }
  expect([await numbersOf(world), await world.gaps()]).toEqual([
    upTo(15).filter((n) => n < 10 || n > 12),
    [lost],
  ])
  await end(world, 4, 16, shipping)
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('what waited in the spool is not lost with what came in its place, over any death', async () => {
  const { world, shipping } = await shippedWorld()
  world.limits = { ...world.limits, rowsMax: 3 }
  const more = upTo(6).map((n) => records(3 * n + 4, 3 * n + 6))
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6), ...more])
  const bringBack = world.takeSpoolAway()
  world.put({ number: 2 }, [layoutFrame(), records(25, 27)])
  await world.run(shipping)
  bringBack()
  for (let life = 0; life < 12; life++) {
    const next = world.start()
    await next.step()
    await next.step()
    expect(await world.gaps()).toEqual([])
  }
  await end(world, 3, 28)
  expect([await numbersOf(world), await world.gaps(), world.segments()]).toEqual([upTo(30), [], []])
})

test('what nobody had seen when the spool went away is not lost, whatever was met since', async () => {
  const { world, shipping } = await shippedWorld()
  // Something of it was hidden before: what is missing later would be called lost.
  const bringBack = world.takeSpoolAway()
  world.put({ number: 2 }, [layoutFrame(), records(7, 9)])
  await world.run(shipping)
  bringBack()
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6), SEAL])
  world.put({ number: 3 }, [layoutFrame(), records(10, 12), SEAL])
  await world.run(shipping)
  world.put({ number: 4 }, [layoutFrame(), records(13, 15)])
  world.files.rename('/state/other', '/state/before')
  const bringBackAgain = world.takeSpoolAway()
  world.put({ number: 5 }, [layoutFrame(), records(16, 18)])
  await world.run(shipping)
  await world.run(shipping)
  expect([shipping.isAway, await world.gaps()]).toEqual([true, []])
  bringBackAgain()
  await end(world, 6, 19, shipping)
  expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(21), []])
})

test('what is not read yet is not lost because a segment before it was cut off', async () => {
  const { world, shipping } = await shippedWorld()
  world.limits = { ...world.limits, rowsMax: 3 }
  const bringBack = world.takeSpoolAway()
  world.put({ number: 3 }, [layoutFrame(), records(16, 18)])
  await world.run(shipping)
  bringBack()
  world.put({ number: 2 }, [layoutFrame(), records(7, 9), records(10, 12), records(13, 15)])
  const next = world.start()
  for (let step = 0; step < 12; step++) {
    await next.step()
    expect(await world.gaps()).toEqual([])
  }
  await end(world, 4, 19)
  expect([await numbersOf(world), await world.gaps(), world.segments()]).toEqual([upTo(21), [], []])
})

test('a mark that is deleted is made anew, and nobody need hear of it', async () => {
  const { world, shipping } = await shippedWorld()
  world.put({ number: 2 }, [layoutFrame(), records(7, 9)])
  const deleteMark = () => {
    const mark = world.files.readdir(SPOOL).find((name) => name.startsWith('home-'))!
    world.files.unlink(`${SPOOL}/${mark}`)
  }
  deleteMark()
  await world.run(shipping)
  deleteMark()
  await world.run(world.start())
  expect([await numbersOf(world), world.faults, shipping.isAway]).toEqual([upTo(9), [], false])
  await end(world, 3, 10)
  expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(12), []])
})

test('a spool that is emptied holds up no record', async () => {
  const { world, shipping } = await shippedWorld()
  for (const path of world.filesBelow(SPOOL)) world.files.unlink(path)
  await world.run(shipping)
  for (const number of upTo(20)) {
    world.put({ number: number + 1 }, [layoutFrame(), records(3 * number + 4, 3 * number + 6)])
    await world.run(shipping)
    expect((await numbersOf(world)).at(-1)).toBe(3 * number + 6)
    world.nowMs += MINUTE_MS
  }
  expect([await world.gaps(), shipping.isAway]).toEqual([[], false])
})

test('nothing is concluded of one that goes between a look at it and its reading', async () => {
  const { world, shipping } = await shippedWorld()
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6), records(7, 9), SEAL])
  world.put({ number: 2 }, [layoutFrame(), records(10, 12)])
  shipping.close()
  const { open } = world.files
  let bringBack = () => {}
  world.files.open = (path, flags) => {
    if (path.endsWith('.seg')) {
      world.files.open = open
      bringBack = world.takeSpoolAway()
    }
    return open.call(world.files, path, flags)
  }
  const next = world.start()
  await world.run(next)
  expect(next.isAway).toBe(true)
  bringBack()
  world.nowMs += MINUTE_MS
  await end(world, 3, 13, next)
  expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(15), []])
})

test('a state that knows of no mark waits for what it knows of, too', async () => {
  const { world } = await shippedWorld()
  const state = readShipState(world.files, STATE)!
  writeShipState(world.files, STATE, { ...state, home: undefined })
  world.alive.clear()
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6, { taken: 12 }), records(7, 12)])
  const bringBack = world.takeSpoolAway()
  const shipping = world.start()
  await world.run(shipping)
  expect([shipping.isAway, await world.gaps()]).toEqual([true, []])
  bringBack()
  await world.run(shipping)
  expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(12), []])
})
