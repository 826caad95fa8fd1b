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

export const VIEWS = ['records', 'predictions', 'shadows', 'feedback', 'gaps'] as const
export type ViewName = (typeof VIEWS)[number]

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
  const pattern = (folder: string) => `${literalGlob(path)}/${folder}/date=*/hour=*/*.parquet`
  return {
    predictions: [pattern(`endpoint=${ENDPOINT}`)],
    feedback: [pattern(`endpoint=${FEEDBACK_PARTITION}`)],
    gaps: [pattern(GAPS_FOLDER)],
  }
}

/** One kind of files. */
export interface Source {
  readonly kind: keyof RecordFiles
  /** What identifies a row: the producer and three more columns, the last one a number. */
  readonly key: readonly [string, string, string]
  readonly columns: readonly RecordColumn[]
  /** Of reading. Partitions as columns: a condition on one leaves rows unread. */
  readonly options: string
  /** Columns that a view has otherwise than the files. */
  readonly replaced: string
}

const PARTITION_COLUMNS: readonly RecordColumn[] = [
  { name: 'date', type: 'DATE', meaning: '' },
  { name: 'hour', type: 'INTEGER', meaning: '' },
]
const PARTITION_TYPES = "{'endpoint': VARCHAR, 'date': DATE, 'hour': INTEGER}"

/** As the answer said it: of a request without an id, that of the prediction. */
const SAID = ' REPLACE (coalesce(request_id, prediction_id) AS request_id)'

const PREDICTIONS: Source = {
  kind: 'predictions',
  replaced: SAID,
  key: ['"sequence"', 'role', '"row"'],
  columns: [...PREDICTION_COLUMNS, ...PARTITION_COLUMNS],
  options: `hive_partitioning = true, hive_types = ${PARTITION_TYPES}`,
}
const FEEDBACK: Source = {
  kind: 'feedback',
  replaced: '',
  key: ['"sequence"', 'role', '0'],
  columns: FEEDBACK_COLUMNS,
  options: 'hive_partitioning = false',
}
const GAPS: Source = {
  kind: 'gaps',
  replaced: '',
  key: ['"first"', 'reason', '"last"'],
  columns: GAP_COLUMNS,
  options: 'hive_partitioning = false',
}
export const SOURCES: readonly Source[] = [PREDICTIONS, FEEDBACK, GAPS]

/** `read_parquet(...)` of files; `isNumbered`: with `filename` and `file_row_number`. */
export const reading = (
  { options }: Source,
  files: readonly string[],
  isNumbered: boolean,
): string => {
  const list = files.length === 1 ? sqlText(files[0]!) : `[${files.map(sqlText).join(', ')}]`
  const numbered = isNumbered ? ', filename = true, file_row_number = true' : ''
  return `read_parquet(${list}, union_by_name = true, ${options}${numbered})`
}

/** No rows of these columns. */
const empty = (columns: readonly RecordColumn[]): string =>
  `SELECT ${columns.map(({ name, type }) => `NULL::${type} AS "${name}"`).join(', ')} WHERE false`

const select = (source: Source, files: readonly string[], duplicates: Duplicates, where = '') => {
  if (files.length === 0) return empty(source.columns)
  const from = `FROM ${reading(source, files, duplicates === 'listed')}`
  const { replaced } = source
  if (duplicates === 'none') return `SELECT *${replaced} ${from}${where}`
  if (duplicates === 'listed') {
    const unlisted = `ANTI JOIN ${DUPLICATES_TABLE} USING (filename, file_row_number)`
    return `SELECT * EXCLUDE (filename, file_row_number)${replaced} ${from} ${unlisted}${where}`
  }
  const key = ['producer', ...source.key].join(', ')
  return `SELECT *${replaced} ${from}${where} QUALIFY row_number() OVER (PARTITION BY ${key}) = 1`
}

/** The view as a whole, and which rows of which source. */
const VIEW_SOURCES: Readonly<Record<ViewName, readonly [source: Source, where?: string]>> = {
  records: [PREDICTIONS],
  predictions: [PREDICTIONS, " WHERE role <> 'shadow'"],
  shadows: [PREDICTIONS, " WHERE role = 'shadow'"],
  feedback: [FEEDBACK],
  gaps: [GAPS],
}

/** Statements that make views, for DuckDB from 1.1 on; each opens all of its files. */
export const viewStatements = (
  files: RecordFiles,
  duplicates: Duplicates,
  views: readonly ViewName[] = VIEWS,
): string[] =>
  views.map((name) => {
    const [source, where] = VIEW_SOURCES[name]
    const text = select(source, files[source.kind], duplicates, where)
    return `CREATE OR REPLACE VIEW ${name} AS ${text}`
  })
