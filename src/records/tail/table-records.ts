/** Rows of a Parquet file as records again: the way back from the columns of the file sink. */

import type { RecordRole } from '../../shared/record-policy.ts'
import type {
  FeaturesOmitted,
  Feedback,
  PredictionRecord,
  RecordedInstance,
  RecordValue,
} from '../record.ts'
import type { Column } from '../table/column.ts'
import type { Table } from '../table/table.ts'
import type { FilteredFacts } from './record-filter.ts'

type Columns = ReadonlyMap<string, Column>

const FEATURE = 'f_'
const OUTPUT = 'o_'

const cellOf = (columns: Columns, name: string, row: number) =>
  columns.get(name)?.valueAt(row) ?? null

const text = (columns: Columns, name: string, row: number): string =>
  String(cellOf(columns, name, row) ?? '')

const textOrNull = (columns: Columns, name: string, row: number): string | null => {
  const value = cellOf(columns, name, row)
  return value === null ? null : String(value)
}

const number = (columns: Columns, name: string, row: number, absent: number): number => {
  const value = cellOf(columns, name, row)
  return value === null ? absent : Number(value)
}

/** Microseconds as milliseconds. */
const timeMs = (columns: Columns, name: string, row: number): number =>
  number(columns, name, row, 0) / 1000

/** Integers that a double holds are numbers, as in the record. */
const plainValue = (value: ReturnType<Column['valueAt']>): RecordValue => {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const prefixed = (columns: Columns, prefix: string, row: number): Record<string, RecordValue> =>
  Object.fromEntries(
    [...columns]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, column]) => [name.slice(prefix.length), plainValue(column.valueAt(row))]),
  )

/** A list, a number or a truth value that a text holds; else the text. */
const parsed = (value: string | null): RecordValue => {
  if (value === null) return null
  try {
    return JSON.parse(value) as RecordValue
  } catch {
    return value
  }
}

/** A whole number is one, whatever the model called it; a text of a label stays a text. */
const predictionOf = (columns: Columns, row: number): RecordValue => {
  const value = textOrNull(columns, 'prediction', row)
  return value !== null && /^(-?\d+(\.\d+)?(e[+-]?\d+)?|true|false)$/.test(value)
    ? parsed(value)
    : value
}

/** Null where nothing is known of the row. */
const instanceOf = (columns: Columns, row: number): RecordedInstance | null => {
  const scores = textOrNull(columns, 'scores', row)
  const outputs = prefixed(columns, OUTPUT, row)
  const features = prefixed(columns, FEATURE, row)
  const score = plainValue(cellOf(columns, 'score', row))
  const prediction = predictionOf(columns, row)
  const values = [score, prediction, scores, ...Object.values(features), ...Object.values(outputs)]
  if (values.every((value) => value === null)) return null
  return {
    ...{ features, score, prediction },
    ...(scores === null ? {} : { scores: JSON.parse(scores) }),
    ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
  }
}

const feedbackOf = (columns: Columns, row: number): Feedback => {
  const label = textOrNull(columns, 'label', row)
  const isNumber = cellOf(columns, 'label_number', row) !== null
  return {
    ofPredictionId: textOrNull(columns, 'of_prediction_id', row),
    ofRequestId: textOrNull(columns, 'of_request_id', row),
    row: number(columns, 'of_row', row, -1),
    label: isNumber || label?.startsWith('[') === true ? parsed(label) : label,
    observedAtMs: timeMs(columns, 'observed_at', row),
  }
}

/** What a record has beside its instances. */
const headOf = (columns: Columns, row: number) => ({
  predictionId: text(columns, 'prediction_id', row),
  requestId: textOrNull(columns, 'request_id', row),
  timeMs: timeMs(columns, 'time', row),
  endpoint: text(columns, 'endpoint', row),
  model: text(columns, 'model', row),
  version: number(columns, 'version', row, 0),
  variant: text(columns, 'variant', row),
  role: text(columns, 'role', row) as RecordRole,
  epoch: number(columns, 'epoch', row, 0),
  revision: number(columns, 'revision', row, 0),
  bucket: number(columns, 'bucket', row, -1),
  protocol: text(columns, 'protocol', row),
  status: number(columns, 'status', row, 0),
  code: text(columns, 'code', row),
  producer: text(columns, 'producer', row),
  sequence: number(columns, 'sequence', row, 0),
  inclusionProbability: number(columns, 'inclusion_probability', row, 1),
  traceId: text(columns, 'trace_id', row),
  latencyMs: number(columns, 'latency_ms', row, Number.NaN),
  decodeMs: number(columns, 'decode_ms', row, Number.NaN),
  queueMs: number(columns, 'queue_ms', row, Number.NaN),
  computeMs: number(columns, 'compute_ms', row, Number.NaN),
  rows: number(columns, 'rows', row, 0),
  featuresOmitted: text(columns, 'features_omitted', row) as FeaturesOmitted,
})

const factsOf = (columns: Columns, row: number): FilteredFacts => ({
  endpoint: text(columns, 'endpoint', row),
  variant: text(columns, 'variant', row),
  role: text(columns, 'role', row) as RecordRole,
  code: text(columns, 'code', row),
  timeMs: timeMs(columns, 'time', row),
})

/** Rows behind `from` that belong to the same record: they follow each other, by their index. */
const rowsFrom = (columns: Columns, from: number, rows: number): number => {
  const id = text(columns, 'prediction_id', from)
  let to = from + 1
  while (
    to < rows &&
    number(columns, 'row', to, 0) === to - from &&
    text(columns, 'prediction_id', to) === id
  ) {
    to++
  }
  return to
}

/**
 * The records of a file that are wanted, in its order. What columns cannot tell is guessed: a
 * request of one row was no list, and lists of a row are texts of JSON.
 */
export function* recordsOf(
  table: Table,
  isWanted: (facts: FilteredFacts) => boolean,
): Generator<PredictionRecord> {
  const columns: Columns = new Map(table.columns.map((column) => [column.name, column]))
  const isFeedback = columns.has('of_prediction_id')
  for (let row = 0; row < table.rows; ) {
    const end = rowsFrom(columns, row, table.rows)
    if (isWanted(factsOf(columns, row))) {
      const head = headOf(columns, row)
      const rows = Array.from({ length: end - row }, (_, index) => instanceOf(columns, row + index))
      yield {
        ...head,
        isBatch: head.rows > 1,
        instances: rows.filter((instance) => instance !== null),
        feedback: isFeedback ? feedbackOf(columns, row) : null,
      }
    }
    row = end
  }
}
