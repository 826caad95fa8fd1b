import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { readFolder } from '../../../../src/records/spool/spool-folder.ts'
import { failingFiles } from '../../../helpers/failing-files.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('readFolder() counts the bytes of segments, and of nothing else', () => {
  const folder = makeTempDir('spool')
  const put = (name: string, bytes: number) =>
    writeFileSync(join(folder, name), new Uint8Array(bytes))
  put('r0-i1-g0-1.seg', 10)
  put('r1-i2-g0-1.seg', 20)
  put('r0-i1-g0-2.seg.tmp', 400)
  mkdirSync(join(folder, 'r0-i1-g0-3.seg'))
  expect(readFolder(systemFiles, folder)).toEqual({
    segments: new Map([
      ['r0-i1-g0-1.seg', 10],
      ['r1-i2-g0-1.seg', 20],
    ]),
    unseen: new Set(),
    bytes: 30,
  })
})

test('readFolder() passes over a name that cannot be looked at: it must not stop the others', () => {
  const folder = makeTempDir('spool')
  symlinkSync('r0-i1-g0-1.seg', join(folder, 'r0-i1-g0-1.seg'))
  writeFileSync(join(folder, 'r0-i1-g0-2.seg'), 'x')
  expect(readFolder(systemFiles, folder)).toMatchObject({ bytes: 1 })
})

test('readFolder() counts what it knew of a segment that cannot be looked at now', () => {
  const folder = makeTempDir('spool')
  writeFileSync(join(folder, 'r0-i1-g0-1.seg'), 'x')
  writeFileSync(join(folder, 'r0-i1-g0-2.seg'), 'xy')
  const files = failingFiles(systemFiles, (call) => (call === 'stat' ? { errno: 'EIO' } : null))
  const { segments } = readFolder(systemFiles, folder)
  const unseen = new Set(segments.keys())
  expect(readFolder(files, folder, segments)).toEqual({ segments, unseen, bytes: 3 })
  expect(readFolder(files, folder)).toEqual({ segments: new Map(), unseen, bytes: 0 })
})

test('readFolder() throws where the folder cannot be read', () => {
  const folder = join(makeTempDir('spool'), 'gone')
  expect(() => readFolder(systemFiles, folder)).toThrow('ENOENT')
})
