/** A spool that is away for a while: nothing of it is lost, or called so. */

import { expect, test } from 'vitest'
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
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

const proofOf = (world: ShippingWorld) =>
  verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: ({ pid }) => world.isAlive(pid) })

/** A replica of which six records are shipped, and which had taken 14. */
const shippedWorld = async (): Promise<ShippingWorld> => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6, { taken: 14 })])
  await world.run(world.start())
  return world
}

/** What it has left when it ended, together with the machine. */
const endReplica = (world: ShippingWorld, ...more: Parameters<ShippingWorld['put']>[1][]): void => {
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6, { taken: 14 }), records(7, 10), SEAL])
  world.put({ number: 2 }, [layoutFrame(), records(11, 14), ended(14), SEAL])
  for (const [i, frames] of more.entries()) world.put({ number: 3 + i }, frames)
  world.files.kill()
  world.alive.clear()
}

for (const hasOther of [true, false]) {
  test(`records that are away for a while are not lost: ${hasOther ? 'an empty folder' : 'none'}`, async () => {
    const world = await shippedWorld()
    endReplica(world)
    const bringBack = world.takeSpoolAway(hasOther)
    const shipping = world.start()
    for (let minutes = 0; minutes < 9; minutes++) {
      await world.run(shipping)
      expect([await world.gaps(), shipping.hasLeft]).toEqual([[], true])
      world.nowMs += MINUTE_MS
    }
    expect(world.faults).toHaveLength(1)
    bringBack()
    await world.run(shipping)
    expect([await numbersOf(world), shipping.hasLeft]).toEqual([upTo(14), false])
    expect([await world.gaps(), world.segments()]).toEqual([[], []])
    expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ open_ended: false }] })
  })
}

test('nor in the middle of a segment, nor where new replicas write beside it', async () => {
  const world = await shippedWorld()
  endReplica(world)
  world.limits = { ...world.limits, rowsMax: 3 }
  const shipping = world.start()
  await shipping.step()
  await shipping.step()
  const bringBack = world.takeSpoolAway()
  const header = { replica: 7, incarnation: 9 }
  world.put(header, [layoutFrame(), records(1, 3), ended(3), SEAL])
  await world.run(shipping)
  bringBack()
  await world.run(shipping)
  const lines = await world.lines()
  expect(lines.filter(({ producer }) => producer === PRODUCER)).toHaveLength(14)
  expect([lines.length, await world.gaps(), world.segments()]).toEqual([17, [], []])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('one that does not come back is given up; what comes of it later is kept aside', async () => {
  const world = await shippedWorld()
  endReplica(world)
  const bringBack = world.takeSpoolAway()
  world.put({ replica: 7, incarnation: 9 }, [layoutFrame(), records(1, 3), ended(3), SEAL])
  const shipping = world.start()
  await world.run(shipping)
  // What lies in its place is shipped, and deleted.
  expect([(await world.lines()).length, await world.gaps(), shipping.isAway]).toEqual([9, [], true])
  world.nowMs += 10 * MINUTE_MS
  await world.run(shipping)
  expect([(await world.lines()).length, shipping.isAway]).toEqual([9, false])
  expect(await world.gaps()).toMatchObject([{ producer: PRODUCER, from: 7, to: 14 }])
  expect(world.segments()).toEqual([])
  bringBack()
  for (const next of [shipping, world.start()]) {
    await world.run(next)
    world.nowMs += 10 * MINUTE_MS
    await world.run(next)
  }
  expect(world.segments()).toEqual([])
  expect(world.files.readdir(`${SPOOL}/quarantine`).sort()).toEqual([
    ...['r1-i3-g0-1.seg', 'r1-i3-g0-2.seg'],
  ])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('a spool that cannot be marked, and a state of the release before, are as they were', async () => {
  const world = new ShippingWorld()
  const { open } = world.files
  world.files.open = (path, flags) => {
    if (flags === 'wx' && path.startsWith(SPOOL)) {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    }
    return open.call(world.files, path, flags)
  }
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6), ended(6), SEAL])
  await world.run(world.start())
  expect(await numbersOf(world)).toEqual(upTo(6))
  expect(world.files.readdir(SPOOL)).toEqual([])
  world.files.open = open
  await world.run(world.start())
  expect(world.files.readdir(SPOOL)).toEqual([expect.stringMatching(/^home-/)])
  // Somebody has deleted both.
  world.files.unlink(STATE)
  world.takeSpoolAway()
  world.put({ incarnation: 4 }, [layoutFrame(), records(1, 3), ended(3), SEAL])
  await world.run(world.start())
  expect(await world.lines()).toHaveLength(9)
})

for (const isAlive of [true, false]) {
  test(`one that goes away while it is looked at loses nothing: a replica that is ${isAlive ? 'alive' : 'dead'}`, async () => {
    const world = new ShippingWorld()
    world.alive.add(HEADER.process.pid)
    world.put({}, [layoutFrame(), records(1, 3, { taken: 6 })])
    const shipping = world.start()
    await world.run(shipping)
    world.put({ number: 2 }, [layoutFrame(), records(4, 6)])
    world.put({ number: 3 }, [layoutFrame(), records(7, 9)])
    if (!isAlive) world.alive.clear()
    const { readdir } = world.files
    let bringBack = () => {}
    world.files.readdir = (path) => {
      const names = readdir.call(world.files, path)
      if (path !== SPOOL) return names
      world.files.readdir = readdir
      bringBack = world.takeSpoolAway()
      return names
    }
    for (let times = 0; times < 3; times++) {
      await world.run(shipping)
      world.nowMs += 1000
      expect([await world.gaps(), shipping.hasLeft]).toEqual([[], true])
    }
    bringBack()
    world.alive.clear()
    world.nowMs += MINUTE_MS
    await world.run(shipping)
    expect([await numbersOf(world), await world.gaps(), world.segments()]).toEqual([
      upTo(9),
      [],
      [],
    ])
    expect(world.files.stat(`${SPOOL}/quarantine`)).toBeNull()
    expect(await proofOf(world)).toMatchObject({ ok: true })
  })
}

/** One replica that is idle, all of it shipped and gone, and one of which more is to come. */
const idleWorld = async (): Promise<ShippingWorld> => {
  const world = await shippedWorld()
  world.limits = { ...world.limits, ageMsMax: 10_000 }
  const process = { ...HEADER.process, pid: 77 }
  world.alive.add(77)
  world.put({ replica: 5, incarnation: 8, process }, [layoutFrame(), records(1, 3), SEAL])
  await world.run(world.start())
  return world
}

const pass = async (world: ShippingWorld, ms: number, shipping: ReturnType<typeof world.start>) => {
  for (const end = world.nowMs + ms; world.nowMs < end; world.nowMs += 5000) await shipping.step()
}

test('one that is deleted is given up, once, though replicas live that write nothing', async () => {
  const world = await idleWorld()
  world.alive.delete(HEADER.process.pid)
  for (const name of world.files.readdir(SPOOL)) world.files.unlink(`${SPOOL}/${name}`)
  world.files.rmdir(SPOOL)
  let shipping = world.start()
  await pass(world, 9 * MINUTE_MS, shipping)
  expect([shipping.isAway, await world.gaps()]).toEqual([true, []])
  await pass(world, 2 * MINUTE_MS, shipping)
  expect(await world.gaps()).toMatchObject([{ from: 7, to: 14, reason: 'killed' }])
  for (let life = 0; life < 2; life++) {
    await pass(world, 60 * MINUTE_MS, shipping)
    expect([shipping.isAway, shipping.hasLeft, world.faults.length]).toEqual([false, false, 2])
    shipping = world.start()
    await pass(world, MINUTE_MS, shipping)
  }
  // It begins anew.
  world.files.mkdir(SPOOL)
  const process = { ...HEADER.process, pid: 77 }
  const later = { replica: 5, incarnation: 8, number: 2, process }
  world.put(later, [layoutFrame(), records(4, 6), SEAL])
  await pass(world, MINUTE_MS, shipping)
  expect([shipping.isAway, world.faults.length, world.segments()]).toEqual([false, 2, []])
  expect(world.files.readdir(SPOOL)).toEqual([expect.stringMatching(/^home-/)])
  expect(await proofOf(world)).toMatchObject({ ok: true })
})

test('a mark that is deleted alone is made anew, also where nothing else is there', async () => {
  const world = await idleWorld()
  const shipping = world.start()
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6, { taken: 14 }), SEAL])
  await pass(world, MINUTE_MS, shipping)
  expect(world.segments()).toEqual([])
  for (const number of [2, 3]) {
    const [mark] = world.files.readdir(SPOOL)
    world.files.unlink(`${SPOOL}/${mark}`)
    // Also where the next segment was begun since.
    if (number === 3) world.put({ number: 2 }, [layoutFrame(), records(7, 9)])
    await pass(world, MINUTE_MS, shipping)
    expect([shipping.isAway, world.faults]).toEqual([false, []])
    expect(world.files.readdir(SPOOL)).toContainEqual(expect.stringMatching(/^home-/))
  }
})

