/** What lies behind damage in a segment is shipped, and tells what is lost. */

import { expect, test } from 'vitest'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { ended, entriesFrame, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { recordEntry } from '../../../helpers/ring-entries.ts'
import { HEADER, type PlannedFrame, readFrames, SEAL } from '../../../helpers/segments.ts'

const FOUR = [layoutFrame(), records(1, 3), records(4, 6), records(7, 9), records(10, 12)]
const LOST = { producer: PRODUCER, from: 4, to: 6, reason: 'corrupt' }

/** What becomes of the frame that lies in these bytes. */
type Damage = (frame: Uint8Array) => void

const flipped =
  (byte: number, mask: number): Damage =>
  (frame) => {
    frame[byte]! ^= mask
  }

const DAMAGES: Readonly<Record<string, Damage>> = {
  'a length beyond the end': flipped(6, 0x10),
  'a length up to later frames': flipped(5, 1),
  'a shorter length': flipped(4, 8),
  'a kind': flipped(8, 0x40),
  'a checksum': flipped(0, 1),
  'a record': flipped(100, 1),
  'zeros for a head': (frame) => frame.fill(0, 0, 64),
  'zeros within': (frame) => frame.fill(0, 40, 80),
}

/** A segment of which the frame with that index is damaged. */
const putDamaged = (
  world: ShippingWorld,
  frames: readonly PlannedFrame[],
  index: number,
  damage: Damage,
): void => {
  const path = world.put({}, frames)
  const { from, to } = readFrames(world.files, path).frames[index]!
  const file = world.files.open(path, 'r+')
  const bytes = new Uint8Array(to - from)
  world.files.read(file, bytes, 0, bytes.length, from)
  damage(bytes)
  world.files.write(file, bytes, 0, bytes.length, from)
  world.files.fsync(file)
  world.files.close(file)
}

const verify = (world: ShippingWorld) => {
  const isAlive = ({ pid }: { readonly pid: number }) => world.alive.has(pid)
  return verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive })
}

const sequences = async (world: ShippingWorld) =>
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

const kept = (world: ShippingWorld) => world.files.readdir(`${SPOOL}/quarantine`)

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`${name}: of a replica that is dead all but its frame is shipped, and its end known`, async () => {
    const world = new ShippingWorld()
    putDamaged(world, [...FOUR, ended(12), SEAL], 2, damage)
    await world.run(world.start())
    expect(await sequences(world)).toEqual([1, 2, 3, ...upTo(6).map((n) => n + 6)])
    expect(await world.gaps()).toEqual([LOST])
    expect(world.accounts()).toMatchObject([{ state: 'ended', taken: 12, gaps: { corrupt: 3 } }])
    expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
    expect(world.faults.join()).toMatch(/there is no whole frame from \d+ to \d+/)
    expect(await verify(world)).toMatchObject({ ok: true, producers: [{ last: 12, gaps: [{}] }] })
  })

  test(`${name}: of one that lives, which has written on, it is so at once`, async () => {
    const world = new ShippingWorld()
    world.alive.add(HEADER.process.pid)
    putDamaged(world, [...FOUR, SEAL], 2, damage)
    world.put({ number: 2 }, [layoutFrame(), records(13, 15)])
    await world.run(world.start())
    expect(await world.gaps()).toEqual([LOST])
    expect(world.accounts()).toMatchObject([{ state: 'open', records: 12, gaps: { corrupt: 3 } }])
    expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
    expect(await verify(world)).toMatchObject({ ok: true, producers: [{ present: 12 }] })
  })

  test(`${name}: while it is not shipped, what is lost is pending`, async () => {
    for (const isAlive of [false, true]) {
      const world = new ShippingWorld()
      if (isAlive) world.alive.add(HEADER.process.pid)
      putDamaged(world, [...FOUR, ended(12), SEAL], 2, damage)
      world.put({ number: 2 }, [layoutFrame(), records(13, 15)])
      expect(await verify(world)).toMatchObject({
        ok: true,
        producers: [{ present: 12, gaps: [{ from: 4, to: 6, reason: 'pending' }] }],
      })
      await world.run(world.start())
      expect(await verify(world)).toMatchObject({
        ok: true,
        producers: [{ present: 12, gaps: [{ from: 4, to: 6, reason: 'corrupt' }] }],
      })
    }
  })
}

