import { expect, test } from 'vitest'
import {
  duplicatesStatement,
  filesInCompany,
  partitionOf,
  withoutReplaced,
} from '../../../src/records/query-duplicates.ts'
import { literalGlob, viewStatements } from '../../../src/records/query-views.ts'
import {
  openDuckDb,
  writeFeedback,
  writeGaps,
  writePredictions,
} from '../../helpers/parquet-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

test('filesInCompany() are those that share their folder', () => {
  expect(filesInCompany(['/r/h=1/a', '/r/h=1/b', '/r/h=2/a', '/r/h=3/c', '/r/h=3/d'])).toEqual([
    '/r/h=1/a',
    '/r/h=1/b',
    '/r/h=3/c',
    '/r/h=3/d',
  ])
  expect(filesInCompany([])).toEqual([])
})

test('partitionOf() is the same wherever the partition lies', () => {
  const place = 'endpoint=m/date=2026-01-02/hour=03'
  expect(partitionOf(`/r/endpoint=x/${place}/g-1.parquet`)).toBe(place)
  expect(partitionOf(`/tmp/y/${place}/spool-1.parquet.unfinished`)).toBe(place)
  expect(partitionOf('/r/_gaps/date=2026-01-02/hour=03/g-1.parquet')).toBe(
    '_gaps/date=2026-01-02/hour=03',
  )
  expect(partitionOf('/r/g-1.parquet')).toBe('')
})

test('withoutReplaced() leaves out what another file of the same folder has', () => {
  const files = ['/r/h=1/a', '/r/h=1/b', '/r/h=1/c', '/r/h=2/a']
  const replaced = new Map([['/r/h=1/c', ['a', 'b', 'gone']]])
  expect(withoutReplaced(files, replaced)).toEqual(['/r/h=1/c', '/r/h=2/a'])
})

test('duplicatesStatement() lists of each row all but one', async () => {
  const folder = makeTempDir('twice')
  const predictions = [
    await writePredictions(folder, "it's.parquet", [
      { sequence: 1 },
      { sequence: 2, f_x: 1 },
      { sequence: 2, row: 1 },
    ]),
    await writePredictions(folder, 'b[1].parquet', [
      { sequence: 2, f_x: 1 },
      { sequence: 2, row: 1 },
      { sequence: 2, role: 'shadow' },
      { sequence: 3 },
    ]),
    await writePredictions(folder, 'c.parquet', [
      { sequence: 2, f_x: 1 },
      { sequence: 2, producer: 'q' },
    ]),
  ]
  const label = { sequence: 9, label: 'late' }
  const feedback = [
    await writeFeedback(folder, '1.parquet', [label, { sequence: 10 }]),
    await writeFeedback(folder, '2.parquet', [label]),
  ]
  const gap = { producer: 'p', first: 1, last: 3, reason: 'sampled' }
  const gaps = [
    await writeGaps(folder, '1.parquet', [gap]),
    await writeGaps(folder, '2.parquet', [gap, { ...gap, first: 7, last: 9 }]),
  ]
  const connection = await openDuckDb()
  await connection.run(duplicatesStatement({ predictions, feedback, gaps }))
  const patterns = {
    predictions: predictions.map(literalGlob),
    ...{ feedback: feedback.map(literalGlob), gaps: gaps.map(literalGlob) },
  }
  for (const statement of viewStatements(patterns, 'listed')) await connection.run(statement)
  const read = async (sql: string) =>
    (await connection.runAndReadAll(sql))
      .getRowsJson()
      .map((row) => row.join(' '))
      .sort()
  expect(await read('SELECT producer, "sequence", role, "row" FROM records')).toEqual([
    'g.0.0-1 1 answer 0',
    'g.0.0-1 2 answer 0',
    'g.0.0-1 2 answer 1',
    'g.0.0-1 2 shadow 0',
    'g.0.0-1 3 answer 0',
    'q 2 answer 0',
  ])
  expect(await read('SELECT "sequence" FROM feedback')).toEqual(['10', '9'])
  expect(await read('SELECT "first" FROM gaps')).toEqual(['1', '7'])
})
