/** What could not be read of a segment is kept, and nothing else is. */

import { expect, test } from 'vitest'
import { readShipState } from '../../../../src/records/shipping/ship-state.ts'
import { ended, PRODUCER, records } from '../../../helpers/records/frames.ts'
import { layoutFrame, ShippingWorld, STATE } from '../../../helpers/records/shipping-world.ts'
import { HEADER, putFile, SEAL, segmentBytes } from '../../../helpers/segments.ts'

const QUARANTINE = '/state/spool/quarantine'

const whole = segmentBytes([layoutFrame(), records(1, 3)])
const more = segmentBytes([layoutFrame(), records(1, 3), records(4, 6)])
const isKept = (world: ShippingWorld, end = '') =>
  world.files.stat(`${QUARANTINE}/r1-i3-g0-1.seg${end}`) !== null

/** A segment of these bytes, and the one that came after it. */
const shipped = async (bytes: Uint8Array, hasSuccessor: boolean): Promise<ShippingWorld> => {
  const world = new ShippingWorld()
  putFile(world.files, world.put({}, []), bytes)
  if (hasSuccessor) world.put({ number: 2 }, [layoutFrame(), records(7, 9), ended(9), SEAL])
  await world.run(world.start())
  expect(world.segments()).toEqual([])
  return world
}

const zeros = new Uint8Array(4096)

test('an end that holds bytes nobody could read is kept, whoever wrote on', async () => {
  const ends: readonly Uint8Array[] = [
    more.subarray(0, more.length - 8),
    Buffer.concat([whole, zeros, more.subarray(whole.length)]),
    more.subarray(0, whole.length + 4),
  ]
  for (const bytes of ends) {
    for (const hasSuccessor of [true, false]) {
      const world = await shipped(bytes, hasSuccessor)
      expect(isKept(world, '.torn')).toBe(true)
      expect(world.faults.join()).toMatch(/there is no whole frame at \d+/)
      expect(world.accounts()[0]).toMatchObject({ records: hasSuccessor ? 6 : 3 })
    }
  }
})

test('a quarantine that nobody can look into holds up no other segment, and is told of', async () => {
  const world = new ShippingWorld()
  world.files.mkdir(QUARANTINE)
  putFile(world.files, world.put({}, []), more.subarray(0, more.length - 8))
  const { stat } = world.files
  world.files.stat = (path) => {
    if (!path.startsWith(`${QUARANTINE}/`)) return stat.call(world.files, path)
    throw Object.assign(new Error('EACCES'), { code: 'EACCES' })
  }
  for (const replica of [5, 6]) {
    world.put({ replica, incarnation: replica }, [layoutFrame(), records(1, 3), ended(3), SEAL])
    await world.run(world.start())
    expect(world.segments()).toEqual(['r1-i3-g0-1.seg'])
  }
  expect(await world.lines()).toHaveLength(9)
  expect(world.faults.join()).toMatch(/r1-i3-g0-1.seg: Error: EACCES/)
  world.files.stat = stat
  await world.run(world.start())
  expect([world.segments(), isKept(world, '.torn')]).toEqual([[], true])
})

test('an end without one more byte, or of zeros, is nothing that could be kept', async () => {
  for (const bytes of [whole, Buffer.concat([whole, zeros]), zeros, new Uint8Array(0)]) {
    for (const hasSuccessor of [true, false]) {
      if (bytes === zeros && !hasSuccessor) continue
      if (bytes.length === 0 && !hasSuccessor) continue
      const world = await shipped(bytes, hasSuccessor)
      expect(world.files.stat(QUARANTINE)).toBeNull()
    }
  }
})

test('what a killed process had written in half is killed, and kept all the same', async () => {
  const world = new ShippingWorld()
  const frame = records(1, 3)
  const half = { ...frame, account: { ...frame.account!, taken: 6 } }
  const bytes = segmentBytes([layoutFrame(), half, records(4, 6)])
  putFile(world.files, world.put({}, []), bytes.subarray(0, bytes.length - 8))
  await world.run(world.start())
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 4, to: 6, reason: 'killed' }])
  expect(isKept(world, '.torn')).toBe(true)
})

