import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FileDigests } from '../../../../src/control/proving/file-digests.ts'
import { type Clock, systemClock } from '../../../../src/shared/clock.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A clock by which every file has been at rest for an hour. */
const LATER: Clock = { ...systemClock, now: () => Date.now() + 3_600_000 }

const makeDigests = (clock = LATER, signal = new AbortController().signal) =>
  new FileDigests(clock, signal)

const makeFile = (text: string): string => {
  const file = join(makeTempDir(), 'file')
  writeFileSync(file, text)
  return file
}

test('of() gives the SHA-256, and sees every change', async () => {
  const digests = makeDigests()
  const file = makeFile('one')
  expect(await digests.of(file)).toBe(sha256('one'))
  writeFileSync(file, 'two')
  expect(await digests.of(file)).toBe(sha256('two'))
  const other = makeFile('six')
  utimesSync(other, 1, 1)
  renameSync(other, file)
  expect(await digests.of(file)).toBe(sha256('six'))
})

test('of() reads a file that has not changed only once', async () => {
  const abort = new AbortController()
  const digests = makeDigests(LATER, abort.signal)
  const file = makeFile('one')
  await digests.of(file)
  abort.abort() // nothing can be read any more
  expect(await digests.of(file)).toBe(sha256('one'))
  digests.forget(file)
  await expect(digests.of(file)).rejects.toThrow()
})

test('of() reads a file again that was written just now: its times may not tell', async () => {
  const abort = new AbortController()
  const digests = makeDigests({ ...systemClock, now: () => 0 }, abort.signal)
  const file = makeFile('one')
  await digests.of(file)
  abort.abort()
  await expect(digests.of(file)).rejects.toThrow()
})

test('of() ends at once when reading is ended, however large the file', async () => {
  const abort = new AbortController()
  const file = makeFile('')
  truncateSync(file, 64 * 1024 ** 3)
  const reading = makeDigests(LATER, abort.signal).of(file)
  abort.abort()
  await expect(reading).rejects.toThrow(/abort/i)
})

test('of() rejects what cannot be read', async () => {
  const folder = join(makeTempDir(), 'folder')
  mkdirSync(folder)
  await expect(makeDigests().of(folder)).rejects.toThrow('EISDIR')
  await expect(makeDigests().of(join(folder, 'absent'))).rejects.toThrow('ENOENT')
})
