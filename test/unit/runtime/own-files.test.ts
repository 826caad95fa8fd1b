import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepFile, NewFile, ours, withFile } from '../../../src/runtime/own-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const unwritable = (errno: string) =>
  expect.objectContaining({
    code: 'STATE_UNWRITABLE',
    message: `The proving run cannot write into the state folder (${errno})`,
  })

test('NewFile holds what was written, in order', () => {
  const path = join(makeTempDir(), 'new')
  const file = new NewFile(path)
  for (const part of ['one ', '', 'two']) file.write(Buffer.from(part))
  file.close()
  expect(readFileSync(path, 'utf8')).toBe('one two')
})

test('NewFile takes no file that is there, and says that the model is not at fault', () => {
  const path = join(makeTempDir(), 'old')
  writeFileSync(path, 'old')
  expect(() => new NewFile(path)).toThrow(unwritable('EEXIST'))
  expect(() => new NewFile(join(path, 'below'))).toThrow(unwritable('ENOTDIR'))
  expect(readFileSync(path, 'utf8')).toBe('old')
})

test('keepFile() moves a file, or leaves it where it is', () => {
  const folder = makeTempDir()
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  writeFileSync(from, 'kept')
  expect(() => keepFile(from, join(folder, 'absent/to'))).toThrow(unwritable('ENOENT'))
  keepFile(from, to)
  expect(readFileSync(to, 'utf8')).toBe('kept')
  expect(existsSync(from)).toBe(false)
})

test('ours() gives what was written, and takes what is no system error for one all the same', () => {
  expect(ours(() => 7)).toBe(7)
  const fail = (): never => {
    throw new Error('no')
  }
  expect(() => ours(fail)).toThrow(unwritable('unknown'))
})

test('withFile() throws the plain error of a file that cannot be read, for that is a model', () => {
  const absent = join(makeTempDir(), 'absent')
  expect(() => withFile(absent, 'r', () => {})).toThrow(expect.objectContaining({ code: 'ENOENT' }))
})
