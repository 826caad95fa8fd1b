import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { listRecordFiles } from '../../../src/cli/record-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const touch = (path: string): string => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  return path
}

test('listRecordFiles() of a folder that does not exist is empty', () => {
  expect(listRecordFiles(join(makeTempDir('files'), 'gone'))).toEqual({
    ...{ predictions: [], feedback: [], gaps: [] },
  })
})

test('listRecordFiles() finds Parquet files in partitions, and nothing else', () => {
  const folder = makeTempDir('files')
  const at = (path: string) => touch(join(folder, path))
  const second = at('endpoint=b/date=2026-01-02/hour=03/g-2.parquet')
  const first = at('endpoint=a.b/date=2026-01-02/hour=03/g-1.parquet')
  const label = at('endpoint=_feedback/date=2026-01-02/hour=03/g-1.parquet')
  at('endpoint=b/date=2026-01-02/hour=03/g-3.parquet.tmp')
  at('endpoint=b/date=2026-01-02/hour=03/.hidden')
  at('endpoint=b/g-4.parquet')
  at('_producers/g.0.0-1.json')
  const gap = at('_gaps/date=2026-01-02/hour=03/g-5.parquet')
  expect(listRecordFiles(folder)).toEqual({
    ...{ predictions: [first, second], feedback: [label], gaps: [gap] },
  })
})

test('listRecordFiles() says why a folder cannot be read', () => {
  const file = touch(join(makeTempDir('files'), 'file'))
  expect(() => listRecordFiles(file)).toThrow(/cannot be read: a part of its path is a file/)
})
