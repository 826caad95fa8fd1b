import { expect, test } from 'vitest'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { Crash, failingFiles } from '../../../helpers/failing-files.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

const contentOf = (files: CrashFiles, path: string): Uint8Array => {
  const file = files.open(path, 'r')
  const into = new Uint8Array(10_000)
  return into.subarray(0, files.read(file, into, 0, into.length, 0))
}

/** A file whose name and first 600 bytes are on the disk. */
const makeSynced = (): { files: CrashFiles; file: number } => {
  const files = new CrashFiles()
  const file = files.open('/a', 'wx')
  files.write(file, bytes(600, 1), 0)
  files.fsync(file)
  files.fsync(files.open('/', 'r'))
  return { files, file }
}

test('a kill loses nothing but what was open', () => {
  const { files, file } = makeSynced()
  files.write(file, bytes(600, 2), 0)
  files.kill()
  expect(files.openFiles).toBe(0)
  expect(contentOf(files, '/a').length).toBe(1200)
})

test('a power failure leaves what was synced', () => {
  const { files, file } = makeSynced()
  files.write(file, bytes(600, 2), 0)
  files.open('/b', 'wx')
  files.unlink('/a')
  files.failPower(() => false)
  expect(files.readdir('/')).toEqual(['a'])
  expect(contentOf(files, '/a')).toEqual(bytes(600, 1))
})

test('and of the rest any part: sectors of a write, a name without its content', () => {
  const { files, file } = makeSynced()
  files.write(file, bytes(2000, 2), 0)
  const other = files.open('/b', 'wx')
  files.write(other, bytes(10, 3), 0)
  let asked = 0
  // The name of b; of a's write the third sector alone, as the file has it.
  files.failPower(() => [0, 3].includes(asked++))
  const content = contentOf(files, '/a')
  expect(content.length).toBe(2048)
  expect(content.subarray(600, 1536)).toEqual(bytes(936, 0))
  expect(content.subarray(1536)).toEqual(bytes(512, 2))
  expect(contentOf(files, '/b').length).toBe(0)
})

test('what an fsync has failed on is not saved by the next one', () => {
  const { files, file } = makeSynced()
  const failing = failingFiles(files, (_, number) => (number === 2 ? { errno: 'EIO' } : null))
  failing.write(file, bytes(600, 2), 0, 600, 600)
  expect(() => failing.fsync(file)).toThrow('EIO')
  failing.write(file, bytes(600, 3), 0, 600, 1200)
  failing.fsync(file)
  files.failPower(() => false)
  const content = contentOf(files, '/a')
  expect([content.length, content[700], content[1300]]).toEqual([1800, 0, 3])
})

test('after a crash every call is one', () => {
  const { files, file } = makeSynced()
  const failing = failingFiles(files, () => ({ crash: 'middle' }))
  expect(() => failing.write(file, bytes(100, 4), 0, 100, 0)).toThrow(Crash)
  expect(() => failing.stat('/a')).toThrow(Crash)
  expect(contentOf(files, '/a').subarray(49, 51)).toEqual(Uint8Array.of(4, 1))
})
