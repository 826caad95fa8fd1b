/** Disks that take seconds each time to say that they do not give something: nobody else waits. */

import { expect, test } from 'vitest'
import { FileSink } from '../../../../src/records/file-sink.ts'
import type { ShipBatch } from '../../../../src/records/shipping/sink.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { spoilInodes, spoilPages } from '../../../helpers/records/bad-pages.ts'
import { ended, records, upTo } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { HEADER, SEAL } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const EIO_MS = 7000

/** A shipper that can a thousand frames a second. */
class SlowSink extends FileSink {
  world: SlowWorld | null = null

  override write(batch: ShipBatch): ReturnType<FileSink['write']> {
    const world = this.world!
    world.nowMs++
    world.frames++
    return super.write(batch)
  }
}

type Shipper = ReturnType<ShippingWorld['start']>

class SlowWorld extends ShippingWorld {
  inVainMs = 0
  longestMs = 0
  /** That a slow sink has taken. */
  frames = 0
  readonly onAsked = (): void => {
    this.nowMs += EIO_MS
    this.inVainMs += EIO_MS
  }

  /** Steps as its process does. */
  async pass(shipping: Shipper, ms: number, idleMs = 250): Promise<void> {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      const sinceMs = this.nowMs
      const isBusy = await shipping.step()
      this.longestMs = Math.max(this.longestMs, this.nowMs - sinceMs)
      this.nowMs += isBusy ? 1 : idleMs
    }
  }

  /** A segment of three records, `number` from 1 on. */
  putThree(replica: number, number: number): string {
    const frames = [layoutFrame(), records(3 * number - 2, 3 * number), SEAL]
    return this.put({ replica, incarnation: replica, number }, frames)
  }

  async sequencesOf(replica: number): Promise<number[]> {
    const lines = await this.lines()
    const own = lines.filter(({ producer }) => producer.startsWith(`g7q2.${replica}.`))
    return own.map(({ sequence }) => sequence).sort((a, b) => a - b)
  }

  proof() {
    const isAlive = ({ pid }: { readonly pid: number }) => this.isAlive(pid)
    return verifyRecords(this.files, ROOT, { spool: SPOOL, isAlive })
  }
}

const slowWorld = (): SlowWorld => {
  const world = new SlowWorld()
  world.alive.add(HEADER.process.pid)
  return world
}

test('what is whole is shipped within seconds beside many segments that are not, in any life', async () => {
  const world = slowWorld()
  for (const replica of [1, 2, 3]) {
    for (const number of upTo(5)) {
      spoilPages(world.files, world.putThree(replica, number), [0], world)
    }
  }
  let shipping = world.start()
  await world.pass(shipping, 200_000)
  for (let life = 0, number = 6; life < 3; life++) {
    for (const replica of [1, 2, 3, 4]) world.putThree(replica, number + (replica === 4 ? -5 : 0))
    await world.pass(shipping, 20_000)
    for (const replica of [1, 2, 3]) {
      expect(await world.sequencesOf(replica)).toEqual(upTo(3 * number).slice(15))
    }
    expect(await world.sequencesOf(4)).toEqual(upTo(3 * (number - 5)))
    // One is asked for after the other: that takes a tenth of the time.
    world.inVainMs = 0
    const sinceMs = world.nowMs
    await world.pass(shipping, 10 * HOUR_MS, 20_000)
    expect(world.inVainMs / (world.nowMs - sinceMs)).toBeLessThan(0.11)
    number++
    shipping.close()
    shipping = world.start()
  }
  world.alive.clear()
  await world.pass(shipping, 10 * HOUR_MS, 20_000)
  expect([world.segments(), world.files.readdir(`${SPOOL}/quarantine`).length]).toEqual([[], 15])
  for (const replica of [1, 2, 3]) {
    expect(await world.sequencesOf(replica)).toEqual(upTo(24).slice(15))
  }
  expect((await world.gaps()).map(({ from, to, reason }) => [from, to, reason])).toEqual(
    [1, 2, 3].map(() => [1, 15, 'corrupt']),
  )
  expect(await world.proof()).toMatchObject({ ok: true })
})

test('the first asking for many that are bad leaves their time to other replicas', async () => {
  const world = slowWorld()
  for (const number of upTo(12)) {
    spoilPages(world.files, world.putThree(1, number), [0], world)
  }
  const frames = upTo(2000).map((n) => records(n, n))
  world.put({ replica: 9, incarnation: 9 }, [layoutFrame(), ...frames, SEAL])
  world.sinkOf = (options) => Object.assign(new SlowSink(options), { world })
  const shipping = world.start()
  while (world.frames < 2000) await shipping.step()
  expect(world.inVainMs).toBeLessThan(5 * EIO_MS)
})

