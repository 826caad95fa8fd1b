import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { RecordLines } from '../../../src/cli/record-line.ts'
import type { PredictionRecord } from '../../../src/records/record.ts'
import { predictionRecord } from '../../helpers/prediction-records.ts'

const line = (given: Partial<PredictionRecord>) =>
  stripVTControlCharacters(new RecordLines().lineOf(predictionRecord(given)))

const instance = (score: number | null, prediction: string | number | null) => ({
  instances: [{ features: {}, score, prediction }],
})

const feedback = { ofPredictionId: 'g.0.0-1-7', ofRequestId: null, row: -1, observedAtMs: 0 }

test.each<[Partial<PredictionRecord>, string]>([
  [{}, '0.106284 -> 0  4.4 ms'],
  [instance(1 / 3, 1 / 3), '0.333333 -> 0.3333333333333333  4.4 ms'],
  [instance(null, 'late'), 'late  4.4 ms'],
  [instance(null, null), 'raw outputs  4.4 ms'],
  [{ isBatch: true, rows: 12 }, '12 rows  4.4 ms'],
  [{ instances: [], featuresOmitted: 'policy' }, '1 row  4.4 ms'],
])('lineOf() an answer %#', (given, wanted) => {
  expect(line(given)).toBe(`2026-01-02T03:04:05.006Z  m  v1  answer  ${wanted}  g.0.0-1-1`)
})

test('lineOf() says why there is no answer', () => {
  const refused = { code: 'QUEUE_FULL', status: 503, variant: '', instances: [] }
  expect(line({ ...refused, role: 'refused', latencyMs: Number.NaN })).toMatch(
    /Z {2}m {4}refused {2}QUEUE_FULL 503 {4}g\.0\.0-1-1$/,
  )
  expect(line({ ...refused, role: 'failed', code: 'ABORTED', status: 0 })).toContain(
    ' ABORTED  4.4',
  )
})

test('lineOf() feedback says what of', () => {
  const role = 'feedback'
  expect(line({ role, feedback: { ...feedback, label: 1 } })).toContain('1 of g.0.0-1-7  ')
  const row = { ofPredictionId: null, ofRequestId: 'r', row: 2, label: 'late' }
  expect(line({ role, feedback: { ...feedback, ...row } })).toContain('late of request r row 2  ')
  const label = Array.from({ length: 100 }, () => 1)
  expect(line({ role, feedback: { ...feedback, label } })).toMatch(/ \[(1,)+1?… of g/)
})

test('lineOf() keeps columns aligned, and terminals as they are', () => {
  const lines = new RecordLines()
  const plain = (given: Partial<PredictionRecord>) =>
    stripVTControlCharacters(lines.lineOf(predictionRecord(given)))
  const first = plain({ endpoint: 'a-long-name' })
  const second = plain({ endpoint: 'm\u001b[2J' })
  expect(second.indexOf('v1')).toBe(first.indexOf('v1'))
  expect(second).not.toContain('\u001b')
})
