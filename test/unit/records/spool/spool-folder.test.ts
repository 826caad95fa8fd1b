import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileCalls, systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { PatientLooks } from '../../../../src/records/spool/patient-looks.ts'
import { contentOf } from '../../../../src/records/spool/spool-folder.ts'
import { failingFiles } from '../../../helpers/failing-files.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const looksOf = (folder: string, files: FileCalls = systemFiles): PatientLooks =>
  new PatientLooks({ files, folder, monotonic: () => 0 })

const content = (folder: string) => contentOf(systemFiles.readdir(folder), looksOf(folder))

test('contentOf() counts the bytes of segments, and of nothing else', () => {
  const folder = makeTempDir('spool')
  const put = (name: string, bytes: number) =>
    writeFileSync(join(folder, name), new Uint8Array(bytes))
  put('r0-i1-g0-1.seg', 10)
  put('r1-i2-g0-1.seg', 20)
  put('r0-i1-g0-2.seg.tmp', 400)
  mkdirSync(join(folder, 'r0-i1-g0-3.seg'))
  expect(content(folder)).toEqual({
    segments: new Map([
      ['r0-i1-g0-1.seg', 10],
      ['r1-i2-g0-1.seg', 20],
    ]),
    unseen: new Set(),
    bytes: 30,
  })
})

test('contentOf() passes over a name that cannot be looked at: it must not stop the others', () => {
  const folder = makeTempDir('spool')
  symlinkSync('r0-i1-g0-1.seg', join(folder, 'r0-i1-g0-1.seg'))
  writeFileSync(join(folder, 'r0-i1-g0-2.seg'), 'x')
  expect(content(folder)).toMatchObject({ bytes: 1 })
})

test('contentOf() counts what it knew of a segment that cannot be looked at now', () => {
  const folder = makeTempDir('spool')
  writeFileSync(join(folder, 'r0-i1-g0-1.seg'), 'x')
  writeFileSync(join(folder, 'r0-i1-g0-2.seg'), 'xy')
  let isWell = true
  const files = failingFiles(systemFiles, (call) =>
    call === 'stat' && !isWell ? { errno: 'EIO' } : null,
  )
  const looks = looksOf(folder, files)
  const names = systemFiles.readdir(folder)
  const { segments } = contentOf(names, looks)
  const unseen = new Set(segments.keys())
  isWell = false
  expect(contentOf(names, looks)).toEqual({ segments, unseen, bytes: 3 })
  expect(contentOf(names, looksOf(folder, files))).toEqual({
    ...{ segments: new Map(), unseen, bytes: 0 },
  })
})
