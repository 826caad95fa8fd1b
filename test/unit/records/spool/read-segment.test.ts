/** A segment in one go, with what lies behind damage. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FileCalls } from '../../../../src/records/spool/file-calls.ts'
import { readSegment } from '../../../../src/records/spool/read-segment.ts'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { type Frame, SegmentReader } from '../../../../src/records/spool/segment-reader.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { nthFailure } from '../../../helpers/failing-files.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import {
  type PlannedFrame,
  putFile,
  SEAL,
  segmentBytes,
  someBytes,
} from '../../../helpers/segments.ts'

const PATH = '/a.seg'
const account = { thread: 0, count: 0, floor: 5, taken: 9 }
const PLANNED: readonly PlannedFrame[] = [
  { kind: FRAME.LAYOUT, bytes: someBytes(40, 1) },
  { kind: FRAME.RECORDS, account, bytes: someBytes(480, 2) },
  { kind: FRAME.RECORDS, account, bytes: someBytes(64, 3) },
  { kind: FRAME.LAYOUT, bytes: someBytes(80, 4) },
  { kind: FRAME.END, account },
  SEAL,
]
const WHOLE = segmentBytes(PLANNED)

const diskOf = (bytes: Uint8Array): CrashFiles => {
  const files = new CrashFiles()
  putFile(files, PATH, bytes)
  return files
}

/** All frames, with those behind what is damaged. */
const readAll = (bytes: Uint8Array, fromOffset = 0, files: FileCalls = diskOf(bytes)) => {
  const frames: Frame[] = []
  const onFrame = (frame: Frame): true => {
    frames.push({ ...frame, payload: frame.payload.slice() })
    return true
  }
  return { read: readSegment(files, PATH, fromOffset, onFrame, () => true), frames }
}

const ALL = readAll(WHOLE).frames
/** Everything up to the end of the HEADER has to be whole. */
const FIRST = ALL[0]!.from

const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
  const bytes = WHOLE.slice()
  change(bytes)
  return bytes
}

const isTouched = (bytes: Uint8Array, { from, to }: Frame): boolean =>
  Buffer.compare(bytes.subarray(from, to), WHOLE.subarray(from, to)) !== 0

test('a bit flipped in any byte, of a length too, costs its own frame and no other', () => {
  for (let byte = FIRST; byte < WHOLE.length; byte++) {
    const bytes = changed((all) => {
      all[byte]! ^= 1 << (byte % 8)
    })
    const { frames, read } = readAll(bytes)
    expect(frames).toEqual(ALL.filter((frame) => !isTouched(bytes, frame)))
    const isOfSeal = byte >= ALL.at(-1)!.from
    expect(read.end).toBe(isOfSeal ? 'corrupt' : 'sealed')
  }
})

test('so do zeros, of any number and anywhere', () => {
  const damage = fc.record({ from: fc.nat(WHOLE.length - FIRST), length: fc.nat(700) })
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
      const bytes = changed((all) => {
        for (const { from, length } of damages) all.fill(0, FIRST + from, FIRST + from + length)
      })
      expect(readAll(bytes).frames).toEqual(ALL.filter((frame) => !isTouched(bytes, frame)))
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('one that begins behind what is damaged finds its way, and every layout that is whole', () => {
  for (const [index, { from, to }] of ALL.slice(0, -1).entries()) {
    for (const place of [from + 6, to - 5]) {
      const bytes = changed((all) => {
        all[place]! ^= 1
      })
      const { frames, read } = readAll(bytes, to)
      const expected = ALL.filter(({ kind }, i) => i > index || kind === FRAME.LAYOUT)
      expect(frames).toEqual(expected.filter((frame) => !isTouched(bytes, frame)))
      expect(read.end).toBe('sealed')
    }
  }
})

test('what is damaged on both sides of where it begins is not passed over by itself', () => {
  const [, before, behind] = ALL
  const bytes = changed((all) => all.fill(0, before!.to - 64, behind!.from + 64))
  const reader = new SegmentReader(diskOf(bytes), PATH, before!.to)
  expect(reader.next()).toMatchObject({ kind: FRAME.LAYOUT })
  expect(reader.next()).toBeNull()
  expect(reader.offset).toBe(behind!.from)
  expect(reader.skip()).toBe('done')
  expect(reader.next()).toMatchObject({ from: ALL[3]!.from })
  reader.close()
})

test('where no header tells whose frames they are, and where nothing is damaged, none is found', () => {
  const headless = changed((all) => {
    all[FIRST - 40]! ^= 3
  })
  expect(readAll(headless)).toMatchObject({ frames: [], read: { end: 'corrupt', header: null } })
  const reader = new SegmentReader(diskOf(WHOLE), PATH)
  while (reader.next() !== null);
  expect(reader.skip()).toBe('none')
  expect(reader.end).toBe('sealed')
  reader.close()
})

test.each(['EIO', 'EINTR', 'short'])(
  'whichever call fails with %s: frames that were written, and an answer',
  (errno) => {
    const bytes = changed((all) => all.fill(0, ALL[1]!.from, ALL[1]!.from + 24))
    const whole = ALL.filter((frame) => !isTouched(bytes, frame))
    for (let n = 1; ; n++) {
      const disk = diskOf(bytes)
      const files = nthFailure(disk, n, errno)
      const { frames, read } = readAll(bytes, 0, files)
      expect(frames).toEqual(whole.slice(0, frames.length))
      expect(['sealed', 'unreadable']).toContain(read.end)
      expect(disk.openFiles).toBe(0)
      if (files.count < n) break
    }
  },
)
