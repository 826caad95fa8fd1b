import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { readSegment } from '../../../../src/records/spool/read-segment.ts'
import {
  FRAME,
  readAccount,
  readGapFrame,
  readLayoutId,
} from '../../../../src/records/spool/segment-format.ts'
import { SegmentReader } from '../../../../src/records/spool/segment-reader.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { nthFailure } from '../../../helpers/failing-files.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import {
  HEADER,
  type PlannedFrame,
  putFile,
  readFrames,
  SEAL,
  segmentBytes,
  someBytes,
} from '../../../helpers/segments.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const PATH = '/a.seg'

const account = (thread: number, count: number) => ({ thread, count, floor: 5, taken: 9 })

const FRAMES: readonly PlannedFrame[] = [
  { kind: FRAME.BEGIN, account: account(0, 0) },
  { kind: FRAME.LAYOUT, bytes: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d) },
  { kind: FRAME.RECORDS, account: account(0, 2), bytes: someBytes(48, 1) },
  { kind: FRAME.GAPS, account: account(0, 1), gaps: [{ from: 3, to: 2 ** 40, reason: 7 }] },
  { kind: FRAME.RECORDS, account: account(1, 1), bytes: someBytes(1000, 2) },
]

/** A disk that holds these bytes as the segment. */
const diskOf = (bytes: Uint8Array): CrashFiles => {
  const files = new CrashFiles()
  putFile(files, PATH, bytes)
  return files
}

const readBytes = (bytes: Uint8Array, fromOffset = 0) => readFrames(diskOf(bytes), PATH, fromOffset)

test('a reader gives every frame as it was written, then says that it is sealed', () => {
  const { frames, read } = readBytes(segmentBytes([...FRAMES, SEAL]))
  expect(frames.map(({ kind }) => kind)).toEqual([...FRAMES.map(({ kind }) => kind), FRAME.SEAL])
  expect(readLayoutId(frames[1]!.payload)).toBe(7)
  expect(frames[1]!.payload.slice(8)).toEqual(Uint8Array.of(0x7b, 0x7d))
  expect(readAccount(frames[2]!.payload)).toEqual(account(0, 2))
  expect(frames[2]!.payload.slice(24)).toEqual(someBytes(48, 1))
  expect(readGapFrame(frames[3]!.payload)).toEqual([{ from: 3, to: 2 ** 40, reason: 7 }])
  expect(read).toMatchObject({ header: HEADER, end: 'sealed', offset: read.fileBytes })
})

test('payloads begin at multiples of 8, so that typed views may be laid over them', () => {
  const bytes = segmentBytes(FRAMES)
  for (const length of [bytes.length, bytes.length - 3]) {
    readSegment(diskOf(bytes.slice(0, length)), PATH, 0, ({ payload }) => {
      expect([payload.byteOffset % 8, payload.buffer.byteLength % 8]).toEqual([0, 0])
      return true
    })
  }
})

test('a reader that begins later gives what comes from there, and every layout', () => {
  const bytes = segmentBytes([...FRAMES, SEAL])
  const all = readBytes(bytes).frames
  for (const [index, { to }] of all.entries()) {
    const { frames, read } = readBytes(bytes, to)
    expect(frames).toEqual(all.filter(({ kind }, i) => i > index || kind === FRAME.LAYOUT))
    expect(read.end).toBe('sealed')
  }
})

test('a place that is not between two frames is found out', () => {
  const bytes = segmentBytes([...FRAMES, SEAL])
  const { frames, read } = readBytes(bytes, bytes.length - 8)
  expect(frames.map(({ kind }) => kind)).toEqual([FRAME.LAYOUT])
  expect(read.end).toBe('sealed')
})

test('a callback that answers false stops the reader behind its frame', () => {
  const disk = diskOf(segmentBytes(FRAMES))
  let seen = 0
  const read = readSegment(disk, PATH, 0, () => ++seen < 2)
  expect(seen).toBe(2)
  expect(readFrames(disk, PATH, read.offset).frames[1]!.kind).toBe(FRAME.RECORDS)
  expect(disk.openFiles).toBe(0)
})

