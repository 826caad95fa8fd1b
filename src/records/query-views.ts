/**
 * The views over the Parquet files under `records.path`, as SQL of DuckDB: `records` (all but
 * feedback), of which `predictions` and `shadows` are parts, `feedback`, and `gaps`. Plain text, so
 * that it can be shown to who runs DuckDB himself.
 */

import { GAPS_FOLDER } from './files/partitions.ts'
import {
  FEEDBACK_COLUMNS,
  FEEDBACK_PARTITION,
  GAP_COLUMNS,
  PREDICTION_COLUMNS,
  type RecordColumn,
} from './record-columns.ts'

/** What there is to be read: where no file has come yet, a view has columns and no rows. */
export interface RecordFiles {
  /** Patterns or paths of files of predictions, as `literalGlob` has them. */
  readonly predictions: readonly string[]
  readonly feedback: readonly string[]
  /** Of sequences without a record. */
  readonly gaps: readonly string[]
}

/** How rows that are there twice are left out. */
export type Duplicates =
  /** By a sort of all rows, whenever a query asks. */
  | 'sorted out'
  /** They are listed in a table (query-duplicates.ts). */
  | 'listed'
  | 'none'

/** What identifies a row of a prediction. */
export const ROW_KEY = 'producer, "sequence", role, "row"'
const FEEDBACK_KEY = 'producer, "sequence"'

/** Where duplicates are listed: `filename`, `file_row_number`. */
export const DUPLICATES_TABLE = 'duplicate_rows'

/** `it's` -> `'it''s'` */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A path as a pattern that finds it alone. */
export const literalGlob = (path: string): string => path.replaceAll(/[*?[]/g, '[$&]')

/** A name of an endpoint begins with a letter or digit, that of feedback's partition does not. */
const ENDPOINT = '[A-Za-z0-9]*'

/** Patterns of all files under a folder, whatever there is. */
export const allFiles = (path: string): RecordFiles => {
  const pattern = (endpoint: string) =>
    `${literalGlob(path)}/endpoint=${endpoint}/date=*/hour=*/*.parquet`
  return {
    predictions: [pattern(ENDPOINT)],
    feedback: [pattern(FEEDBACK_PARTITION)],
    gaps: [`${literalGlob(path)}/${GAPS_FOLDER}/date=*/hour=*/*.parquet`],
  }
}

/** Reading files of predictions. Partitions are columns: a condition on one leaves rows unread. */
export const readPredictions = (files: readonly string[], options = ''): string =>
  reading(
    files,
    "hive_partitioning = true, hive_types = {'endpoint': VARCHAR, 'date': DATE, 'hour': INTEGER}" +
      options,
  )

const reading = (files: readonly string[], options: string): string => {
  const list = files.length === 1 ? sqlText(files[0]!) : `[${files.map(sqlText).join(', ')}]`
  return `read_parquet(${list}, union_by_name = true, ${options})`
}

const PARTITION_COLUMNS: readonly RecordColumn[] = [
  { name: 'date', type: 'DATE', meaning: '' },
  { name: 'hour', type: 'INTEGER', meaning: '' },
]

/** No rows of these columns. */
const empty = (columns: readonly RecordColumn[]): string =>
  `SELECT ${columns.map(({ name, type }) => `NULL::${type} AS "${name}"`).join(', ')} WHERE false`

const once = (key: string): string => `QUALIFY row_number() OVER (PARTITION BY ${key}) = 1`

/** As the answer said it: of a request without an id, that of the prediction. */
const SAID = 'REPLACE (coalesce(request_id, prediction_id) AS request_id)'

const records = (files: readonly string[], duplicates: Duplicates): string => {
  if (files.length === 0) return empty([...PREDICTION_COLUMNS, ...PARTITION_COLUMNS])
  const all = `SELECT * ${SAID} FROM ${readPredictions(files)}`
  if (duplicates === 'none') return all
  if (duplicates === 'sorted out') return `${all} ${once(ROW_KEY)}`
  return (
    `SELECT * EXCLUDE (filename, file_row_number) ${SAID} ` +
    `FROM ${readPredictions(files, ', filename = true, file_row_number = true')} ` +
    `ANTI JOIN ${DUPLICATES_TABLE} USING (filename, file_row_number)`
  )
}

const feedback = (files: readonly string[]): string => {
  if (files.length === 0) return empty(FEEDBACK_COLUMNS)
  return `SELECT * FROM ${reading(files, 'hive_partitioning = false')} ${once(FEEDBACK_KEY)}`
}

const gaps = (files: readonly string[]): string =>
  files.length === 0
    ? empty(GAP_COLUMNS)
    : `SELECT DISTINCT * FROM ${reading(files, 'hive_partitioning = false')}`

const view = (name: string, select: string): string => `CREATE VIEW ${name} AS ${select}`

/** Statements that make the views, for DuckDB from 1.1 on. */
export const viewStatements = (files: RecordFiles, duplicates: Duplicates): string[] => [
  view('records', records(files.predictions, duplicates)),
  view('predictions', "SELECT * FROM records WHERE role <> 'shadow'"),
  view('shadows', "SELECT * FROM records WHERE role = 'shadow'"),
  view('feedback', feedback(files.feedback)),
  view('gaps', gaps(files.gaps)),
]
