import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  createFileAtomic,
  isTemporaryFile,
  readFileBounded,
  writeFileAtomic,
} from '../../../src/shared/atomic-file.ts'
import { type FailingCalls, failingCalls } from '../../helpers/failing-calls.ts'

const makeFolder = (): string => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'sluice-atomic-'))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

const readText = (path: string): string | null => {
  const bytes = readFileBounded(path, 1000)
  return bytes === null ? null : new TextDecoder().decode(bytes)
}

test('writeFileAtomic() creates and replaces a file of mode 0600 and leaves nothing beside it', () => {
  const folder = makeFolder()
  const path = join(folder, 'a.json')
  writeFileAtomic(path, 'one')
  writeFileAtomic(path, new TextEncoder().encode('two'), { isDurable: false })
  expect(readText(path)).toBe('two')
  expect(fs.statSync(path).mode & 0o777).toBe(0o600)
  expect(fs.readdirSync(folder)).toEqual(['a.json'])
})

test('writeFileAtomic() leaves the old content or the new, whichever call fails', () => {
  const folder = makeFolder()
  const path = join(folder, 'a.json')
  const all = failingCalls(0, 2)
  writeFileAtomic(path, 'new content', { calls: all })
  // open, 6 short writes, fsync, close, rename, open, fsync, close
  expect(all.count).toBe(13)
  for (let n = 1; n <= all.count; n++) {
    writeFileAtomic(path, 'old')
    expect(() => writeFileAtomic(path, 'new content', { calls: failingCalls(n, 2) })).toThrow(
      'space',
    )
    expect(readText(path)).toBe(n <= 10 ? 'old' : 'new content')
    expect(fs.readdirSync(folder)).toEqual(['a.json'])
  }
})

test('createFileAtomic() creates a file once, and whole for whoever sees it', () => {
  const folder = makeFolder()
  const path = join(folder, 'a.json')
  const seen: (string | null)[] = []
  const real = failingCalls(0, 2)
  const write: FailingCalls['write'] = (...args) => {
    seen.push(readText(path))
    return real.write(...args)
  }
  expect(createFileAtomic(path, 'first', { calls: { ...real, write } })).toBe(true)
  expect(seen).toEqual([null, null, null])
  expect(createFileAtomic(path, 'second')).toBe(false)
  expect(readText(path)).toBe('first')
  expect(fs.statSync(path).mode & 0o777).toBe(0o600)
  expect(fs.readdirSync(folder)).toEqual(['a.json'])
})

test('createFileAtomic() leaves nothing, whichever call fails', () => {
  const folder = makeFolder()
  const all = failingCalls(0, 2)
  createFileAtomic(join(folder, 'all'), 'content', { calls: all })
  fs.unlinkSync(join(folder, 'all'))
  // open, 4 short writes, fsync, close, link, open, fsync, close
  expect(all.count).toBe(11)
  for (let n = 1; n <= all.count; n++) {
    const calls = failingCalls(n, 2)
    expect(() => createFileAtomic(join(folder, 'a'), 'content', { calls })).toThrow('space')
    expect(fs.readdirSync(folder)).toEqual([])
  }
})

test('writeFileAtomic() throws what the file system says of a missing folder', () => {
  expect(() => writeFileAtomic(join(makeFolder(), 'no', 'a'), '')).toThrow('ENOENT')
})

test('isTemporaryFile() knows what a crash leaves behind', () => {
  const folder = makeFolder()
  const seen: string[] = []
  const calls = failingCalls(0, 2)
  const rename = (from: string, to: string) => {
    seen.push(...fs.readdirSync(folder))
    calls.rename(from, to)
  }
  writeFileAtomic(join(folder, 'a.json'), 'x', { calls: { ...calls, rename } })
  expect(seen.map(isTemporaryFile)).toEqual([true])
  expect(isTemporaryFile('a.json')).toBe(false)
})

test('readFileBounded() is null for no file and throws over the limit', () => {
  const path = join(makeFolder(), 'a')
  expect(readFileBounded(path, 10)).toBeNull()
  fs.writeFileSync(path, '')
  expect(readText(path)).toBe('')
  fs.writeFileSync(path, '12345678901')
  expect(() => readFileBounded(path, 10)).toThrow(RangeError)
  expect(() => readFileBounded(makeFolder(), 10_000_000)).toThrow('EISDIR')
})