test('what is kept goes when it was there for long, as soon as the clock can be believed', async () => {
  const world = new ShippingWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.put({}, [layoutFrame(), records(1, 2, {}, 77), SEAL])
  const shipping = world.start()
  await world.run(shipping)
  world.nowMs = 29 * 86_400_000
  world.leapMs = 29 * 86_400_000
  await world.run(shipping)
  expect(isKept(world)).toBe(true)
  world.leapMs = 0
  world.nowMs = 30 * 86_400_000 + 1
  await world.run(shipping)
  expect(isKept(world)).toBe(false)
})

test('a segment of which entries are no records is kept, though its frames are whole', async () => {
  const world = new ShippingWorld()
  world.put({}, [
    layoutFrame(),
    records(1, 2),
    records(3, 4, {}, 77),
    records(5, 6),
    ended(6),
    SEAL,
  ])
  const shipping = world.start()
  await world.run(shipping)
  expect(await world.gaps()).toMatchObject([
    { from: 3, to: 3, reason: 'corrupt' },
    { from: 4, to: 4, reason: 'corrupt' },
  ])
  expect(world.accounts()).toMatchObject([{ state: 'ended', records: 4, gaps: { corrupt: 2 } }])
  expect(isKept(world)).toBe(true)
})

test('so is one of a gateway whose name can be no part of the name of a file', async () => {
  const world = new ShippingWorld()
  world.put({ gateway: '../etc' }, [layoutFrame(), records(1, 2), ended(2), SEAL])
  await world.run(world.start())
  expect(isKept(world)).toBe(true)
})

test('that it is to be kept is known to the next process', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  const frames = [layoutFrame(), records(1, 2, {}, 77)]
  world.put({}, frames)
  await world.run(world.start())
  world.put({}, [...frames, records(3, 4), SEAL])
  await world.run(world.start())
  expect(isKept(world)).toBe(true)
})

test('every segment that is set aside counts', async () => {
  const world = new ShippingWorld()
  for (const number of [1, 2, 3]) {
    const path = world.put({ number }, [layoutFrame(), records(number, number), SEAL])
    const file = world.files.open(path, 'r+')
    world.files.write(file, Uint8Array.of(255), 0, 1, world.files.stat(path)!.bytes - 60)
    world.files.close(file)
  }
  await world.run(world.start())
  expect(world.files.readdir(QUARANTINE)).toHaveLength(3)
  expect(readShipState(world.files, STATE)?.totals.quarantined).toBe(3)
})

test('what lies in a segment that cannot be read for a while is not lost with another one', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  const path = world.put({}, [layoutFrame(), records(1, 3), SEAL])
  const damaged = world.put({ number: 2 }, [layoutFrame(), records(4, 6), SEAL])
  const file = world.files.open(damaged, 'r+')
  world.files.write(file, Uint8Array.of(255), 0, 1, world.files.stat(damaged)!.bytes - 60)
  world.files.close(file)
  world.put({ number: 3 }, [layoutFrame(), records(7, 9)])
  const { stat } = world.files
  world.files.stat = (of) => {
    if (of === path) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    return stat.call(world.files, of)
  }
  const shipping = world.start()
  await world.run(shipping)
  expect(await world.gaps()).toEqual([])
  world.files.stat = stat
  world.nowMs += 60_000
  await world.run(shipping)
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 4, to: 6, reason: 'corrupt' }])
  expect(world.accounts()).toMatchObject([{ records: 6, gaps: { corrupt: 3 }, taken: 9 }])
})

test('what looks damaged while its writer lives is not read anew all the time', async () => {
  const world = new ShippingWorld()
  world.alive.add(HEADER.process.pid)
  const path = world.put({}, [layoutFrame(), records(1, 3), records(4, 6)])
  const file = world.files.open(path, 'r+')
  world.files.write(file, Uint8Array.of(255), 0, 1, world.files.stat(path)!.bytes - 60)
  world.files.close(file)
  const shipping = world.start()
  await world.run(shipping)
  const { open } = world.files
  let times = 0
  world.files.open = (name, flags) => {
    if (name !== '/') times++
    return open.call(world.files, name, flags)
  }
  for (let turns = 0; turns < 80; turns++) {
    await shipping.step()
    world.nowMs += 250
  }
  expect(times).toBe(0)
  world.alive.clear()
  await world.run(shipping)
  expect(isKept(world)).toBe(true)
  expect(world.accounts()).toMatchObject([{ records: 3, state: 'killed' }])
})
