/**
 * Columns of the Parquet files under `records.path`: a row for each instance of a prediction, one
 * row for what has none. Beside these a file has `f_<feature>` and `o_<output>`, typed by the
 * contract of its endpoint (docs/guides/records.md).
 */

import type { PredictionRecord } from './record.ts'

/** As Parquet and DuckDB know it. TIMESTAMP: microseconds, UTC, without a zone. */
export type ColumnType =
  | 'VARCHAR'
  | 'DOUBLE'
  | 'INTEGER'
  | 'BIGINT'
  | 'BOOLEAN'
  | 'DATE'
  | 'TIMESTAMP'

export interface RecordColumn {
  readonly name: string
  readonly type: ColumnType
  /** For its reader, in the guide. */
  readonly meaning: string
}

const column = (name: string, type: ColumnType, meaning: string): RecordColumn => ({
  name,
  type,
  meaning,
})

/** Of every record, feedback too. */
const COMMON_COLUMNS: readonly RecordColumn[] = [
  column('prediction_id', 'VARCHAR', 'ours, unique: `<producer>-<sequence>`'),
  column(
    'request_id',
    'VARCHAR',
    "the client's, not unique; where it gave none null in files, `prediction_id` in views and JSON",
  ),
  column('time', 'TIMESTAMP', 'when the request arrived, UTC'),
  column('endpoint', 'VARCHAR', 'what was asked'),
  column('role', 'VARCHAR', '`answer`, `shadow`, `refused`, `failed` or `feedback`'),
  column('producer', 'VARCHAR', 'the data thread that took the request, in one incarnation'),
  column('sequence', 'BIGINT', 'counts the requests of a producer from 1, without a gap'),
]

/** Of a prediction, in order. */
export const PREDICTION_COLUMNS: readonly RecordColumn[] = [
  ...COMMON_COLUMNS.slice(0, 4),
  column('model', 'VARCHAR', 'whose version answered'),
  column('version', 'BIGINT', '0: none was chosen'),
  column('variant', 'VARCHAR', 'empty: none was chosen'),
  ...COMMON_COLUMNS.slice(4, 5),
  column('epoch', 'BIGINT', 'number of the traffic configuration'),
  column('revision', 'BIGINT', 'the same per endpoint'),
  column('bucket', 'INTEGER', 'null: it was not routed by bucket'),
  column('row', 'INTEGER', 'index of the instance in its request, from 0; 0 for what has none'),
  column('rows', 'INTEGER', 'instances of the request; 0: it was not decoded'),
  column('status', 'INTEGER', 'HTTP status as answered; 0: not at all'),
  column('code', 'VARCHAR', 'error code, or `ABORTED`: its client had gone; empty for an answer'),
  column('protocol', 'VARCHAR', 'wire format of the request'),
  ...COMMON_COLUMNS.slice(5),
  column('inclusion_probability', 'DOUBLE', 'with which sampling kept it: weight by 1 over it'),
  column('trace_id', 'VARCHAR', '32 hexadecimal digits; null: not traced'),
  column('latency_ms', 'DOUBLE', 'from the last byte of the body to the answer'),
  column('decode_ms', 'DOUBLE', 'of that, decoding; null: it did not come so far'),
  column('queue_ms', 'DOUBLE', 'of that, waiting; null: it did not come so far'),
  column('compute_ms', 'DOUBLE', 'of that, its run; null: it did not come so far'),
  column('features_omitted', 'VARCHAR', 'why there are none: `too_large`, `policy`, or empty'),
  column('score', 'DOUBLE', 'as answered; null where the model has none'),
  column('prediction', 'VARCHAR', 'as answered, as text'),
  column('scores', 'VARCHAR', 'by class, as JSON; null where the model has none'),
]

/** Of feedback, in order. */
export const FEEDBACK_COLUMNS: readonly RecordColumn[] = [
  ...COMMON_COLUMNS.slice(0, 1),
  column('request_id', 'VARCHAR', 'of the request that brought it; null where it gave none'),
  ...COMMON_COLUMNS.slice(2),
  column('of_prediction_id', 'VARCHAR', 'the prediction that the label is of, or null'),
  column('of_request_id', 'VARCHAR', 'the request that the label is of, or null'),
  column('of_row', 'INTEGER', 'the instance that the label is of; -1: all'),
  column('label', 'VARCHAR', 'as sent; what is no text, as JSON'),
  column('label_number', 'DOUBLE', 'the same where it is a number, or true (1) or false (0)'),
  column('observed_at', 'TIMESTAMP', 'when the label became known, UTC'),
]

/** Of runs of sequences that have no record, in order. */
export const GAP_COLUMNS: readonly RecordColumn[] = [
  column('producer', 'VARCHAR', 'as in records'),
  column('first', 'BIGINT', 'the first sequence without a record'),
  column('last', 'BIGINT', 'the last one of the run'),
  column('reason', 'VARCHAR', 'why: `sampled`, `ring_full` ...'),
]

const soFar = (ms: number): number | null => (Number.isNaN(ms) ? null : ms)

/**
 * Of a record what it says in each of its rows, by the names of columns. Its id and its time are as
 * JSON or a file wants them.
 */
export const recordValues = <Time>(
  record: PredictionRecord,
  requestId: string | null,
  time: Time,
) => ({
  prediction_id: record.predictionId,
  request_id: requestId,
  time,
  endpoint: record.endpoint,
  model: record.model,
  version: record.version,
  variant: record.variant,
  role: record.role,
  epoch: record.epoch,
  revision: record.revision,
  bucket: record.bucket < 0 ? null : record.bucket,
  rows: record.rows,
  status: record.status,
  code: record.code,
  protocol: record.protocol,
  producer: record.producer,
  sequence: record.sequence,
  inclusion_probability: record.inclusionProbability,
  trace_id: record.traceId === '' ? null : record.traceId,
  latency_ms: soFar(record.latencyMs),
  decode_ms: soFar(record.decodeMs),
  queue_ms: soFar(record.queueMs),
  compute_ms: soFar(record.computeMs),
  features_omitted: record.featuresOmitted,
})

/** Name of the partition that holds feedback; no endpoint can bear it. */
export const FEEDBACK_PARTITION = '_feedback'
