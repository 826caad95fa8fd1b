import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  allFiles,
  literalGlob,
  type RecordFiles,
  viewStatements,
} from '../../../src/records/query-views.ts'
import { FEEDBACK_COLUMNS, PREDICTION_COLUMNS } from '../../../src/records/record-columns.ts'
import {
  openDuckDb,
  writeFeedback,
  writeGaps,
  writePredictions,
} from '../../helpers/parquet-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const NOTHING: RecordFiles = { predictions: [], feedback: [], gaps: [] }

/** Patterns of a folder that has no gaps. */
const filesOf = (folder: string): RecordFiles => ({ ...allFiles(folder), gaps: [] })

/** What a query answers over the views of these files. */
const ask = async (sql: string, files: RecordFiles) => {
  const connection = await openDuckDb()
  for (const statement of viewStatements(files, 'sorted out')) await connection.run(statement)
  return (await connection.runAndReadAll(sql)).getRowObjectsJson()
}

test('viewStatements() without files makes views that have their columns', async () => {
  for (const name of ['records', 'predictions', 'shadows', 'feedback', 'gaps']) {
    expect(await ask(`FROM ${name}`, NOTHING)).toEqual([])
  }
  const columnsOf = async (name: string) =>
    (await ask(`SELECT column_name, column_type FROM (DESCRIBE ${name})`, NOTHING)).map(
      ({ column_name, column_type }) => [column_name, column_type],
    )
  const pairs = (columns: typeof PREDICTION_COLUMNS) => columns.map((one) => [one.name, one.type])
  const partitions = [
    ['date', 'DATE'],
    ['hour', 'INTEGER'],
  ]
  expect(await columnsOf('predictions')).toEqual([...pairs(PREDICTION_COLUMNS), ...partitions])
  expect(await columnsOf('feedback')).toEqual(pairs(FEEDBACK_COLUMNS))
})

test('viewStatements() has a file in the columns that none has without one', async () => {
  const folder = makeTempDir('views')
  await writePredictions(folder, '1.parquet', [{}])
  await writeFeedback(folder, '1.parquet', [{}])
  for (const name of ['predictions', 'feedback']) {
    const describe = `SELECT column_name, column_type FROM (DESCRIBE ${name})`
    expect(await ask(describe, filesOf(folder))).toEqual(await ask(describe, NOTHING))
  }
})

test('viewStatements() tells roles apart, and feedback from all of them', async () => {
  const folder = makeTempDir('views')
  await writePredictions(folder, '1.parquet', [
    { sequence: 1 },
    { sequence: 1, role: 'shadow' },
    { sequence: 2, role: 'refused' },
    { sequence: 3, role: 'failed' },
  ])
  await writeFeedback(folder, '1.parquet', [{ sequence: 4, of_prediction_id: 'g.0.0-1-1' }])
  const roles = async (view: string) =>
    (await ask(`SELECT role FROM ${view} ORDER BY ALL`, filesOf(folder))).map(({ role }) => role)
  expect(await roles('predictions')).toEqual(['answer', 'failed', 'refused'])
  expect(await roles('shadows')).toEqual(['shadow'])
  expect(await roles('records')).toEqual(['answer', 'failed', 'refused', 'shadow'])
  expect(await roles('feedback')).toEqual(['feedback'])
})

test('viewStatements() has the request id that the answer said, of all but feedback', async () => {
  const folder = makeTempDir('views')
  const own = { prediction_id: 'g.0.0-1-2', sequence: 2, request_id: null }
  await writePredictions(folder, '1.parquet', [{ sequence: 1, request_id: 'r-1' }, own])
  await writeFeedback(folder, '1.parquet', [{ sequence: 4, request_id: null }])
  const idsOf = (view: string) =>
    ask(`SELECT request_id FROM ${view} ORDER BY "sequence"`, filesOf(folder))
  expect(await idsOf('predictions')).toEqual([{ request_id: 'r-1' }, { request_id: 'g.0.0-1-2' }])
  expect(await idsOf('feedback')).toEqual([{ request_id: null }])
})

test('viewStatements() puts features of all endpoints side by side', async () => {
  const folder = makeTempDir('views')
  await writePredictions(folder, '1.parquet', [{ endpoint: 'm', f_a: 1.5, f_b: true }])
  const other = 'endpoint=123/date=2026-01-03/hour=04'
  await writePredictions(
    folder,
    '1.parquet',
    [{ sequence: 2, endpoint: '123', f_a: 'x', f_c: 2 }],
    other,
  )
  const sql = 'SELECT endpoint, date, hour, f_a, f_b, f_c FROM predictions ORDER BY endpoint'
  expect(await ask(sql, { ...filesOf(folder), feedback: [] })).toEqual([
    { endpoint: '123', date: '2026-01-03', hour: 4, f_a: 'x', f_b: null, f_c: 2 },
    { endpoint: 'm', date: '2026-01-02', hour: 3, f_a: '1.5', f_b: true, f_c: null },
  ])
})

test('viewStatements() has each row once, whatever files hold it', async () => {
  const folder = makeTempDir('views')
  const rows = [{ sequence: 1 }, { sequence: 1, row: 1 }, { sequence: 1, role: 'shadow' }]
  await writePredictions(folder, '1.parquet', rows)
  await writePredictions(folder, '2.parquet', [...rows, { sequence: 2 }])
  await writeFeedback(folder, '1.parquet', [{ sequence: 9 }])
  await writeFeedback(folder, '2.parquet', [{ sequence: 9 }])
  const sql = 'SELECT (SELECT count(*) FROM records) AS r, (SELECT count(*) FROM feedback) AS f'
  expect(await ask(sql, filesOf(folder))).toEqual([{ r: '4', f: '1' }])
})

test('viewStatements() reads folders whatever they are called', async () => {
  for (const name of ["it's", 'a[b]c', 'a*b?', 'a b%20']) {
    const folder = join(makeTempDir('views'), name)
    mkdirSync(folder)
    const file = await writePredictions(folder, '1.parquet', [{}])
    const listed = { ...NOTHING, predictions: [literalGlob(file)] }
    for (const files of [{ ...filesOf(folder), feedback: [] }, listed]) {
      expect(await ask('SELECT count(*) AS n FROM records', files)).toEqual([{ n: '1' }])
    }
  }
})

test('viewStatements() has gaps, each once', async () => {
  const folder = makeTempDir('views')
  await writeGaps(folder, 'g-1.parquet', [{ producer: 'p', first: 1, last: 3, reason: 'sampled' }])
  await writeGaps(folder, 'g-2.parquet', [
    { producer: 'p', first: 1, last: 3, reason: 'sampled' },
    { producer: 'p', first: 7, last: 7, reason: 'ring_full' },
  ])
  const files = { ...NOTHING, gaps: allFiles(folder).gaps }
  const sql = 'SELECT sum(last - first + 1)::INT AS n, count(*)::INT AS runs FROM gaps'
  expect(await ask(sql, files)).toEqual([{ n: 4, runs: 2 }])
})
