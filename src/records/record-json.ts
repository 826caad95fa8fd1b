/**
 * The JSON form of a record: one flat object, whose names are those of the columns of the Parquet
 * files. Documented in docs/guides/records.md.
 */

import type { Feedback, PredictionRecord, RecordedInstance, RecordValue } from './record.ts'
import { recordValues } from './record-columns.ts'

export type JsonValue = number | string | boolean | null | readonly JsonValue[]

/** What JSON has not: NaN and infinities become their names, wide integers their digits. */
export const jsonValue = (value: RecordValue): JsonValue => {
  if (typeof value === 'bigint') return `${value}`
  if (typeof value === 'number') return Number.isFinite(value) ? value : `${value}`
  return typeof value === 'object' && value !== null ? value.map(jsonValue) : value
}

type JsonValues = Readonly<Record<string, JsonValue>>

const jsonValues = (values: Readonly<Record<string, RecordValue>>): JsonValues =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, jsonValue(value)]))

/** One row: `features`, `score`, `prediction`, and where there are any `scores` and `outputs`. */
interface InstanceJson {
  readonly features: JsonValues
  readonly score: JsonValue
  readonly prediction: JsonValue
  readonly scores?: JsonValues
  readonly outputs?: JsonValues
}

const instanceJson = (instance: RecordedInstance): InstanceJson => {
  const { features, score, prediction, scores, outputs } = instance
  return {
    features: jsonValues(features),
    score: jsonValue(score),
    prediction: jsonValue(prediction),
    ...(scores === undefined ? {} : { scores: jsonValues(scores) }),
    ...(outputs === undefined ? {} : { outputs: jsonValues(outputs) }),
  }
}

const feedbackJson = (feedback: Feedback) => ({
  of_prediction_id: feedback.ofPredictionId,
  of_request_id: feedback.ofRequestId,
  of_row: feedback.row,
  label: jsonValue(feedback.label),
  observed_at: timeText(feedback.observedAtMs),
})

/** RFC 3339 in UTC, to the millisecond; null for what no clock can say. */
const timeText = (ms: number): string | null => {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** As the answer said it: of a request without an id, that of the prediction. */
const saidRequestId = ({ requestId, role, predictionId }: PredictionRecord): string | null =>
  requestId ?? (role === 'feedback' ? null : predictionId)

/**
 * A record for `JSON.stringify`. A request that was a list has its rows in `instances`; another has
 * the fields of its one row beside the others, if anything is known of it.
 */
export const recordToJson = (record: PredictionRecord) => ({
  ...recordValues(record, saidRequestId(record), timeText(record.timeMs)),
  ...(record.feedback === null ? {} : feedbackJson(record.feedback)),
  ...rowsJson(record),
})

const rowsJson = ({ isBatch, instances }: PredictionRecord) => {
  if (isBatch) return { instances: instances.map(instanceJson) }
  const [only] = instances
  return only === undefined ? {} : instanceJson(only)
}
