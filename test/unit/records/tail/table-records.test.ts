import { expect, test } from 'vitest'
import { readTable, withRecordsFile } from '../../../../src/records/file-source.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { recordsOf } from '../../../../src/records/tail/table-records.ts'
import { type RecordRow, writeFeedback, writePredictions } from '../../../helpers/parquet-files.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const read = async (path: string, isWanted: Parameters<typeof recordsOf>[1] = () => true) => [
  ...recordsOf(await withRecordsFile(systemFiles, path, readTable), isWanted),
]

const written = async (rows: readonly RecordRow[]) =>
  read(await writePredictions(makeTempDir('rows'), 'g-1.parquet', rows))

test('recordsOf() puts the rows of a request together', async () => {
  const row = { rows: 2, f_x: 1.5, f_t: 'a', o_p: 0.25, score: 0.25, scores: '{"no":0.75}' }
  const records = await written([
    { ...row, sequence: 1, prediction: '1' },
    { ...row, sequence: 1, row: 1, f_x: null, prediction: 'late' },
    { ...row, sequence: 2, rows: 1, prediction: '1.5' },
  ])
  const instance = { features: { x: 1.5, t: 'a' }, score: 0.25, scores: { no: 0.75 } }
  expect(records).toMatchObject([
    {
      ...{ predictionId: 'g.0.0-1-1', isBatch: true, timeMs: Date.UTC(2026, 0, 2, 3) },
      instances: [
        { ...instance, prediction: 1, outputs: { p: 0.25 } },
        { ...instance, features: { x: null, t: 'a' }, prediction: 'late' },
      ],
      feedback: null,
    },
    { predictionId: 'g.0.0-1-2', isBatch: false, instances: [{ prediction: 1.5 }] },
  ])
})

test('recordsOf() knows what a record does not say', async () => {
  const [refused] = await written([
    { role: 'refused', rows: 0, code: 'INPUT_MISSING', f_x: null, bucket: null, trace_id: null },
  ])
  expect(refused).toMatchObject({
    ...{ role: 'refused', code: 'INPUT_MISSING', bucket: -1, traceId: '', requestId: null },
    ...{ queueMs: Number.NaN, instances: [], rows: 0 },
  })
})

test('recordsOf() gives only what is wanted', async () => {
  const path = await writePredictions(makeTempDir('rows'), 'g-1.parquet', [
    { sequence: 1, variant: 'v1' },
    { sequence: 2, variant: 'v2' },
  ])
  const found = await read(path, ({ variant }) => variant === 'v2')
  expect(found.map(({ sequence }) => sequence)).toEqual([2])
})

test('recordsOf() gives feedback, its label as it was', async () => {
  const folder = makeTempDir('rows')
  const common = { observed_at: '2026-01-02 04:00:00', of_prediction_id: 'g.0.0-1-1' }
  await writeFeedback(folder, 'g-1.parquet', [
    { ...common, sequence: 1, of_row: 2, label: '1', label_number: 1 },
    { ...common, sequence: 2, of_row: -1, label: '1' },
    { ...common, sequence: 3, of_row: -1, label: 'true', label_number: 1 },
    { ...common, sequence: 4, of_row: -1, label: '[1,0]' },
  ])
  const path = `${folder}/endpoint=_feedback/date=2026-01-02/hour=03/g-1.parquet`
  const records = await read(path)
  expect(records.map(({ feedback }) => feedback?.label)).toEqual([1, '1', true, [1, 0]])
  expect(records[0]).toMatchObject({
    role: 'feedback',
    feedback: {
      ...{ ofPredictionId: 'g.0.0-1-1', ofRequestId: null, row: 2 },
      observedAtMs: Date.UTC(2026, 0, 2, 4),
    },
  })
})
