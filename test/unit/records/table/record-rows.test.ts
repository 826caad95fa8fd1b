import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../../../src/records/record.ts'
import { addFeedback, addPrediction, microsOf } from '../../../../src/records/table/record-rows.ts'
import { FEEDBACK_SHAPE, shapeOf } from '../../../../src/records/table/shape.ts'
import { Table } from '../../../../src/records/table/table.ts'
import { manifestFeature, recordLayout } from '../../../helpers/record-layouts.ts'
import { predictionRecord } from '../../../helpers/records/prediction-records.ts'

const LAYOUT = recordLayout({
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 2] }],
  },
  manifest: {
    digest: '',
    task: 'other',
    features: [manifestFeature({ name: 'a' }), manifestFeature({ name: 'constructor', column: 1 })],
  },
})
const SHAPE = shapeOf(LAYOUT)

const rowsOf = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) =>
    Object.fromEntries(table.columns.map((column) => [column.name, column.valueAt(row)])),
  )
const predicted = (record: PredictionRecord) => {
  const table = new Table(SHAPE.specs)
  addPrediction(table, SHAPE, record)
  return rowsOf(table)
}

test('addPrediction() writes a row for each instance', () => {
  const instance = (a: number, score: number) => ({
    ...{ features: { a }, score, prediction: 'late', scores: { late: score, 'on time': 0 } },
    outputs: { p: [score, 1] },
  })
  const rows = predicted(
    predictionRecord({ rows: 2, isBatch: true, instances: [instance(1, 0.5), instance(2, 0.25)] }),
  )
  expect(rows.length).toBe(2)
  expect(rows[1]).toEqual({
    prediction_id: 'g7q2.1.0-3-1',
    request_id: null,
    time: BigInt(Date.UTC(2026, 0, 2, 3, 4, 5, 678)) * 1000n,
    endpoint: 'flights',
    model: 'flights',
    version: 3n,
    variant: 'v3',
    role: 'answer',
    epoch: 12n,
    revision: 4n,
    bucket: null,
    row: 1,
    rows: 2,
    status: 200,
    code: '',
    protocol: 'features',
    producer: 'g7q2.1.0-3',
    sequence: 1n,
    inclusion_probability: 1,
    trace_id: null,
    latency_ms: 1.5,
    decode_ms: 0.25,
    queue_ms: 0,
    compute_ms: null,
    features_omitted: '',
    score: 0.25,
    prediction: 'late',
    scores: '{"late":0.25,"on time":0}',
    f_a: 2,
    f_constructor: null,
    o_p: '[0.25,1]',
  })
})

test('addPrediction() writes one row for what has no instances', () => {
  const rows = predicted(
    predictionRecord({ role: 'refused', status: 503, code: 'QUEUE_FULL', rows: 7, instances: [] }),
  )
  expect(rows).toMatchObject([{ row: 0, rows: 7, score: null, f_a: null, role: 'refused' }])
})

test('addFeedback() writes a label as text, and as a number where it is one', () => {
  const table = new Table(FEEDBACK_SHAPE.specs)
  const of = { ofPredictionId: 'p', ofRequestId: null, row: -1, observedAtMs: 1000 }
  for (const label of [1.5, true, 'late', [1, 'x'], null]) {
    addFeedback(table, predictionRecord({ role: 'feedback', feedback: { ...of, label } }))
  }
  expect(rowsOf(table)).toMatchObject([
    { label: '1.5', label_number: 1.5, of_prediction_id: 'p', of_row: -1, observed_at: 1_000_000n },
    { label: 'true', label_number: 1 },
    { label: 'late', label_number: null },
    { label: '[1,"x"]', label_number: null },
    { label: null, label_number: null },
  ])
})

test('microsOf() believes no clock that is before 1970, or beyond what SQL can write', () => {
  expect([0, 1.5, -1, Number.NaN, 1e300].map(microsOf)).toEqual([
    ...[0, 1500, 0, 0, Date.UTC(9999, 11, 31) * 1000],
  ])
})