test('what could not be read is shipped soon after it can be, one after the other', async () => {
  const world = slowWorld()
  let isAway = true
  const options = { isAway: () => isAway, onAsked: world.onAsked }
  for (const number of upTo(8)) {
    spoilPages(world.files, world.putThree(1, number), [0], options)
  }
  const shipping = world.start()
  await world.pass(shipping, HOUR_MS)
  isAway = false
  await world.pass(shipping, 90_000)
  expect(await world.sequencesOf(1)).toEqual(upTo(24))
  expect([world.segments(), await world.gaps()]).toEqual([[], []])
})

test('segments of which nothing but the name is given hold up nobody, and may come back', async () => {
  const world = slowWorld()
  let isAway = true
  const paths = upTo(18).map((number) => world.putThree(1, number))
  spoilInodes(world.files, paths, { isAway: () => isAway, onAsked: world.onAsked })
  const shipping = world.start()
  await world.pass(shipping, 600_000)
  // After 120 s without a word it would be killed, and the next one begins with the same.
  expect(world.longestMs).toBeLessThan(30_000)
  world.inVainMs = 0
  for (const number of upTo(10)) {
    world.putThree(2, number)
    await world.pass(shipping, 60_000)
    expect(await world.sequencesOf(2)).toEqual(upTo(3 * number))
  }
  expect(world.inVainMs).toBeLessThan(0.12 * 600_000)
  world.files.unlink(paths[17]!)
  isAway = false
  world.alive.clear()
  await world.pass(shipping, 6 * HOUR_MS, 1000)
  expect(await world.sequencesOf(1)).toEqual(upTo(51))
  expect([world.segments(), world.files.stat(`${SPOOL}/quarantine`)]).toEqual([[], null])
})

test('nor do they when their day is over, and not even their name can be changed', async () => {
  const world = slowWorld()
  const paths = upTo(3).map((number) => world.putThree(1, number))
  spoilInodes(world.files, paths, world)
  world.alive.clear()
  world.put({ replica: 1, incarnation: 1, number: 4 }, [layoutFrame(), ended(9), SEAL])
  const shipping = world.start()
  await world.pass(shipping, 30 * HOUR_MS, 10_000)
  expect(world.segments()).toHaveLength(3)
  expect(await world.gaps()).toMatchObject([{ from: 1, to: 9, reason: 'corrupt' }])
  world.inVainMs = 0
  world.putThree(2, 1)
  await world.pass(shipping, HOUR_MS, 1000)
  expect(await world.sequencesOf(2)).toEqual(upTo(3))
  expect(world.inVainMs).toBeLessThan(0.15 * HOUR_MS)
})

for (const tookMs of [EIO_MS, 100_000]) {
  test(`what was refused once, after ${tookMs} ms, is read and concluded within a minute`, async () => {
    const world = slowWorld()
    let isAway = false
    const onAsked = () => {
      isAway = false
      world.nowMs += tookMs
    }
    const path = world.put({ replica: 1, incarnation: 1 }, [layoutFrame(), records(1, 3)])
    spoilInodes(world.files, [path], { isAway: () => isAway, onAsked })
    const shipping = world.start()
    await world.pass(shipping, 10_000)
    isAway = true
    await shipping.step()
    world.alive.clear()
    await world.run(shipping)
    // Nobody knows whether there is more of it.
    expect([world.segments().length, shipping.hasLeft]).toEqual([1, true])
    await world.pass(shipping, 60_000)
    expect([world.segments(), shipping.hasLeft]).toEqual([[], false])
    expect(world.accounts()).toMatchObject([{ records: 3, state: 'killed' }])
  })
}

test('what lies behind a seal and cannot be looked at is looked at again', async () => {
  const world = slowWorld()
  const path = world.putThree(1, 1)
  const { bytes } = world.files.stat(path)!
  const { read } = world.files
  let refused = 0
  world.files.read = (file, into, offset, length, position) => {
    // The reader finds the end of the file, and then somebody looks behind it.
    if (position === bytes && ++refused === 2) {
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    return read.call(world.files, file, into, offset, length, position)
  }
  const shipping = world.start()
  await world.run(shipping)
  expect([await world.sequencesOf(1), shipping.hasLeft]).toEqual([upTo(3), true])
  await world.pass(shipping, 60_000)
  expect([world.segments(), world.files.stat(`${SPOOL}/quarantine`)]).toEqual([[], null])
  expect(shipping.hasLeft).toBe(false)
})
