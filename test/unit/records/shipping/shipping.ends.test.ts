/** How streams come to their end: in order, killed, cut off, and while somebody looks away. */

import { expect, test } from 'vitest'
import { ended, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import { layoutFrame, ShippingWorld } from '../../../helpers/records/shipping-world.ts'
import { HEADER, putFile, SEAL } from '../../../helpers/segments.ts'

const numbersOf = (lines: readonly { sequence: number }[]) =>
  lines.map(({ sequence }) => sequence).sort((a, b) => a - b)

/** Alive until it is asked for the n-th time; right before, it writes its last and dies. */
const dyingAt = (world: ShippingWorld, n: number, last: () => void): void => {
  let calls = 0
  world.isAlive = () => {
    if (++calls === n) {
      last()
      world.alive.clear()
    }
    return world.alive.has(HEADER.process.pid)
  }
}

test('a process that dies when the spool was just listed has its last segment shipped', async () => {
  for (const n of [1, 2, 3, 4]) {
    const world = new ShippingWorld()
    world.alive.add(HEADER.process.pid)
    world.put({}, [layoutFrame(), records(1, 3, { taken: 6 }), SEAL])
    dyingAt(world, n, () => world.put({ number: 2 }, [layoutFrame(), records(4, 6, { taken: 9 })]))
    const shipping = world.start()
    for (let times = 0; times < 5; times++) {
      await world.run(shipping)
      world.nowMs += 60_000
    }
    expect(numbersOf(await world.lines())).toEqual(upTo(6))
    expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 7, to: 9, reason: 'killed' }])
    expect(world.accounts()).toMatchObject([{ records: 6, gaps: { killed: 3 }, taken: 9 }])
    expect(world.segments()).toEqual([])
  }
})

test('a segment that comes between the list and the death is shipped with the next list', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3, { taken: 6 }), SEAL])
  const shipping = world.start()
  await world.run(shipping)
  const { readdir } = world.files
  world.files.readdir = (path) => {
    const names = readdir.call(world.files, path)
    world.files.readdir = readdir
    world.put({ number: 2 }, [layoutFrame(), records(4, 6, { taken: 9 })])
    world.alive.clear()
    return names
  }
  await world.run(shipping)
  await world.run(shipping)
  expect(numbersOf(await world.lines())).toEqual(upTo(6))
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 7, to: 9, reason: 'killed' }])
})

test('a producer that ended in order has, though the shipper was started anew since', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3), ended(3)])
  await world.run(world.start())
  expect(world.accounts()).toMatchObject([{ state: 'open' }])
  world.alive.clear()
  await world.run(world.start())
  expect(world.accounts()).toMatchObject([{ state: 'ended', records: 3 }])
})

test('what was in a segment that was cut off, and has a successor, is corrupt', async () => {
  const whole = [layoutFrame(), records(1, 3), records(4, 6), SEAL]
  for (const kept of ['frame', 'nothing', 'zeros'] as const) {
    const world = new ShippingWorld()
    const path = world.put({}, whole)
    const { bytes } = world.files.stat(path)!
    if (kept === 'frame') world.put({}, whole.slice(0, 2))
    if (kept === 'nothing') putFile(world.files, path, new Uint8Array(0))
    if (kept === 'zeros') putFile(world.files, path, new Uint8Array(bytes))
    world.put({ number: 2 }, [layoutFrame(), records(7, 9), ended(9), SEAL])
    await world.run(world.start())
    const from = kept === 'frame' ? 4 : 1
    expect(await world.gaps()).toEqual([{ producer: PRODUCER, from, to: 6, reason: 'corrupt' }])
    expect(numbersOf(await world.lines())).toEqual([...upTo(from - 1), 7, 8, 9])
    expect(world.accounts()).toMatchObject([{ gaps: { corrupt: 7 - from }, taken: 9 }])
  }
})

test('a stream that is torn is so for the next process too', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3)])
  world.put({ number: 2 }, [layoutFrame()])
  await world.run(world.start())
  expect(world.accounts()).toMatchObject([{ gaps: {}, floor: 4 }])
  world.put({ number: 2 }, [layoutFrame(), records(7, 9)])
  await world.run(world.start())
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 4, to: 6, reason: 'corrupt' }])
  expect(world.accounts()).toMatchObject([{ state: 'open', gaps: { corrupt: 3 }, floor: 10 }])
})

test('what a replica left that died is committed in a second or so, however busy others are', async () => {
  const world = new ShippingWorld()
  world.limits = { ...world.limits, ageMsMax: 600_000 }
  world.alive.add(HEADER.process.pid)
  world.put({}, [layoutFrame(), records(1, 3)])
  const shipping = world.start()
  const pass = async (ms: number) => {
    world.nowMs += ms
    for (let times = 0; times < 5; times++) await shipping.step()
  }
  await pass(0)
  await pass(1000)
  expect(world.committed.totals.records).toBe(3)
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6, { taken: 9 })])
  await pass(5000)
  // It lives: what it goes on to write is committed with all else, when that is due.
  expect(world.committed.totals.records).toBe(3)
  world.alive.clear()
  await pass(1000)
  expect(world.committed.shipped).toMatchObject({
    ...{ records: 6, gaps: { killed: 3 } },
    producers: [{ state: 'killed', taken: 9 }],
  })
  expect(world.segments()).toEqual([])
  // Once: there is nothing left to be told.
  const { committed } = world
  const told = committed.shipped
  await pass(5000)
  expect(committed.shipped).toEqual(told)
})
