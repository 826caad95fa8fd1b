import { expect, test } from 'vitest'
import { FrameSearch } from '../../../../src/records/spool/frame-search.ts'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
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
const searching = (bytes: Uint8Array, workBytesMax?: number) => {
  const files = new CrashFiles()
  putFile(files, PATH, bytes)
  const headerCheck = new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_CHECK_AT, true)
  const segment = { file: files.open(PATH, 'r'), fileBytes: bytes.length, headerCheck }
  const search = new FrameSearch(files, workBytesMax)
  const find = (from: number, last = bytes.length) => search.find(segment, from, last)
  return { find, search, starts: readFrames(files, PATH).frames.map(({ from }) => from) }
}

test('from any place on the next frame is found, however long it and what is before it', () => {
  const planned = [frameOf(48, 1), frameOf(300_000, 2), frameOf(8, 3), frameOf(600_000, 4), SEAL]
  const { find, starts } = searching(segmentBytes(planned))
  for (const [index, start] of starts.entries()) {
    expect(find(start)).toBe(start)
    expect(find(start + 8)).toBe(starts[index + 1] ?? null)
    expect(find(start + 8, start + 8)).toBeNull()
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
  expect(searching(mixed).find(starts[0]! + 8)).toBeNull()
  const shifted = Buffer.concat([own.subarray(0, starts[1]), own.subarray(starts[0])])
  expect(searching(shifted).find(starts[0]! + 8)).toBeNull()
})

test('what looks like heads of long frames all over costs no more than it may', () => {
  const words = new Uint32Array(2 ** 18)
  for (let at = 0; at < words.length; at += 4) words.set([at, 500_000, FRAME.RECORDS, 0], at)
  const bytes = segmentBytes([{ kind: FRAME.RECORDS, bytes: new Uint8Array(words.buffer) }, SEAL])
  const { find, search, starts } = searching(bytes, 20_000_000)
  expect(find(starts[0]! + 8)).toBeNull()
  expect(search.hasGivenUp).toBe(true)
})
