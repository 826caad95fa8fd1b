import { utimesSync } from 'node:fs'
import { expect, test } from 'vitest'
import { queriedFiles } from '../../../src/cli/query-files.ts'
import { writePredictions } from '../../helpers/parquet-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const HOUR = 'endpoint=m/date=2026-01-02/hour=03'

const find = (path: string, sinceMs = 0) => {
  const place = { path, stateDir: null, spool: null }
  return queriedFiles({ place, sinceMs, isOver: () => false }, makeTempDir('temporary'))
}

const replacing = (...names: readonly string[]) => ({
  'sluice.replaces.1': JSON.stringify(names),
})

test('queriedFiles() leaves out what another file has in its place', async () => {
  const path = makeTempDir('files')
  await writePredictions(path, 'g-1.parquet', [{ sequence: 1 }])
  const second = await writePredictions(path, 'g-2.parquet', [{ sequence: 2 }])
  await writePredictions(path, 'g-3.parquet', [{ sequence: 3 }])
  const merged = await writePredictions(
    ...([path, 'g-4.parquet', [{ sequence: 1 }, { sequence: 3 }], HOUR] as const),
    replacing('g-1.parquet', 'g-3.parquet'),
  )
  const { files, suspects, folders } = await find(path)
  expect(files).toEqual({ predictions: [second, merged], feedback: [], gaps: [] })
  expect(suspects).toEqual({ predictions: [], feedback: [], gaps: [] })
  expect(folders[0]).toBe(path)
})

test('queriedFiles() leaves it out however long it lies there already, by what is replaced too', async () => {
  const path = makeTempDir('files')
  await writePredictions(path, 'g-1.parquet', [{ sequence: 1 }])
  const first = replacing('g-1.parquet')
  const replaced = await writePredictions(path, 'g-2.parquet', [{ sequence: 1 }], HOUR, first)
  const second = replacing('g-2.parquet')
  const merged = await writePredictions(path, 'g-3.parquet', [{ sequence: 1 }], HOUR, second)
  utimesSync(replaced, 1000, 1000)
  utimesSync(merged, 1000, 1000)
  await writePredictions(path, 'g-9.parquet', [{ sequence: 9 }], HOUR.replace('03', '04'))
  expect((await find(path, Date.UTC(2026, 0, 2, 3))).files.predictions[0]).toBe(merged)
})

test('queriedFiles() leaves out hours that ended before', async () => {
  const path = makeTempDir('files')
  await writePredictions(path, 'g-1.parquet', [{ sequence: 1 }])
  const later = await writePredictions(
    ...([path, 'g-2.parquet', [{ sequence: 2 }]] as const),
    'endpoint=m/date=2026-01-02/hour=04',
  )
  const { files } = await find(path, Date.UTC(2026, 0, 2, 4, 30))
  expect(files.predictions).toEqual([later])
})
