import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTable, withRecordsFile } from '../../../../src/records/file-source.ts'
import type { PredictionRecord } from '../../../../src/records/record.ts'
import { recordToJson } from '../../../../src/records/record-json.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { addPrediction } from '../../../../src/records/table/record-rows.ts'
import { shapeOf } from '../../../../src/records/table/shape.ts'
import { Table } from '../../../../src/records/table/table.ts'
import { recordsOf } from '../../../../src/records/tail/table-records.ts'
import { ROLE } from '../../../../src/records/write-facts.ts'
import { writePlanOf } from '../../../../src/records/write-plan.ts'
import { type RecordRow, writeFeedback, writePredictions } from '../../../helpers/parquet-files.ts'
import { featureCase } from '../../../helpers/record-cases.ts'
import { readAll, recordRig, setFacts } from '../../../helpers/record-rig.ts'
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

/**
 * The JSON form, but for what columns cannot tell (labels that are texts of numbers, lists of
 * outputs); half of a surrogate pair becomes U+FFFD.
 */
const shown = (record: PredictionRecord): unknown => {
  const instances = record.instances.map(({ outputs: _, ...instance }) => ({
    ...instance,
    prediction: null,
  }))
  const json = JSON.stringify(recordToJson({ ...record, instances }))
  return JSON.parse(json, (_, value) => (typeof value === 'string' ? value.toWellFormed() : value))
}

/** Records of requests with features of all types, as the spool has them. */
const spooledRecord = fc
  .tuple(featureCase, fc.constantFrom('answer' as const, 'failed' as const))
  .map(([given, role]) => {
    const { writer, facts, take } = recordRig()
    setFacts(facts, given)
    Object.assign(facts, { sequence: writer.takeSequence(), role: ROLE[role], latencyMs: 1.5 })
    facts.isBatch = given.rows > 1
    writer.write(writePlanOf(given.layout), facts)
    return { layout: given.layout, record: readAll(take(), [given.layout]).records[0]! }
  })

test('recordsOf() is the way back from the rows that the file sink makes', () => {
  fc.assert(
    fc.property(spooledRecord, ({ layout, record }) => {
      const shape = shapeOf(layout)
      const table = new Table(shape.specs)
      addPrediction(table, shape, record)
      const [found] = recordsOf(table, () => true)
      expect(shown(found!)).toEqual(shown(record))
    }),
  )
})
