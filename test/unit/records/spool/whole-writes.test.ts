import { expect, test } from 'vitest'
import { errnoOf } from '../../../../src/records/spool/file-calls.ts'
import { readWhole, uninterrupted, writeWhole } from '../../../../src/records/spool/whole-writes.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles, nthFailure } from '../../../helpers/failing-files.ts'
import { putFile, someBytes } from '../../../helpers/segments.ts'

const BYTES = someBytes(1000, 3)

const readBack = (files: CrashFiles): Uint8Array => {
  const bytes = new Uint8Array(2000)
  const file = files.open('/a', 'r')
  return bytes.subarray(0, readWhole(files, file, bytes, { offset: 0, length: 2000, position: 0 }))
}

test('short calls are repeated until everything is done', () => {
  const files = new CrashFiles()
  const short = nthFailure(files, 2, 'short', true)
  const file = short.open('/a', 'w')
  expect(writeWhole(short, file, BYTES, 900, 0)).toEqual({ bytes: 900, error: null })
  expect(readBack(files)).toEqual(BYTES.subarray(0, 900))
  expect(short.count).toBeGreaterThan(5)
  const into = new Uint8Array(1000)
  expect(readWhole(short, file, into, { offset: 10, length: 500, position: 3 })).toBe(500)
  expect(into.subarray(10, 510)).toEqual(BYTES.subarray(3, 503))
})

test('a read that fails half-way makes do with what was to be there at least', () => {
  const files = new CrashFiles()
  putFile(files, '/a', BYTES)
  const file = files.open('/a', 'r')
  const reading = (atLeast?: number) => {
    const bad = failingFiles(files, (_, call) => (call === 1 ? { short: true } : { errno: 'EIO' }))
    const wanted = { offset: 0, length: 1000, position: 0 }
    const into = new Uint8Array(1000)
    return readWhole(bad, file, into, atLeast === undefined ? wanted : { ...wanted, atLeast })
  }
  expect(reading(500)).toBe(500)
  expect(() => reading(501)).toThrow('EIO')
  expect(() => reading()).toThrow('EIO')
})

test('a signal costs nothing, a call that is always interrupted fails', () => {
  const files = new CrashFiles()
  const file = files.open('/a', 'w')
  expect(writeWhole(nthFailure(files, 1, 'EINTR'), file, BYTES, 1000, 0).error).toBeNull()
  expect(readBack(files)).toEqual(BYTES)
  const always = nthFailure(files, 1, 'EINTR', true)
  expect(errnoOf(writeWhole(always, file, BYTES, 1000, 0).error)).toBe('EINTR')
  expect(() => uninterrupted(() => always.fsync(file))).toThrow('EINTR')
})

test('a write that fails half-way says how far it came', () => {
  const files = new CrashFiles()
  const full = failingFiles(files, (_, number) =>
    number === 1 ? { short: true } : { errno: 'ENOSPC' },
  )
  const file = files.open('/a', 'w')
  const { bytes, error } = writeWhole(full, file, BYTES, 1000, 0)
  expect([bytes, errnoOf(error)]).toEqual([500, 'ENOSPC'])
  expect(readBack(files)).toEqual(BYTES.subarray(0, 500))
})

test('a write of no bytes at all does not go on for ever', () => {
  const files = { ...failingFiles(new CrashFiles(), () => null), write: () => 0 }
  expect(writeWhole(files, 3, BYTES, 1000, 0).error).toBeInstanceOf(Error)
})
