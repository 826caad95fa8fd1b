/** Segments without a header: damaged, cut off, or just begun. */

import { expect, test } from 'vitest'
import { readShipState } from '../../../../src/records/shipping/ship-state.ts'
import { ended, records, upTo } from '../../../helpers/records/frames.ts'
import {
  layoutFrame,
  ShippingWorld,
  SPOOL,
  STATE,
} from '../../../helpers/records/shipping-world.ts'
import { HEADER, putFile, SEAL, segmentBytes } from '../../../helpers/segments.ts'

const FILE = 'r1-i3-g0-1.seg'
const MINUTES_MS = 60_000

const WHOLE = segmentBytes([layoutFrame(), records(1, 300), ended(300), SEAL])

/** The one segment of a replica, of which these bytes are there. */
const holding = (bytes: Uint8Array, world = new ShippingWorld()): ShippingWorld => {
  putFile(world.files, `${SPOOL}/${FILE}`, bytes)
  return world
}

const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
  const bytes = WHOLE.slice()
  change(bytes)
  return bytes
}

const pass = async (world: ShippingWorld, minutes: number) => {
  await world.run(world.start())
  world.nowMs += minutes * MINUTES_MS
  await world.run(world.start())
}

const sequences = async (world: ShippingWorld) =>
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

const kept = (world: ShippingWorld) =>
  world.files.stat(`${SPOOL}/quarantine`) === null ? [] : world.files.readdir(`${SPOOL}/quarantine`)

const LOST: Readonly<Record<string, Uint8Array>> = {
  'zeros for its first sector': changed((bytes) => bytes.fill(0, 0, 512)),
  'noise for its first sector': changed((bytes) => bytes.fill(99, 0, 512)),
  'zeros for its header': changed((bytes) => bytes.fill(0, 8, 256)),
  'a header of which two bytes are wrong': changed((bytes) => bytes.fill(0, 40, 42)),
  'half of a header': WHOLE.slice(0, 100),
}

for (const [name, bytes] of Object.entries(LOST)) {
  test(`${name}: it is set aside when nobody can be at it, and not as a half frame`, async () => {
    const world = holding(bytes)
    await pass(world, 9)
    expect([world.segments(), kept(world)]).toEqual([[FILE], []])
    await pass(world, 2)
    expect([world.segments(), kept(world)]).toEqual([[], [FILE]])
  })

  test(`${name}: beside others of its replica it is damage of that replica`, async () => {
    const world = holding(bytes)
    world.put({ number: 2 }, [layoutFrame(), records(301, 312), ended(312), SEAL])
    await pass(world, 0)
    expect(await world.gaps()).toMatchObject([{ from: 1, to: 300, reason: 'corrupt' }])
    expect(kept(world)).toEqual([FILE])
  })
}

const MENDED: Readonly<Record<string, Uint8Array>> = {
  'one bit': changed((bytes) => {
    bytes[40]! ^= 1
  }),
  'one bit of its length': changed((bytes) => {
    bytes[14]! ^= 1
  }),
  'its checksum': changed((bytes) => bytes.fill(7, 8, 12)),
  'its preamble': changed((bytes) => bytes.fill(0, 0, 8)),
}

for (const [name, bytes] of Object.entries(MENDED)) {
  test(`where ${name} alone is damaged all of it is shipped, and it is told`, async () => {
    const world = holding(bytes)
    await pass(world, 0)
    expect(await sequences(world)).toEqual(upTo(300))
    expect(world.accounts()).toMatchObject([{ state: 'ended', taken: 300, gaps: {} }])
    expect([world.segments(), kept(world)]).toEqual([[], []])
    expect(world.faults.join()).toMatch(/its first bytes were damaged: mended/)
  })
}

for (const [name, bytes] of Object.entries({
  nothing: new Uint8Array(0),
  zeros: new Uint8Array(5000),
})) {
  test(`one that holds ${name}, and nobody knows whose it is, goes after ten minutes`, async () => {
    const world = holding(bytes)
    await pass(world, 9)
    expect(world.segments()).toEqual([FILE])
    await pass(world, 2)
    expect([world.segments(), kept(world), world.faults]).toEqual([[], [], []])
  })

  test(`one that holds ${name} stays, however old, where its writer comes back to it`, async () => {
    const world = holding(bytes)
    world.alive.add(HEADER.process.pid)
    world.nowMs += 20 * MINUTES_MS
    const { rename, unlink } = world.files
    let isDone = false
    // It is committed as done when its writer goes on.
    world.files.rename = (from, to) => {
      rename.call(world.files, from, to)
      if (to === STATE) {
        world.files.rename = rename
        isDone = true
        holding(segmentBytes([layoutFrame(), records(1, 500)]), world)
      }
    }
    world.files.unlink = (path) => {
      expect(path).not.toContain(FILE)
      unlink.call(world.files, path)
    }
    const shipping = world.start()
    for (let times = 0; !isDone && times < 10; times++) await shipping.step()
    expect(readShipState(world.files, STATE)!.segments[FILE]).toMatchObject({
      bytesAlone: bytes.length,
    })
    world.files.kill()
    await world.run(world.start())
    await world.run(world.start())
    expect(await sequences(world)).toEqual(upTo(500))
    expect([world.segments(), kept(world)]).toEqual([[FILE], []])
  })

  test(`one that holds ${name} goes when its replica has written another one, or is dead`, async () => {
    const world = holding(bytes)
    world.alive.add(HEADER.process.pid)
    world.put({ number: 2 }, [layoutFrame(), records(1, 5)])
    await pass(world, 0)
    expect([world.segments(), kept(world)]).toEqual([['r1-i3-g0-2.seg'], []])
    world.alive.clear()
    putFile(world.files, `${SPOOL}/r1-i3-g0-3.seg`, bytes)
    await pass(world, 1)
    expect([world.segments(), kept(world)]).toEqual([[], []])
    expect(await sequences(world)).toEqual(upTo(5))
  })
}
