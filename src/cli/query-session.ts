/** What a connection to DuckDB is given before it is asked: the views, and its bounds. */

import { totalmem } from 'node:os'
import type {
  DuckDBConnection,
  DuckDBExtractedStatements,
  DuckDBPreparedStatement,
} from '@duckdb/node-api'
import { duplicatesStatement } from '../records/query-duplicates.ts'
import {
  literalGlob,
  type RecordFiles,
  sqlText,
  VIEWS,
  type ViewName,
  viewStatements,
} from '../records/query-views.ts'
import type { QueriedFiles } from './query-files.ts'

export type DuckDb = typeof import('@duckdb/node-api')

type Fields = Readonly<Record<string, unknown>>

const MEMORY_BYTES_MIN = 512 * 1024 ** 2
/** Of the machine, on which the gateway may be serving. */
const MEMORY_SHARE = 0.25

/**
 * Settings of a database in memory that loads nothing by itself. What needs more memory than its
 * share goes to files in the folder `temporary`.
 */
export const databaseOptions = (temporary: string): Record<string, string> => {
  const limit = process.constrainedMemory()
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    memory_limit: `${Math.max(MEMORY_BYTES_MIN, Math.floor(bytes * MEMORY_SHARE))}B`,
    temp_directory: temporary,
  }
}

/** From now on nothing but what lies in these folders can be opened, and no setting changed. */
export const confine = async (
  connection: DuckDBConnection,
  folders: readonly string[],
): Promise<void> => {
  // A pattern is compared with them as it stands.
  const allowed = folders.flatMap((folder) => [folder, literalGlob(folder)])
  const texts = allowed.map((folder) => sqlText(`${folder}/`))
  await connection.run(`SET allowed_directories = [${texts.join(', ')}]`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
}

const objectsOf = async (connection: DuckDBConnection, sql: string): Promise<readonly Fields[]> =>
  (await connection.runAndReadAll(sql)).getRowObjects()

/**
 * Views that a statement may name; all of them where none is seen. DuckDB is not asked: it would
 * have some statements begin to write.
 */
const viewsIn = (sql: string): readonly ViewName[] => {
  const views = VIEWS.filter((view) => new RegExp(`\\b${view}\\b`, 'i').test(sql))
  return views.length === 0 ? VIEWS : views
}

const patternsOf = ({ predictions, feedback, gaps }: RecordFiles): RecordFiles => ({
  predictions: predictions.map(literalGlob),
  feedback: feedback.map(literalGlob),
  gaps: gaps.map(literalGlob),
})

const hasAny = ({ predictions, feedback, gaps }: RecordFiles): boolean =>
  predictions.length + feedback.length + gaps.length > 0

const tryViews = async (
  connection: DuckDBConnection,
  files: RecordFiles,
  suspects: RecordFiles,
  views: readonly ViewName[],
): Promise<void> => {
  const duplicates = hasAny(suspects) ? 'listed' : 'none'
  if (duplicates === 'listed') await connection.run(duplicatesStatement(suspects))
  const statements = viewStatements(patternsOf(files), duplicates, views)
  for (const statement of statements) await connection.run(statement)
}

const without = ({ predictions, feedback, gaps }: RecordFiles, broken: string): RecordFiles => {
  const keep = (file: string) => file !== broken
  return {
    ...{ predictions: predictions.filter(keep), feedback: feedback.filter(keep) },
    gaps: gaps.filter(keep),
  }
}

/** What DuckDB says of a file that is no whole Parquet file; else of one that is not there. */
const BROKEN = /magic bytes|too small to be a Parquet file|footer|thrift|TProtocol/i

const BROKEN_MAX = 100

/**
 * Makes the views that a statement names, in which every row is there once; `suspects` are those of
 * the files that may hold the same rows. Files that are no Parquet are left out, and told.
 *
 * @throws (rejects) Error of DuckDB: a file cannot be read, or has vanished
 */
export const makeViews = async (
  connection: DuckDBConnection,
  { files, suspects }: Pick<QueriedFiles, 'files' | 'suspects'>,
  sql: string,
  onBroken: (file: string) => void,
): Promise<void> => {
  const views = viewsIn(sql)
  let [whole, doubtful] = [files, suspects]
  for (let broken = 0; ; broken++) {
    try {
      await tryViews(connection, whole, doubtful, views)
      return
    } catch (thrown) {
      const { message } = thrown as Error
      const { predictions, feedback, gaps } = whole
      const file = [...predictions, ...feedback, ...gaps].find((path) => message.includes(path))
      if (file === undefined || !BROKEN.test(message) || broken >= BROKEN_MAX) throw thrown
      onBroken(file)
      whole = without(whole, file)
      doubtful = without(doubtful, file)
    }
  }
}

/** Lines that say what there is to be asked: `feedback: prediction_id, request_id, ...`. */
export const describeViews = async (
  connection: DuckDBConnection,
  queried: Pick<QueriedFiles, 'files' | 'suspects'>,
): Promise<string[]> => {
  // What is broken has been told.
  await makeViews(connection, queried, '', () => {}).catch(() => {})
  const line = async (views: string, one: string) => {
    const columns = await objectsOf(connection, `DESCRIBE ${one}`).catch(() => [])
    return `${views}: ${columns.map(({ column_name }) => `${column_name}`).join(', ')}`
  }
  return [
    await line('predictions, shadows, records', 'records'),
    await line('feedback', 'feedback'),
    await line('gaps', 'gaps'),
  ]
}

/** What only reads begins with one of these, behind comments and brackets. */
const READING =
  /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|\()*(?:EXPLAIN\s+(?:ANALYZE\s+)?)?(?:SELECT|WITH|FROM|VALUES|TABLE|DESCRIBE|DESC|SUMMARIZE|SHOW|PIVOT|UNPIVOT)\b/i

/**
 * What a text holds, if it begins like what only reads; else null. It is not prepared yet: some
 * that write do so while they are prepared. `connection`: confined, as DuckDB opens what an IMPORT
 * names.
 *
 * @throws (rejects) Error of DuckDB: the text is no SQL
 */
export const readingIn = async (
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBExtractedStatements | null> => {
  if (!/[^\s;]/.test(sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ''))) return null
  const statements = await connection.extractStatements(sql)
  return READING.test(sql) ? statements : null
}

/**
 * The statement, ready to run; null: it does more than read, as DuckDB sees it, or there is another
 * one behind. Of a PIVOT without values DuckDB makes two: a type, and what is asked of it.
 *
 * @throws (rejects) Error of DuckDB: it names what is not there
 */
export const prepareReading = async (
  statements: DuckDBExtractedStatements,
  { StatementType }: Pick<DuckDb, 'StatementType'>,
): Promise<DuckDBPreparedStatement | null> => {
  const last = statements.count - 1
  for (let index = 0; index < last; index++) {
    const part = await statements.prepare(index)
    if (part.statementType !== StatementType.CREATE) return null
    await part.run()
  }
  const statement = await statements.prepare(last)
  const { SELECT, EXPLAIN } = StatementType
  return [SELECT, EXPLAIN].includes(statement.statementType) ? statement : null
}
