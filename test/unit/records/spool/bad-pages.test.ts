import { expect, test } from 'vitest'
import { AroundBadPages, isOfMedium } from '../../../../src/records/spool/bad-pages.ts'
import { readWhole } from '../../../../src/records/spool/whole-writes.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles, nthFailure } from '../../../helpers/failing-files.ts'
import { spoilPages } from '../../../helpers/records/bad-pages.ts'
import { upTo } from '../../../helpers/records/frames.ts'
import { putFile, someBytes } from '../../../helpers/segments.ts'

const PATH = '/a.seg'
const BYTES = someBytes(50_000, 3)

const reading = (bad: readonly number[]) => {
  const disk = new CrashFiles()
  putFile(disk, PATH, BYTES)
  spoilPages(disk, PATH, bad)
  const files = failingFiles(disk, () => null)
  const around = new AroundBadPages(files, () => 0)
  const file = around.open(PATH, 'r')
  const read = (position: number, length: number) => {
    const bytes = new Uint8Array(length).fill(77)
    const count = readWhole(around, file, bytes, { offset: 0, length, position })
    return bytes.subarray(0, count)
  }
  return { around, read, files }
}

test('pages that cannot be read are zeros, and all others what they are', () => {
  const expected = BYTES.slice()
    .fill(0, 4096, 3 * 4096)
    .fill(0, 40_960, 45_056)
  const { around, read } = reading([5000, 8192, 41_000])
  expect(read(0, 60_000)).toEqual(expected)
  expect(around.lostBytes).toBe(3 * 4096)
  for (const position of [0, 4095, 4096, 4097, 12_287, 40_961, 49_999]) {
    expect(read(position, 100)).toEqual(expected.slice(position, position + 100))
  }
})

test('of a file of which all can be read nothing is lost', () => {
  const { around, read } = reading([])
  expect(read(0, 60_000)).toEqual(BYTES)
  expect(around.lostBytes).toBe(0)
})

test('a bad page is asked for once, and no more than it is lost with it', () => {
  const { read, files } = reading([5000])
  read(0, 60_000)
  const before = files.count
  expect(read(4096, 4096)).toEqual(new Uint8Array(4096))
  expect(files.count).toBe(before)
})

test('each bad page is asked for once, whatever is read of it, and by whom', () => {
  let [asked, nowMs] = [0, 0]
  const disk = new CrashFiles()
  putFile(disk, PATH, BYTES)
  const pages = upTo(5).map((n) => n * 4096)
  const onAsked = () => {
    asked++
    nowMs += 4000
  }
  spoilPages(disk, PATH, pages, { onAsked })
  const bytes = new Uint8Array(60_000)
  const readAll = (known: readonly number[]) => {
    const around = new AroundBadPages(disk, () => nowMs, known)
    const file = around.open(PATH, 'r')
    const read = () =>
      readWhole(around, file, bytes, { offset: 0, length: bytes.length, position: 0 })
    return { around, read }
  }
  const first = readAll([])
  expect(first.read).toThrow('A disk takes long')
  expect(first.read).toThrow('A disk takes long')
  expect([first.around.isTired, first.around.badPages, asked]).toEqual([true, pages.slice(0, 3), 3])
  const next = readAll(first.around.badPages)
  expect([next.read(), next.around.isTired, asked]).toEqual([BYTES.length, false, 5])
  expect(bytes.subarray(0, BYTES.length)).toEqual(BYTES.slice().fill(0, 4096, 6 * 4096))
})

test('what is no fault of the disk is thrown', () => {
  const disk = new CrashFiles()
  putFile(disk, PATH, BYTES)
  const around = new AroundBadPages(nthFailure(disk, 2, 'EACCES'), () => 0)
  const file = around.open(PATH, 'r')
  expect(() => around.read(file, new Uint8Array(8), 0, 8, 0)).toThrow('EACCES')
  expect(['EIO', 'EBADMSG', 'ENODATA', 'EACCES', 'EMFILE', ''].map(isOfMedium)).toEqual([
    ...[true, true, true, false, false, false],
  ])
})
