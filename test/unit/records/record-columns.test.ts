import { expect, test } from 'vitest'
import { FEEDBACK_COLUMNS, PREDICTION_COLUMNS } from '../../../src/records/record-columns.ts'
import { recordToJson } from '../../../src/records/record-json.ts'
import { predictionRecord } from '../../helpers/prediction-records.ts'

const names = (columns: typeof PREDICTION_COLUMNS): string[] => columns.map(({ name }) => name)

const instance = {
  features: { x: 1 },
  score: 1,
  prediction: 1,
  scores: { no: 0 },
  outputs: { y: 1 },
}

test('PREDICTION_COLUMNS are called as the fields of JSON', () => {
  const fields = Object.keys(recordToJson(predictionRecord({ instances: [instance] })))
  const inFiles = names(PREDICTION_COLUMNS).filter((name) => name !== 'row')
  expect([...inFiles, 'features', 'outputs'].sort()).toEqual(fields.sort())
})

test('FEEDBACK_COLUMNS are called as the fields of JSON', () => {
  const feedback = { ofPredictionId: 'g-1', ofRequestId: null, row: -1, label: 1, observedAtMs: 0 }
  const fields = Object.keys(recordToJson(predictionRecord({ instances: [], feedback })))
  const inFiles = names(FEEDBACK_COLUMNS).filter((name) => name !== 'label_number')
  expect(fields).toEqual(expect.arrayContaining(inFiles))
})
