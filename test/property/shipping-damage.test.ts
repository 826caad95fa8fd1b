/**
 * Whoever kills the shipper, and whatever of one stream is damaged or cannot be read for a while:
 * all that can be read comes into files, and nothing else is said to be lost.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyRecords } from '../../src/records/verify.ts'
import { failingFiles } from '../helpers/failing-files.ts'
import { PRODUCER, records, upTo } from '../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../helpers/records/shipping-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { HEADER, type PlannedFrame, readFrames, SEAL } from '../helpers/segments.ts'

/** Of these one is damaged and one cannot be read; a whole one follows. */
const SEGMENTS = 4
const FRAMES = 3

/** Segment after segment of a replica, of `frames` frames each, each of one record. */
const putSegments = (world: ShippingWorld, segments: number, frames: number): string[] =>
  upTo(segments).map((number) => {
    const first = (number - 1) * frames
    const own = upTo(frames).map((i) => records(first + i, first + i))
    return world.put({ number }, [layoutFrame(), ...own, SEAL])
  })

/** Flips a byte in the frame at `index`. */
const corrupt = ({ files }: ShippingWorld, path: string, index: number): void => {
  const { from } = readFrames(files, path).frames[index]!
  const file = files.open(path, 'r+')
  files.write(file, Uint8Array.of(9), 0, 1, from + 100)
  files.close(file)
}

test('killed beside a corrupt segment and one that is unreadable for a while, it loses no other', async () => {
  const crash = fc.constantFrom('before' as const, 'middle' as const, 'after' as const)
  const number = fc.oneof(fc.integer({ min: 10, max: 60 }), fc.integer({ min: 1, max: 250 }))
  const one = fc.record({
    kills: fc.array(fc.tuple(number, crash), { maxLength: 30 }),
    numbers: fc.shuffledSubarray(upTo(SEGMENTS), { minLength: 2, maxLength: 2 }),
    frame: fc.integer({ min: 1, max: FRAMES }),
    // Lives, while the disk does not give it.
    unreadable: fc.integer({ min: 0, max: 30 }),
    rowsMax: fc.integer({ min: 1, max: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(one, async ({ kills, numbers: [bad, lost], frame, unreadable, rowsMax }) => {
      const world = new ShippingWorld()
      world.limits = { ...world.limits, rowsMax }
      world.alive.add(HEADER.process.pid)
      const paths = putSegments(world, SEGMENTS + 1, FRAMES)
      corrupt(world, paths[bad! - 1]!, frame)
      let isAway = true
      const { open } = world.files
      world.files.open = (path, flags) => {
        if (!isAway || path !== paths[lost! - 1]) return open.call(world.files, path, flags)
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
      const others: PlannedFrame[] = [layoutFrame()]
      const lives = [...kills, [Number.POSITIVE_INFINITY, 'before'] as const]
      for (const [life, [n, how]] of lives.entries()) {
        isAway = life < Math.min(unreadable, kills.length)
        // Another one that comes first, and never rests.
        for (const _ of upTo(rowsMax)) others.push(records(others.length, others.length))
        world.put({ replica: 7, incarnation: 1 }, others)
        const calls = failingFiles(world.files, (_, call) => (call === n ? { crash: how } : null))
        const shipping = world.start(calls)
        for (let times = 0; times < 2 && !calls.isCrashed; times++) {
          await world.run(shipping, () => calls.isCrashed)
          world.nowMs += 60_000
        }
        if (calls.isCrashed) world.files.kill()
      }
      world.alive.clear()
      world.nowMs += 60_000
      await world.run(world.start())
      // What lies whole behind the damage is read.
      const gone = (bad! - 1) * FRAMES + frame
      const own = (await world.lines()).filter(({ producer }) => producer === PRODUCER)
      const wanted = upTo((SEGMENTS + 1) * FRAMES).filter((each) => each !== gone)
      expect(own.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(wanted)
      expect(await world.gaps()).toMatchObject([{ from: gone, to: gone, reason: 'corrupt' }])
      const report = await verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: () => false })
      expect(report).toMatchObject({ ok: true })
    }),
    { numRuns: propertyRuns(20) },
  )
})
