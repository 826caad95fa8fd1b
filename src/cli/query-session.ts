/** What a connection to DuckDB is given before it is asked: the views, and its bounds. */

import { totalmem } from 'node:os'
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
import {
  duplicatesStatement,
  filesInCompany,
  rangesQuery,
  type SequenceRange,
  sharedRanges,
} from '../records/query-duplicates.ts'
import {
  DUPLICATES_TABLE,
  type Duplicates,
  literalGlob,
  type RecordFiles,
  sqlText,
  viewStatements,
} from '../records/query-views.ts'

export type DuckDb = typeof import('@duckdb/node-api')

type Fields = Readonly<Record<string, unknown>>

const MEMORY_BYTES_MIN = 512 * 1024 ** 2
/** Of the machine, on which the gateway may be serving. */
const MEMORY_SHARE = 0.25

/** With more of them, sorting all rows is as good. */
const SHARED_RANGES_MAX = 1000

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

/** How rows that two files hold are kept out of the views. */
const findDuplicates = async (
  connection: DuckDBConnection,
  files: readonly string[],
): Promise<Duplicates> => {
  const suspects = filesInCompany(files)
  if (suspects.length === 0) return 'none'
  const ranges = await objectsOf(connection, rangesQuery(suspects))
  const shared = sharedRanges(
    ranges.map(({ file, producer, from, to }): SequenceRange => {
      return { file: `${file}`, producer: `${producer}`, from: Number(from), to: Number(to) }
    }),
  )
  if (shared.length === 0) return 'none'
  if (shared.length > SHARED_RANGES_MAX) return 'sorted out'
  await connection.run(duplicatesStatement(shared))
  const found = await objectsOf(connection, `SELECT 1 FROM ${DUPLICATES_TABLE} LIMIT 1`)
  return found.length === 0 ? 'none' : 'listed'
}

/** Makes the views over these files, in which every row is there once. Times are shown in UTC. */
export const makeViews = async (
  connection: DuckDBConnection,
  files: RecordFiles,
): Promise<void> => {
  await connection.run("SET TimeZone = 'UTC'")
  const duplicates = await findDuplicates(connection, files.predictions)
  const patterns = {
    predictions: files.predictions.map(literalGlob),
    feedback: files.feedback.map(literalGlob),
    gaps: files.gaps.map(literalGlob),
  }
  for (const statement of viewStatements(patterns, duplicates)) await connection.run(statement)
}

/** Lines that say what there is to be asked: `feedback: prediction_id, request_id, ...`. */
export const describeViews = async (connection: DuckDBConnection): Promise<string[]> => {
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
 * The statement, ready to run, or null if there is another number of them than one, or it does more
 * than read. That is seen before and after DuckDB has looked at it: some that write do so while
 * they are prepared.
 *
 * @throws (rejects) Error of DuckDB: the text is no SQL, or names what is not there
 */
export const prepareReading = async (
  connection: DuckDBConnection,
  sql: string,
  { StatementType }: Pick<DuckDb, 'StatementType'>,
): Promise<DuckDBPreparedStatement | null> => {
  if (!/[^\s;]/.test(sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ''))) return null
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1 || !READING.test(sql)) return null
  const statement = await statements.prepare(0)
  const { SELECT, EXPLAIN } = StatementType
  return [SELECT, EXPLAIN].includes(statement.statementType) ? statement : null
}