test('a reader goes on where a file has grown, and forgets what was cut off', () => {
  const files = new CrashFiles()
  const whole = segmentBytes([...FRAMES, SEAL])
  const other = segmentBytes([...FRAMES.slice(0, 2), { kind: 99, bytes: someBytes(3000, 9) }])
  const two = readBytes(whole).frames[1]!.to
  const file = files.open(PATH, 'w')
  const reader = new SegmentReader(files, PATH)
  expect(reader.next()).toBeNull()
  expect(reader.end).toBe('open')
  files.write(file, other.subarray(0, other.length - 8), 0)
  expect([reader.next(), reader.next(), reader.next()].map((frame) => frame?.kind)).toEqual([
    FRAME.BEGIN,
    FRAME.LAYOUT,
    undefined,
  ])
  expect(reader).toMatchObject({ end: 'open', offset: two, fileBytes: other.length - 8 })
  files.ftruncate(file, two)
  files.write(file, whole, two, whole.length - two, two)
  expect(reader.next()).toMatchObject({ kind: FRAME.RECORDS, from: two })
  while (reader.next() !== null);
  expect(reader.end).toBe('sealed')
  expect(reader.next()).toBeNull()
  reader.close()
})

describe('whatever the file holds, a reader keeps the good frames before it and says what it is', () => {
  test('cut off at any place: open, and what is whole is given', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    const all = readBytes(bytes).frames
    for (let length = 0; length < bytes.length; length++) {
      const { frames, read } = readBytes(bytes.slice(0, length))
      expect(frames).toEqual(all.filter(({ to }) => to <= length))
      expect(read.end).toBe('open')
    }
  })

  test('zeros from any place on: open where a frame would begin, else corrupt', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    const all = readBytes(bytes).frames
    const starts = new Set([0, 8, ...all.map(({ to }) => to)])
    for (let from = 0; from < bytes.length; from++) {
      const { frames, read } = readBytes(bytes.slice().fill(0, from))
      const good = all.filter(({ to }) => to <= from)
      // A payload may end in zeros of its own.
      expect(frames.slice(0, good.length)).toEqual(good)
      if (starts.has(from)) expect(read.end).toBe('open')
    }
  })

  test('a bit flipped in any byte: nothing is given that was not written', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    const all = readBytes(bytes).frames
    for (let byte = 0; byte < bytes.length; byte++) {
      const bit = 8 * byte + (byte % 8)
      const flipped = bytes.slice()
      flipped[byte]! ^= 1 << (bit & 7)
      const { frames, read } = readBytes(flipped)
      const isOfHead = byte < all[0]!.from
      // Of the first bytes one bit is told again.
      const given = isOfHead ? all : all.filter(({ to }) => to <= byte)
      expect(frames).toEqual(given)
      if (isOfHead) expect(read).toMatchObject({ header: HEADER, end: 'sealed' })
      else expect(['corrupt', 'open']).toContain(read.end)
    }
  })

  test('any damage: frames of before, in their places, and an answer', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    const all = readBytes(bytes).frames
    const damage = fc.record({
      at: fc.nat(bytes.length - 1),
      put: fc.uint8Array({ maxLength: 64 }),
      cut: fc.option(fc.nat(bytes.length), { freq: 3 }),
    })
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 4 }), (damages) => {
        let damaged = bytes.slice()
        for (const { at, put, cut } of damages) {
          if (cut !== null) damaged = damaged.slice(0, cut)
          damaged.set(
            put.subarray(0, Math.max(0, damaged.length - at)),
            Math.min(at, damaged.length),
          )
        }
        const { frames } = readBytes(damaged)
        expect(frames).toEqual(all.slice(0, frames.length))
      }),
      { numRuns: propertyRuns(200) },
    )
  })

  test('frames that have changed places, or have come from another segment: corrupt', () => {
    const twins = [FRAMES[2]!, { ...FRAMES[2]!, bytes: someBytes(48, 5) }]
    const bytes = segmentBytes(twins)
    const [first, second] = readBytes(bytes).frames
    const swapped = bytes.slice()
    swapped.set(bytes.subarray(second!.from, second!.to), first!.from)
    swapped.set(bytes.subarray(first!.from, first!.to), second!.from)
    expect(readBytes(swapped)).toMatchObject({ frames: [], read: { end: 'corrupt' } })
    const other = segmentBytes(twins, { ...HEADER, number: 2 })
    const mixed = bytes.slice()
    mixed.set(other.subarray(second!.from), second!.from)
    expect(readBytes(mixed)).toMatchObject({ read: { end: 'corrupt', offset: second!.from } })
  })

  test('empty: open, without a header', () => {
    expect(readBytes(new Uint8Array(0))).toMatchObject({
      frames: [],
      read: { header: null, end: 'open', offset: 0, fileBytes: 0 },
    })
  })

  test('foreign, even when it is short', () => {
    const text = new TextEncoder().encode('time,endpoint\n2025-01-01,flight-delay\n')
    for (const length of [1, 7, 8, text.length]) {
      expect(readBytes(text.slice(0, length)).read).toMatchObject({ header: null, end: 'foreign' })
    }
  })

  test('of a later version: newer, and not looked into', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    bytes[4] = 2
    expect(readBytes(bytes)).toMatchObject({
      frames: [],
      read: { end: 'newer', detail: 'version 2', offset: 0 },
    })
  })

  test('a frame that says that it is longer than memory costs none', () => {
    const bytes = segmentBytes(FRAMES)
    const { from } = readBytes(bytes).frames[2]!
    new DataView(bytes.buffer).setUint32(from + 4, 0xffff_fff0, true)
    expect(readBytes(bytes).read).toMatchObject({ end: 'corrupt', offset: from })
    new DataView(bytes.buffer).setUint32(from + 4, 60_000_000, true)
    expect(readBytes(bytes).read).toMatchObject({ end: 'open', offset: from })
  })

  test('a header twice, or one that says nothing: corrupt', () => {
    const twice = segmentBytes([{ kind: FRAME.HEADER, bytes: someBytes(8, 1) }])
    expect(readBytes(twice).read).toMatchObject({ end: 'corrupt', header: HEADER })
    const nothing = segmentBytes([], { ...HEADER, incarnation: -1 })
    expect(readBytes(nothing).read).toMatchObject({ end: 'corrupt', header: null })
  })

  test('a wrong checksum of the header: all the same where the next frame shows that it is', () => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    bytes.fill(77, 8, 12)
    const { frames, read } = readBytes(bytes)
    expect(frames).toEqual(readBytes(segmentBytes([...FRAMES, SEAL])).frames)
    expect(read).toMatchObject({ header: HEADER, end: 'sealed' })
    bytes[frames[0]!.from + 20]! ^= 1
    expect(readBytes(bytes)).toMatchObject({ frames: [], read: { header: null, end: 'corrupt' } })
    expect(readBytes(bytes.slice(0, frames[0]!.from)).read).toMatchObject({ header: null })
  })

  test('a folder, a FIFO or nothing by that name', () => {
    const folder = makeTempDir('segments')
    mkdirSync(join(folder, 'b.seg'))
    expect(spawnSync('mkfifo', [join(folder, 'c.seg')]).status).toBe(0)
    const ends = ['a', 'b', 'c'].map((name) => {
      const { end, detail } = readFrames(systemFiles, join(folder, `${name}.seg`)).read
      return [end, detail]
    })
    expect(ends).toEqual([
      ['missing', ''],
      ['unreadable', 'folder'],
      ['unreadable', 'other'],
    ])
  })
})

test('a file that is gone while it is read is read to its end', () => {
  const files = diskOf(segmentBytes([...FRAMES, SEAL]))
  const reader = new SegmentReader(files, PATH)
  reader.next()
  files.unlink(PATH)
  while (reader.next() !== null);
  expect(reader.end).toBe('sealed')
  reader.close()
})

test.each(['EIO', 'EINTR', 'EMFILE', 'ENOENT', 'short'])(
  'whichever call fails with %s: the good frames before, and an answer',
  (errno) => {
    const bytes = segmentBytes([...FRAMES, SEAL])
    const all = readBytes(bytes).frames
    for (let n = 1; ; n++) {
      const disk = diskOf(bytes)
      const files = nthFailure(disk, n, errno)
      const { frames, read } = readFrames(files, PATH)
      expect(frames).toEqual(all.slice(0, frames.length))
      expect(['sealed', 'unreadable', 'missing']).toContain(read.end)
      expect(disk.openFiles).toBe(0)
      if (files.count < n) break
    }
  },
)

test('segments of version 1 that were written once are read today', () => {
  const bytes = new Uint8Array(readFileSync('test/fixtures/segments/v1.seg'))
  expect(bytes).toEqual(segmentBytes([...FRAMES, SEAL]))
})