/** Three segments, the first of them read; its sink takes no commit, so that others are listed. */
const heldUpWorld = async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3, { taken: 9 }), SEAL])
  const shipping = world.start()
  await world.run(shipping)
  const { rename } = world.files
  world.put({ number: 2 }, [layoutFrame(), records(4, 6), SEAL])
  world.files.rename = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  await pass(world, MINUTE_MS, shipping)
  world.put({ number: 3 }, [layoutFrame(), records(7, 9), SEAL])
  await pass(world, MINUTE_MS, shipping)
  const goOn = () => {
    world.files.rename = rename
    world.nowMs += MINUTE_MS
  }
  return { world, shipping, goOn }
}

test('what was listed and not read yet is missed while the spool is away', async () => {
  const { world, shipping, goOn } = await heldUpWorld()
  goOn()
  const bringBack = world.takeSpoolAway()
  await pass(world, MINUTE_MS, shipping)
  world.alive.clear()
  await pass(world, MINUTE_MS, shipping)
  expect([shipping.isAway, await world.gaps()]).toEqual([true, []])
  bringBack()
  await world.run(shipping)
  expect([await numbersOf(world), await world.gaps(), world.segments()]).toEqual([upTo(9), [], []])
  expect(world.files.stat(`${SPOOL}/quarantine`)).toBeNull()
})

for (const isRestarted of [false, true]) {
  test(`what was listed and goes unread is told: ${isRestarted ? 'restarted' : 'at once'}`, async () => {
    const { world, shipping, goOn } = await heldUpWorld()
    world.files.unlink(`${SPOOL}/r1-i3-g0-3.seg`)
    goOn()
    const next = isRestarted ? world.start() : shipping
    world.put({ number: 4 }, [layoutFrame(), records(10, 12), SEAL])
    await world.run(next)
    world.alive.clear()
    world.nowMs += MINUTE_MS
    await world.run(next)
    expect(await world.gaps()).toMatchObject([{ from: 7, to: 9, reason: 'corrupt' }])
    expect(await proofOf(world)).toMatchObject({ ok: true })
  })
}
