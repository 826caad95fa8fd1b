import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameSearch } from '../../../../src/records/spool/frame-search.ts'
import { FRAME, FRAME_BYTES_MAX } from '../../../../src/records/spool/segment-format.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles } from '../../../helpers/failing-files.ts'
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

const PATH = '/a.seg'
const HEADER_CHECK_AT = 8
const account = { thread: 0, count: 0, floor: 1, taken: 0 }
const frameOf = (length: number, seed: number): PlannedFrame => ({
  ...{ kind: FRAME.RECORDS, account, bytes: someBytes(length, seed) },
})

/** What a search of these bytes finds, which are those of a segment, as far as they are. */
const searching = (bytes: Uint8Array) => {
  const disk = new CrashFiles()
  putFile(disk, PATH, bytes)
  const files = failingFiles(disk, () => null)
  const headerCheck = new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_CHECK_AT, true)
  const segment = { file: files.open(PATH, 'r'), fileBytes: bytes.length, headerCheck }
  const search = new FrameSearch(files, segment)
  const find = (from: number) => new FrameSearch(files, segment).find(from)
  const { frames } = readFrames(disk, PATH)
  return { find, search, files, starts: frames.map(({ from }) => from) }
}

/** A segment whose first frame is damaged and holds these words, with a few behind it. */
const holding = (words: Uint32Array): Uint8Array => {
  const held = { kind: FRAME.RECORDS, account, bytes: new Uint8Array(words.buffer) }
  return segmentBytes([held, frameOf(48, 2), frameOf(160, 3), SEAL])
}

test('from any place on the next frame is found, however long it and what is before it', () => {
  const planned = [frameOf(48, 1), frameOf(300_000, 2), frameOf(8, 3), frameOf(600_000, 4), SEAL]
  const { find, starts } = searching(segmentBytes(planned))
  for (const [index, start] of starts.entries()) {
    expect(find(start)).toBe(start)
    expect(find(start + 8)).toBe(starts[index + 1] ?? 'none')
  }
})

test('a frame that begins at any place of a chunk is found', () => {
  for (let length = 262_144 - 600; length <= 262_144; length += 8) {
    const { find, starts } = searching(segmentBytes([frameOf(length, 1), SEAL]))
    expect(find(starts[0]! + 8)).toBe(starts[1])
  }
})

test('frames of another place, or of another segment, are none', () => {
  const own = segmentBytes([frameOf(48, 1), frameOf(48, 2), SEAL])
  const { starts } = searching(own)
  const other = segmentBytes([frameOf(48, 1), frameOf(48, 2), SEAL], { ...HEADER, number: 2 })
  const mixed = Buffer.concat([own.subarray(0, starts[1]), other.subarray(starts[1])])
  expect(searching(mixed).find(starts[0]! + 8)).toBe('none')
  const shifted = Buffer.concat([own.subarray(0, starts[1]), own.subarray(starts[0])])
  expect(searching(shifted).find(starts[0]! + 8)).toBe('none')
})

/** What clients may have sent: each looks like heads of frames, again and again. */
const LOOKALIKES: Readonly<Record<string, (index: number) => readonly number[]>> = {
  'INT64 of small values': () => [3, 0, 3, 0],
  'INT32 rows': (index) => [index * 7919, (index * 104_729) % 10_000_000, index % 7, 0],
  'heads of long frames': (index) => [index, 1 << 20, FRAME.RECORDS, 0],
  'heads of frames up to the end': (index) => [index, 4 * 2 ** 20 - 16 * index, FRAME.GAPS, 0],
  'a text in Latin-1': () => [0x41414141, 0x100000, FRAME.RECORDS, 0],
}

for (const [name, rowOf] of Object.entries(LOOKALIKES)) {
  test(`what lies behind ${name} is found, for reading all of it twice at most`, () => {
    const words = new Uint32Array(2 ** 20)
    for (let at = 0; at < words.length; at += 4) words.set(rowOf(at / 4), at)
    const bytes = holding(words)
    const { find, files, starts } = searching(bytes)
    const before = files.count
    expect(find(starts[0]! + 8)).toBe(starts[1])
    expect(files.count - before).toBeLessThan((2 * bytes.length) / (256 * 1024) + 8)
  })
}

test('it goes on from where it was, and what it has looked through or summed up is not read again', () => {
  const words = new Uint32Array(2 ** 20)
  for (let at = 0; at < words.length; at += 2) words[at] = FRAME.RECORDS
  const bytes = holding(words)
  const { search, files, starts } = searching(bytes)
  const before = files.count
  let asked = 1
  let found = search.find(starts[0]! + 8, 1_000_000)
  for (; found === 'later'; asked++) found = search.find(starts[0]! + 8, 1_000_000)
  expect([asked, found]).toEqual([5, starts[1]])
  expect(search.find(starts[1]! + 8)).toBe(starts[2])
  expect(search.find(starts[3]! + 8)).toBe('none')
  expect(files.count - before).toBeLessThan((2 * bytes.length) / (256 * 1024) + 10)
})

test('what looks like frames is not taken for one, whatever follows it', () => {
  fc.assert(
    fc.property(
      fc.uint32Array({ minLength: 8, maxLength: 64 }),
      fc.array(fc.tuple(fc.nat(60), fc.nat(400), fc.integer({ min: 2, max: 7 }))),
      (words, heads) => {
        const padded = new Uint32Array(2 * Math.ceil(words.length / 2))
        padded.set(words)
        for (const [at, length, kind] of heads)
          padded.set(
            [length, kind, 0].slice(0, Math.max(0, padded.length - at)),
            Math.min(at, padded.length),
          )
        const { find, starts } = searching(holding(padded))
        expect(find(starts[0]! + 8)).toBe(starts[1])
      },
    ),
    { numRuns: propertyRuns(200) },
  )
})

test('the longest frames are found, in the memory of one of them', () => {
  const bytes = segmentBytes([
    { kind: FRAME.RECORDS, bytes: new Uint8Array(1000).fill(FRAME.RECORDS) },
    { kind: FRAME.RECORDS, bytes: new Uint8Array(FRAME_BYTES_MAX) },
    { kind: FRAME.RECORDS, bytes: new Uint8Array(1_000_000) },
    SEAL,
  ])
  const { search, starts } = searching(bytes)
  for (const [index, start] of starts.entries()) {
    expect(search.find(start + 8)).toBe(starts[index + 1] ?? 'none')
  }
})
