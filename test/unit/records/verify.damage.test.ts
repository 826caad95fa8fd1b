/** What `verify` says of a spool in which something is damaged that the shipper has not got to. */

import { expect, test } from 'vitest'
import { verifyRecords } from '../../../src/records/verify.ts'
import { spoilPages } from '../../helpers/records/bad-pages.ts'
import { ended, records } from '../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../helpers/records/shipping-world.ts'
import { HEADER, type PlannedFrame, putFile, SEAL, segmentBytes } from '../../helpers/segments.ts'

const FILE = 'r1-i3-g0-1.seg'
const PATH = `${SPOOL}/${FILE}`

const verify = (world: ShippingWorld) => {
  const isAlive = ({ pid }: { readonly pid: number }) => world.alive.has(pid)
  return verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive })
}

const FRAMES: readonly PlannedFrame[] = [layoutFrame(), records(1, 6), SEAL]

/** A replica of which the first segment is that, and the second is whole. */
const beside = (first: Uint8Array, isAlive = false): ShippingWorld => {
  const world = new ShippingWorld()
  if (isAlive) world.alive.add(HEADER.process.pid)
  putFile(world.files, PATH, first)
  world.put({ number: 2 }, [layoutFrame(), records(7, 12)])
  return world
}

const BEHEADED = segmentBytes(FRAMES).fill(0, 0, 512)

test('where nobody knows whose a segment is, it is named, in the spool and set aside', async () => {
  const world = beside(BEHEADED)
  const wrong = { ok: false, problems: [`${FILE}: nobody knows whose records are in it`] }
  expect(await verify(world)).toMatchObject(wrong)
  expect(await verify(world)).toMatchObject({
    producers: [{ last: 12, gaps: [{ from: 1, to: 6, reason: 'pending' }] }],
  })
  await world.run(world.start())
  const problems = [`quarantine/${FILE}: nobody knows whose records are in it`]
  expect(await verify(world)).toMatchObject({
    ...{ ok: false, problems },
    producers: [{ last: 12, gaps: [{ from: 1, to: 6, reason: 'corrupt' }] }],
  })
  world.files.unlink(`${SPOOL}/quarantine/${FILE}`)
  expect(await verify(world)).toMatchObject({ ok: true })
})

test('so it is of the last one of a replica, of which no other says how much there was', async () => {
  for (const others of [true, false]) {
    const world = new ShippingWorld()
    if (others) world.put({}, FRAMES)
    const last = segmentBytes([layoutFrame(), records(7, 12), ended(12), SEAL]).fill(0, 0, 512)
    putFile(world.files, `${SPOOL}/r1-i3-g0-2.seg`, last)
    expect(await verify(world)).toMatchObject({ ok: false })
    world.nowMs += 660_000
    await world.run(world.start())
    const problems = ['quarantine/r1-i3-g0-2.seg: nobody knows whose records are in it']
    expect(await verify(world)).toMatchObject({ ok: false, problems })
  }
})

test('one that is set aside with a header is accounted for', async () => {
  const bytes = segmentBytes(FRAMES)
  bytes[bytes.length - 100]! ^= 1
  const world = beside(bytes)
  await world.run(world.start())
  expect(world.files.readdir(`${SPOOL}/quarantine`)).toEqual([FILE])
  expect(await verify(world)).toMatchObject({ ok: true })
})

test("one that is empty, or was just begun, is nobody's", async () => {
  expect(await verify(beside(new Uint8Array(0), true))).toMatchObject({ ok: true })
  expect(await verify(beside(new Uint8Array(5000), true))).toMatchObject({ ok: true })
})

test('nor is one of which the header comes while it is read', async () => {
  const world = beside(new Uint8Array(0), true)
  const { close } = world.files
  const paths = new Map<number, string>()
  const { open } = world.files
  world.files.open = (path, flags) => {
    const file = open.call(world.files, path, flags)
    paths.set(file, path)
    return file
  }
  world.files.close = (file) => {
    close.call(world.files, file)
    if (paths.get(file) !== PATH) return
    paths.clear()
    putFile(world.files, PATH, segmentBytes(FRAMES))
  }
  expect(await verify(world)).toMatchObject({ ok: true, problems: [] })
  expect(world.files.stat(PATH)!.bytes).toBeGreaterThan(0)
})

test('what the disk does not give is named, and what is in it is pending', async () => {
  for (const isAlive of [true, false]) {
    const world = beside(segmentBytes(FRAMES), isAlive)
    spoilPages(world.files, PATH, [0])
    const expected = {
      problems: [`${FILE}: unreadable (EIO)`],
      producers: [{ present: 6, gaps: [{ from: 1, to: 6, reason: 'pending' }] }],
    }
    expect(await verify(world)).toMatchObject(expected)
    await world.run(world.start())
    expect(await verify(world)).toMatchObject(expected)
  }
})

test('what was cut off between frames is pending until it has its reason', async () => {
  const world = beside(segmentBytes([layoutFrame(), records(1, 3)]), true)
  const gaps = (reason: string) => ({
    ok: true,
    producers: [{ gaps: [{ from: 4, to: 6, reason }] }],
  })
  expect(await verify(world)).toMatchObject(gaps('pending'))
  await world.run(world.start())
  expect(await verify(world)).toMatchObject(gaps('corrupt'))
})

test('what is missing without any damage is missing', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 3), records(7, 12), SEAL])
  const gaps = [{ from: 4, to: 6, reason: 'missing' }]
  expect(await verify(world)).toMatchObject({ ok: false, producers: [{ gaps }] })
})
