import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../../src/records/record.ts'
import { jsonValue, recordToJson } from '../../../src/records/record-json.ts'

const RECORD: PredictionRecord = {
  ...{ predictionId: 'gw.1.0-7-9', requestId: 'r-1', timeMs: 1_764_217_355_123.9 },
  ...{ endpoint: 'flights', model: 'flights', version: 3, variant: 'v3', role: 'answer' },
  ...{ epoch: 12, revision: 4, bucket: 17, protocol: 'features', status: 200, code: '' },
  ...{ producer: 'gw.1.0-7', sequence: 9, inclusionProbability: 0.5 },
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  ...{ latencyMs: 1.5, decodeMs: 0.1, queueMs: 0.2, computeMs: 0.3, rows: 1, isBatch: false },
  featuresOmitted: '',
  instances: [
    {
      features: { delay: 3, carrier: 'AA', seen: null, wide: 2n ** 60n, odd: Number.NaN },
      ...{ score: 0.75, prediction: 'late', scores: { late: 0.75, early: 0.25 } },
      outputs: { p: [0.75, Number.NEGATIVE_INFINITY] },
    },
  ],
  feedback: null,
}

test('a record is one flat object', () => {
  expect(recordToJson(RECORD)).toEqual({
    ...{ prediction_id: 'gw.1.0-7-9', request_id: 'r-1', time: '2025-11-27T04:22:35.123Z' },
    ...{ endpoint: 'flights', model: 'flights', version: 3, variant: 'v3', role: 'answer' },
    ...{ epoch: 12, revision: 4, bucket: 17, rows: 1, status: 200, code: '' },
    ...{ protocol: 'features', producer: 'gw.1.0-7', sequence: 9, inclusion_probability: 0.5 },
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    ...{ latency_ms: 1.5, decode_ms: 0.1, queue_ms: 0.2, compute_ms: 0.3, features_omitted: '' },
    features: { delay: 3, carrier: 'AA', seen: null, wide: `${2n ** 60n}`, odd: 'NaN' },
    ...{ score: 0.75, prediction: 'late', scores: { late: 0.75, early: 0.25 } },
    outputs: { p: [0.75, '-Infinity'] },
  })
})

test('a list has its rows in `instances`, be it of one', () => {
  const json = recordToJson({ ...RECORD, isBatch: true })
  expect(json).toMatchObject({ instances: [{ score: 0.75, prediction: 'late' }] })
  expect(json).not.toHaveProperty('features')
})

test('what is not known is null, or absent where it is of a row', () => {
  const refused: PredictionRecord = {
    ...RECORD,
    ...{ role: 'refused', requestId: null, bucket: -1, traceId: '', instances: [] },
    ...{ latencyMs: Number.NaN, decodeMs: Number.NaN, queueMs: Number.NaN, timeMs: Number.NaN },
  }
  const json = recordToJson(refused)
  expect(json).toMatchObject({
    ...{ request_id: 'gw.1.0-7-9', bucket: null, trace_id: null, time: null, latency_ms: null },
    ...{ decode_ms: null, queue_ms: null, compute_ms: 0.3 },
  })
  for (const name of ['features', 'score', 'instances', 'label'])
    expect(json).not.toHaveProperty(name)
})

test('feedback says of what, and when', () => {
  const feedback = {
    ...{ ofPredictionId: 'gw.1.0-7-9', ofRequestId: null, row: -1, label: [1, 'late'] },
    observedAtMs: 0,
  }
  expect(recordToJson({ ...RECORD, role: 'feedback', instances: [], feedback })).toMatchObject({
    ...{ of_prediction_id: 'gw.1.0-7-9', of_request_id: null, of_row: -1, label: [1, 'late'] },
    observed_at: '1970-01-01T00:00:00.000Z',
  })
})

test('the request id is what the answer said; feedback says none that it had not', () => {
  const said = (more: object) => recordToJson({ ...RECORD, ...more }).request_id
  expect(said({})).toBe('r-1')
  expect(said({ requestId: null })).toBe(RECORD.predictionId)
  expect(said({ requestId: null, role: 'feedback' })).toBeNull()
})

test('jsonValue() has something for what JSON has not', () => {
  expect([Number.NaN, Number.POSITIVE_INFINITY, -0, 5n, [null, [true]]].map(jsonValue)).toEqual([
    ...['NaN', 'Infinity', -0, '5', [null, [true]]],
  ])
})