test('what the last frames say of what they have not is corrupt, where they alone are left', async () => {
  const world = new ShippingWorld()
  const begun = { kind: 5, account: { thread: 0, count: 0, floor: 1, taken: 0 } }
  putDamaged(world, [begun, layoutFrame(), records(1, 12), ended(12), SEAL], 2, DAMAGES['a kind']!)
  await world.run(world.start())
  expect(await world.gaps()).toEqual([{ ...LOST, from: 1, to: 12 }])
  expect(world.accounts()).toMatchObject([{ state: 'ended', taken: 12, gaps: { corrupt: 12 } }])
})

test('records whose layout is lost are corrupt as well', async () => {
  const world = new ShippingWorld()
  putDamaged(world, [...FOUR, ended(12), SEAL], 0, flipped(6, 0x10))
  await world.run(world.start())
  expect(world.accounts()).toMatchObject([{ state: 'ended', records: 0, gaps: { corrupt: 12 } }])
  expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
  expect(await verify(world)).toMatchObject({ ok: true })
})

test('an end that is no end of its kind is damage, and no half frame', async () => {
  for (const index of [5, 6]) {
    const world = new ShippingWorld()
    putDamaged(world, [...FOUR, ended(12), SEAL], index, flipped(6, 0x10))
    await world.run(world.start())
    expect(await sequences(world)).toEqual(upTo(12))
    expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
    expect(world.accounts()).toMatchObject([{ state: index === 5 ? 'killed' : 'ended' }])
  }
})

test('whenever the shipper is killed between, nothing is shipped twice or left out', async () => {
  for (let frames = 1; frames <= 6; frames++) {
    const world = new ShippingWorld()
    world.limits = { ...world.limits, rowsMax: 1 }
    putDamaged(world, [...FOUR, ended(12), SEAL], 2, DAMAGES['a length beyond the end']!)
    const shipping = world.start()
    for (let steps = 0; steps < frames; steps++) await shipping.step()
    await world.run(world.start())
    expect(await sequences(world)).toEqual([1, 2, 3, ...upTo(6).map((n) => n + 6)])
    expect(await world.gaps()).toEqual([LOST])
    expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
    expect(world.accounts()).toMatchObject([{ state: 'ended', records: 9, gaps: { corrupt: 3 } }])
  }
})

test('what its writer has written again in a later segment, as it could not be synced, is not lost', async () => {
  for (const isAlive of [true, false]) {
    const world = new ShippingWorld()
    world.limits = { ...world.limits, rowsMax: 1 }
    if (isAlive) world.alive.add(HEADER.process.pid)
    putDamaged(world, FOUR, 2, DAMAGES['zeros for a head']!)
    world.put({ number: 2 }, [layoutFrame(), ...FOUR.slice(2), records(13, 15)])
    await world.run(world.start())
    expect(await sequences(world)).toEqual(upTo(15))
    expect(await world.gaps()).toEqual([])
    expect(world.accounts()).toMatchObject([{ records: 15, gaps: {}, floor: 16 }])
    expect(kept(world)).toEqual(['r1-i3-g0-1.seg'])
  }
})

/** What a client may send: as far as it looks like heads of frames, all of them of 1 MiB. */
const LOOKALIKES: Readonly<Record<string, readonly number[]>> = {
  'a text in Latin-1': [0x41414141, 0x100000, FRAME.RECORDS, 0],
  'INT32 rows': [4_711_000, 1_048_000, 5, 0],
  'INT64 of small values': [3, 0, 3, 0],
}

for (const [name, row] of Object.entries(LOOKALIKES)) {
  test(`${name} in what is damaged hides nothing that lies whole behind it`, async () => {
    const world = new ShippingWorld()
    const entry = recordEntry({ sequence: 4, layout: 2, payloadBytes: 512 * 1024 })
    const words = new Uint32Array(entry.buffer, entry.byteOffset, entry.length >> 2)
    for (let at = 64; at + 4 <= words.length; at += 4) words.set(row, at)
    const behind = upTo(20).map((n) => records(1000 * n, 1000 * n + 999))
    const frames = [layoutFrame(), records(1, 3), entriesFrame([entry], 999), ...behind]
    putDamaged(world, [...frames, ended(20_999), SEAL], 2, flipped(40, 1))
    await world.run(world.start())
    expect(world.accounts()).toMatchObject([
      { state: 'ended', taken: 20_999, records: 20_003, gaps: { corrupt: 996 } },
    ])
    expect(await verify(world)).toMatchObject({ ok: true, producers: [{ present: 20_003 }] })
  })
}
