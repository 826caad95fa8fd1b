import { statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { errnoOf, type FileCalls, systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { writeFileAtomic } from '../../../../src/shared/atomic-file.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const BYTES = Uint8Array.of(1, 2, 3, 4, 5)

const codeOf = (task: () => unknown): string => {
  try {
    task()
  } catch (error) {
    return errnoOf(error)
  }
  return 'none'
}

describe.each<{ name: string; make: () => { files: FileCalls; folder: string } }>([
  { name: 'node:fs', make: () => ({ files: systemFiles, folder: makeTempDir('files') }) },
  { name: 'memory', make: () => ({ files: new CrashFiles(), folder: '/' }) },
])('file calls over $name', ({ make }) => {
  let files: FileCalls
  let folder: string
  let path: string
  beforeEach(() => {
    ;({ files, folder } = make())
    path = join(folder, 'a')
  })

  const content = (): number[] => {
    const bytes = new Uint8Array(100)
    const file = files.open(path, 'r')
    const length = files.read(file, bytes, 0, 100, 0)
    files.close(file)
    return [...bytes.subarray(0, length)]
  }

  test('write where they are told, or on and on', () => {
    const file = files.open(path, 'wx')
    expect(files.write(file, BYTES, 1, 2)).toBe(2)
    expect(files.write(file, BYTES, 4)).toBe(1)
    expect(files.write(file, BYTES, 0, 1, 6)).toBe(1)
    files.fsync(file)
    expect(content()).toEqual([2, 3, 5, 0, 0, 0, 1])
    files.ftruncate(file, 2)
    expect(files.stat(path)).toMatchObject({ kind: 'file', bytes: 2 })
    files.close(file)
    expect(content()).toEqual([2, 3])
  })

  test('keep names', () => {
    files.mkdir(join(folder, 'sub'))
    files.close(files.open(path, 'w'))
    files.rename(path, join(folder, 'sub', 'b'))
    files.link(join(folder, 'sub', 'b'), path)
    expect(files.readdir(folder).sort()).toEqual(['a', 'sub'])
    expect(files.readdir(join(folder, 'sub'))).toEqual(['b'])
    expect(files.stat(join(folder, 'sub'))?.kind).toBe('folder')
    files.unlink(path)
    expect(files.stat(path)).toBeNull()
    files.unlink(join(folder, 'sub', 'b'))
    files.rmdir(join(folder, 'sub'))
    expect(files.readdir(folder)).toEqual([])
    writeFileAtomic(path, BYTES, { calls: files })
    expect(content()).toEqual([...BYTES])
  })

  test('fail alike', () => {
    files.close(files.open(path, 'w'))
    files.mkdir(join(folder, 'sub'))
    const codes = [
      () => files.open(path, 'wx'),
      () => files.open(join(folder, 'none'), 'r'),
      () => files.open(join(folder, 'none', 'a'), 'w'),
      () => files.open(join(folder, 'sub'), 'w'),
      () => files.mkdir(join(folder, 'sub')),
      () => files.mkdir(join(folder, 'none', 'sub')),
      () => files.unlink(join(folder, 'none')),
      () => files.rename(join(folder, 'none'), path),
      () => files.link(join(folder, 'sub'), path),
      () => files.readdir(join(folder, 'none')),
      () => files.readdir(path),
      () => files.rmdir(join(folder, 'none')),
      () => files.rmdir(path),
      () => files.rmdir(join(path, '..')),
      () => files.close(12_345),
    ].map(codeOf)
    expect(codes).toEqual([
      ...['EEXIST', 'ENOENT', 'ENOENT', 'EISDIR', 'EEXIST', 'ENOENT', 'ENOENT', 'ENOENT'],
      ...['EEXIST', 'ENOENT', 'ENOTDIR', 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EBADF'],
    ])
  })
})

test('what is made is nobody else to read', () => {
  const folder = makeTempDir('files')
  systemFiles.mkdir(join(folder, 'sub'))
  systemFiles.close(systemFiles.open(join(folder, 'a'), 'wx'))
  const modes = ['sub', 'a'].map((name) => statSync(join(folder, name)).mode & 0o777)
  expect(modes).toEqual([0o700, 0o600])
})
