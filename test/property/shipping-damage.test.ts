/**
 * Whoever kills the shipper, and whatever of one stream is damaged or cannot be read for a while:
 * all that can be read comes into files, and nothing else is said to be lost.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME } from '../../src/records/spool/segment-format.ts'
import { verifyRecords } from '../../src/records/verify.ts'
import { failingFiles } from '../helpers/failing-files.ts'
import { spoilPages } from '../helpers/records/bad-pages.ts'
import { ended, entriesFrame, PRODUCER, records, upTo } from '../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../helpers/records/shipping-world.ts'
import { recordEntry } from '../helpers/ring-entries.ts'
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

/** What clients may have sent, which looks like heads of frames. */
const LOOKALIKES = [
  [0x41414141, 1 << 16, FRAME.RECORDS, 0],
  [4_711_000, 9000, FRAME.END, 0],
  [3, 0, 3, 0],
]

/** What becomes of one segment; `frame`: its index, of those behind the layout. */
type Harm = 'none' | 'flip' | 'zeros' | 'header' | 'check' | 'preamble' | 'page' | 'behead'

interface Fate {
  readonly harm: Harm
  readonly frame: number
  readonly bit: number
}

const OWN_FRAMES = 6
/** Of one record each, longer than a page with what it holds. */
const recordOf = (sequence: number, row: readonly number[]): PlannedFrame => {
  const entry = recordEntry({ sequence, layout: 2, payloadBytes: 6000 })
  const words = new Uint32Array(entry.buffer, entry.byteOffset, entry.length >> 2)
  for (let at = 64; at + 4 <= words.length; at += 4) words.set(row, at)
  return entriesFrame([entry], sequence)
}

/** A frame of one record that can be read. */
const wide = (sequence: number): PlannedFrame =>
  entriesFrame([recordEntry({ sequence, layout: 2, payloadBytes: 3000 })], sequence)

/** Damages a segment; the sequences that are lost with it. */
const harm = (world: ShippingWorld, path: string, first: number, fate: Fate): number[] => {
  const { files } = world
  const { frames } = readFrames(files, path)
  const { from, to } = frames[1 + fate.frame]!
  const bytes = new Uint8Array(files.stat(path)!.bytes)
  const file = files.open(path, 'r+')
  files.read(file, bytes, 0, bytes.length, 0)
  const lost = [first + fate.frame]
  switch (fate.harm) {
    case 'flip':
      bytes[from + (fate.bit % (to - from))]! ^= 1 << (fate.bit % 8)
      break
    case 'zeros':
      bytes.fill(0, from, from + 16 + fate.bit)
      break
    case 'page':
      spoilPages(files, path, [from + 4096])
      break
    case 'header':
      bytes[8 + (fate.bit % (frames[0]!.from - 8))]! ^= 1 << (fate.bit % 8)
      break
    case 'check':
      bytes.fill(fate.bit, 8, 12)
      break
    case 'preamble':
      bytes.fill(fate.bit, 0, 4)
      break
    case 'behead':
      bytes.fill(0, 0, 512)
  }
  files.write(file, bytes, 0, bytes.length, 0)
  files.fsync(file)
  files.close(file)
  if (fate.harm === 'page') {
    const page = Math.floor((from + 4096) / 4096) * 4096
    return upTo(OWN_FRAMES)
      .filter((n) => frames[n]!.from < page + 4096 && frames[n]!.to > page)
      .map((n) => first + n - 1)
  }
  if (fate.harm === 'behead') return upTo(OWN_FRAMES).map((n) => first + n - 1)
  return fate.harm === 'flip' || fate.harm === 'zeros' ? lost : []
}

test('whatever becomes of segments, of a disk that fails and of shippers, all that is whole is shipped', async () => {
  const fate = fc.record({
    harm: fc.constantFrom<Harm>(
      ...(['none', 'flip', 'zeros', 'header', 'check', 'preamble', 'page', 'behead'] as const),
    ),
    frame: fc.nat(OWN_FRAMES - 1),
    bit: fc.nat(4000),
  })
  const one = fc.record({
    fates: fc.array(fate, { minLength: 1, maxLength: 3 }),
    row: fc.constantFrom(...LOOKALIKES),
    isAlive: fc.boolean(),
    kills: fc.array(fc.integer({ min: 10, max: 150 }), { maxLength: 4 }),
    rowsMax: fc.integer({ min: 1, max: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(one, async ({ fates, row, isAlive, kills, rowsMax }) => {
      const world = new ShippingWorld()
      world.limits = { ...world.limits, rowsMax }
      if (isAlive) world.alive.add(HEADER.process.pid)
      const lost = new Set<number>()
      for (const [index, each] of fates.entries()) {
        const first = OWN_FRAMES * index + 1
        const own = upTo(OWN_FRAMES).map((n) => {
          const sequence = first + n - 1
          const isLookalike = n - 1 === each.frame && ['flip', 'zeros'].includes(each.harm)
          return isLookalike ? recordOf(sequence, row) : wide(sequence)
        })
        const path = world.put({ number: index + 1 }, [layoutFrame(), ...own, SEAL])
        for (const sequence of harm(world, path, first, each)) lost.add(sequence)
      }
      const all = OWN_FRAMES * (fates.length + 1)
      const rest = upTo(OWN_FRAMES).map((n) => wide(all - OWN_FRAMES + n))
      const last = isAlive ? rest : [...rest, ended(all), SEAL]
      world.put({ number: fates.length + 1 }, [layoutFrame(), ...last])
      for (const n of kills) {
        const calls = failingFiles(world.files, (_, call) =>
          call === n ? { crash: 'before' } : null,
        )
        await world.run(world.start(calls), () => calls.isCrashed)
        world.files.kill()
        world.nowMs += 60_000
      }
      const shipping = world.start()
      await world.run(shipping)
      for (let minute = 0; minute < 25 * 60; minute++) {
        await shipping.step()
        world.nowMs += 60_000
      }
      await world.run(shipping)
      const sequences = (await world.lines()).map(({ sequence }) => sequence)
      const wanted = upTo(all).filter((each) => !lost.has(each))
      expect(sequences.sort((a, b) => a - b)).toEqual(wanted)
      const gaps = await world.gaps()
      const told = gaps.flatMap(({ from, to }) => upTo(to - from + 1).map((n) => from + n - 1))
      expect(told.sort((a, b) => a - b)).toEqual([...lost].sort((a, b) => a - b))
      expect(gaps.every(({ reason }) => reason === 'corrupt')).toBe(true)
      const isAliveNow = () => isAlive
      const report = await verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: isAliveNow })
      // All else of it was shipped: that is said of no segment of which something is lost.
      const names = world.filesBelow(SPOOL).filter((path) => path.includes('.torn'))
      expect(names).toEqual([])
      const headless = fates.filter((each) => each.harm === 'behead')
      expect(report.problems).toEqual(
        headless.map(() => expect.stringMatching(/^quarantine.*nobody/)),
      )
    }),
    { numRuns: propertyRuns(20) },
  )
})
