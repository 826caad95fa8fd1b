/** Records as rows of a table: the way of every record that none of the fast ones takes. */

import type { PredictionRecord, RecordedInstance, RecordValue } from '../record.ts'
import { recordValues } from '../record-columns.ts'
import { FEEDBACK_SPECS, PREDICTION_SPECS, type Shape } from './shape.ts'
import type { Table } from './table.ts'
import { jsonOf, putValue, textOf } from './value.ts'

/** Later, and in years that SQL can write: what a broken clock says is not believed. */
const TIME_MS_MAX = Date.UTC(9999, 11, 31)

/** Milliseconds since 1970 as a time can be: 0 for what is none, or before. */
export const boundedTimeMs = (timeMs: number): number =>
  timeMs >= 0 ? Math.min(timeMs, TIME_MS_MAX) : 0

/** Microseconds since 1970. */
export const microsOf = (timeMs: number): number => Math.round(boundedTimeMs(timeMs) * 1000)

type Values = Readonly<Record<string, RecordValue>>

const commonOf = (record: PredictionRecord): Values =>
  recordValues(record, record.requestId, microsOf(record.timeMs))

const answerOf = (instance: RecordedInstance | undefined, row: number): Values => {
  const { score = null, prediction = null, scores } = instance ?? {}
  return {
    row,
    score: typeof score === 'number' || typeof score === 'bigint' ? Number(score) : null,
    prediction: prediction === null ? null : textOf(prediction),
    scores: scores === undefined ? null : jsonOf(scores),
  }
}

const feedbackOf = (record: PredictionRecord): Values => {
  const { feedback } = record
  const label = feedback?.label ?? null
  return {
    ...commonOf(record),
    of_prediction_id: feedback?.ofPredictionId ?? null,
    of_request_id: feedback?.ofRequestId ?? null,
    of_row: feedback?.row ?? null,
    label: label === null ? null : textOf(label),
    label_number: ['number', 'boolean', 'bigint'].includes(typeof label) ? Number(label) : null,
    observed_at: feedback === null ? null : microsOf(feedback.observedAtMs),
  }
}

/** One row for a record of feedback. */
export const addFeedback = (table: Table, record: PredictionRecord): void => {
  const values = feedbackOf(record)
  const row = table.addRows(1)
  for (const [index, { name }] of FEEDBACK_SPECS.entries()) {
    putValue(table.columns[index]!, row, values[name])
  }
}

/** One row for each instance of a prediction, one where there is none. */
export const addPrediction = (table: Table, shape: Shape, record: PredictionRecord): void => {
  const { columns } = table
  const common = commonOf(record)
  const count = Math.max(1, record.instances.length)
  const first = table.addRows(count)
  for (let i = 0; i < count; i++) {
    const row = first + i
    const instance = record.instances[i]
    const values: Values = { ...common, ...answerOf(instance, i) }
    for (const [index, { name }] of PREDICTION_SPECS.entries()) {
      putValue(columns[index]!, row, values[name])
    }
    for (const { column, key } of shape.features) {
      putValue(columns[column]!, row, own(instance?.features, key))
    }
    for (const { column, key } of shape.outputs) {
      putValue(columns[column]!, row, own(instance?.outputs, key))
    }
  }
}

/** A feature may be called `constructor`. */
const own = (values: Values | undefined, key: string): RecordValue | undefined =>
  values !== undefined && Object.hasOwn(values, key) ? values[key] : undefined
