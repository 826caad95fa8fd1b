/** Segments that have gone before any shipper has seen them: what was in them has its reason. */

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

type Shipper = ReturnType<ShippingWorld['start']>

const putThree = (world: ShippingWorld, number: number, first = 3 * number - 2): string =>
  world.put({ number }, [layoutFrame(), records(first, first + 2), SEAL])

/** A replica that lives, of which the first segment is shipped. */
const shippedWorld = async (): Promise<ShippingWorld> => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  putThree(world, 1)
  await world.run(world.start())
  return world
}

const pass = async (world: ShippingWorld, minutes: number, shipping: Shipper): Promise<void> => {
  for (let minute = 0; minute < minutes; minute++) {
    await world.run(shipping)
    world.nowMs += MINUTE_MS
  }
  await world.run(shipping)
}

const proofOf = (world: ShippingWorld) =>
  verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: ({ pid }) => world.isAlive(pid) })

const numbersOf = async (world: ShippingWorld): Promise<number[]> =>
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

const LOST = [{ producer: PRODUCER, from: 4, to: 6, reason: 'corrupt' }]

for (const isRestarted of [true, false]) {
  test(`one that nobody has seen is corrupt ten minutes later: restarted ${isRestarted}`, async () => {
    const world = await shippedWorld()
    let shipping = world.start()
    putThree(world, 3)
    await pass(world, 9, shipping)
    expect([await numbersOf(world), await world.gaps()]).toEqual([[1, 2, 3, 7, 8, 9], []])
    if (isRestarted) shipping = world.start()
    await pass(world, isRestarted ? 11 : 2, shipping)
    expect(await world.gaps()).toEqual(LOST)
    world.alive.clear()
    await pass(world, 1, shipping)
    expect(world.accounts()).toMatchObject([{ taken: 9, records: 6, gaps: { corrupt: 3 } }])
    expect(await proofOf(world)).toMatchObject({ ok: true })
  })
}

test('of a replica that is dead it is at once, unless the spool is away', async () => {
  for (const isAway of [true, false]) {
    const world = await shippedWorld()
    world.put({ number: 2 }, [layoutFrame()])
    const shipping = world.start()
    await world.run(shipping)
    if (isAway) world.takeSpoolAway()
    putThree(world, 4, 7)
    world.alive.clear()
    await pass(world, 1, shipping)
    expect([await world.gaps(), await numbersOf(world)]).toEqual([
      ...[isAway ? [] : LOST, [1, 2, 3, 7, 8, 9]],
    ])
    await pass(world, 11, shipping)
    expect(await world.gaps()).toEqual(LOST)
    expect(await proofOf(world)).toMatchObject({ ok: true })
  }
})

test('one that turns up until then is shipped', async () => {
  const world = await shippedWorld()
  const shipping = world.start()
  putThree(world, 3)
  await pass(world, 5, shipping)
  putThree(world, 2)
  await pass(world, 20, shipping)
  putThree(world, 4)
  await pass(world, 20, shipping)
  expect([await numbersOf(world), await world.gaps(), world.segments()]).toEqual([upTo(12), [], []])
})

test('the first one of a replica is missed as well, where a shipper was there before', async () => {
  const world = await shippedWorld()
  world.put({ replica: 5, incarnation: 8, number: 2 }, [layoutFrame(), records(4, 6)])
  await pass(world, 11, world.start())
  expect(await world.gaps()).toMatchObject([{ from: 1, to: 3, reason: 'corrupt' }])
})

test('a number that its writer gave up was no loss', async () => {
  const world = await shippedWorld()
  const shipping = world.start()
  putThree(world, 3, 4)
  await pass(world, 20, shipping)
  putThree(world, 5, 7)
  world.alive.clear()
  await pass(world, 20, shipping)
  expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(9), []])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('where a spool thread was replaced the last one before may have been lost', async () => {
  const world = await shippedWorld()
  const shipping = world.start()
  world.put({ generation: 1 }, [layoutFrame(), records(7, 9), SEAL])
  await pass(world, 1, shipping)
  expect(await world.gaps()).toEqual(LOST)
  world.put({ generation: 1, number: 2 }, [layoutFrame(), records(10, 12), ended(12), SEAL])
  world.alive.clear()
  await world.run(shipping)
  expect(world.accounts()).toMatchObject([{ state: 'ended', records: 9, gaps: { corrupt: 3 } }])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('a state of the release before, and none at all, know of nothing that is missed', async () => {
  for (const hasState of [true, false]) {
    const world = await shippedWorld()
    const state = readShipState(world.files, STATE)!
    const streams = Object.entries(state.streams).map(([key, stream]) => {
      const { latest: _, isShort: __, ...before } = stream
      return [key, before]
    })
    if (hasState) {
      writeShipState(world.files, STATE, { ...state, streams: Object.fromEntries(streams) })
    } else world.files.unlink(STATE)
    putThree(world, 4, 4)
    putThree(world, 6, 7)
    world.alive.clear()
    await world.run(world.start())
    expect([await numbersOf(world), await world.gaps()]).toEqual([upTo(9), []])
    expect(world.accounts()).toMatchObject([{ state: 'killed', taken: 9 }])
  }
})

test('one that is put back from the quarantine changes nothing', async () => {
  const world = await shippedWorld()
  const path = putThree(world, 2)
  const file = world.files.open(path, 'r+')
  world.files.write(file, Uint8Array.of(9), 0, 1, world.files.stat(path)!.bytes - 40)
  world.files.close(file)
  putThree(world, 3)
  world.alive.clear()
  const shipping = world.start()
  await pass(world, 1, shipping)
  const before = [await numbersOf(world), await world.gaps(), world.accounts()]
  const kept = `${SPOOL}/quarantine/r1-i3-g0-2.seg`
  world.files.rename(kept, path)
  await pass(world, 20, shipping)
  expect([await numbersOf(world), await world.gaps(), world.accounts()]).toEqual(before)
  expect([world.segments(), world.files.stat(kept)?.kind]).toEqual([[], 'file'])
})

test('one of which the successor is shipped is given up after a day, though its writer lives', async () => {
  const world = await shippedWorld()
  const path = putThree(world, 2)
  putThree(world, 3)
  const { open } = world.files
  world.files.open = (name, flags) => {
    if (name === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return open.call(world.files, name, flags)
  }
  await pass(world, 25 * 60, world.start())
  expect([world.segments(), await world.gaps()]).toEqual([[], LOST])
})
