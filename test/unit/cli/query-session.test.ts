import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DuckDBConnection, StatementType } from '@duckdb/node-api'
import { beforeAll, expect, test } from 'vitest'
import {
  confine,
  databaseOptions,
  describeViews,
  makeViews,
  prepareReading,
  readingIn,
} from '../../../src/cli/query-session.ts'
import { listRecordFiles } from '../../../src/cli/record-files.ts'
import { type RecordFiles, sqlText } from '../../../src/records/query-views.ts'
import { openDuckDb, writeFeedback, writePredictions } from '../../helpers/parquet-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

let folder: string
let connection: DuckDBConnection
let files: RecordFiles

beforeAll(async () => {
  folder = join(makeTempDir('records'), "it's [here]")
  await writePredictions(folder, '1.parquet', [{ sequence: 1, f_x: 1 }, { sequence: 2 }])
  await writePredictions(folder, '2.parquet', [{ sequence: 2 }, { sequence: 3 }])
  await writeFeedback(folder, '1.parquet', [{ sequence: 4 }])
  connection = await openDuckDb()
  files = listRecordFiles(folder)
  await makeViews(connection, { files, suspects: files }, '', () => {})
  await confine(connection, [folder])
})

const prepared = async (sql: string) => {
  const reading = await readingIn(connection, sql)
  return reading === null ? null : prepareReading(reading, { StatementType })
}

test('makeViews() has every row once', async () => {
  const statement = await prepared('SELECT "sequence"::INT FROM predictions ORDER BY ALL')
  expect(await (await statement!.stream()).getRows()).toEqual([[1], [2], [3]])
})

test('describeViews() names all columns', async () => {
  const [predictions, feedback, gaps] = await describeViews(connection, { files, suspects: files })
  expect(predictions).toMatch(/^predictions, shadows, records: prediction_id, .*, f_x, date, hour$/)
  expect(feedback).toMatch(/^feedback: prediction_id, .*, observed_at$/)
  expect(gaps).toBe('gaps: producer, first, last, reason')
})

test.each([
  'SELECT 1',
  ' select 1;',
  '-- a\n/* b */ (SELECT 1)',
  'FROM predictions',
  'WITH t AS (SELECT 1) SELECT * FROM t',
  'VALUES (1)',
  'TABLE predictions',
  'DESCRIBE predictions',
  'SUMMARIZE predictions',
  'SHOW TABLES',
  'EXPLAIN SELECT 1',
  'EXPLAIN ANALYZE FROM predictions',
  "PIVOT predictions ON role IN ('answer') USING count(*)",
  'PIVOT predictions ON role USING count(*)',
  "PIVOT predictions ON replace(role, ';', '') USING count(*); -- all",
  '/* pivot */ WITH t AS (PIVOT predictions ON role USING count(*)) FROM t ;',
])('prepareReading() lets %j read', async (sql) => {
  const statement = await prepared(sql)
  expect((await (await statement!.stream()).getRows()).length).toBeGreaterThan(0)
})

test.each([
  '',
  ' ; ',
  '-- nothing',
  '/* nothing */',
  "COPY (SELECT 1) TO '{}/x.csv'",
  "EXPORT DATABASE '{}/x'",
  "/* of predictions */ EXPORT DATABASE '{}/x'",
  "SELECT 1; EXPORT DATABASE '{}/x'",
  "PIVOT predictions ON role USING count(*); EXPORT DATABASE '{}/x'",
  'PIVOT predictions ON role USING count(*); SELECT 1',
  'SELECT 1; CREATE TABLE more (i INTEGER); SELECT 1',
  'CREATE TABLE more (i INTEGER); SELECT 1',
  "CALL enable_logging(storage = 'file', storage_path = '{}/x')",
  "PRAGMA enable_profiling = 'json'",
  "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}/x.csv'",
  "ATTACH '{}/x.db'",
  "SELECT 1; COPY (SELECT 1) TO '{}/x.csv'",
  'SET enable_external_access = true',
  'INSTALL httpfs',
  'DROP VIEW predictions',
  'WITH t AS (SELECT 1 AS i) INSERT INTO written SELECT * FROM t',
])('prepareReading() takes %j for what does more than read', async (sql) => {
  await connection.run('CREATE TABLE IF NOT EXISTS written (i INTEGER)')
  expect(await prepared(sql.replace('{}', folder.replaceAll("'", "''")))).toBeNull()
  expect(readdirSync(folder).sort()).toEqual(['endpoint=_feedback', 'endpoint=m'])
})

test.each([
  ['SELEC 1', /Parser Error: syntax error at or near "SELEC"/],
  ['SELECT nosuch FROM predictions', /^Binder Error: .*nosuch/],
  ['FROM nosuch', /^Catalog Error: Table with name nosuch does not exist/],
  [`FROM read_text(${sqlText(import.meta.filename)})`, /^Permission Error: /],
  ["FROM glob('/*')", /^Permission Error: /],
  ["IMPORT DATABASE '/tmp'", /Permission Error: /],
])('prepareReading() of %j fails as DuckDB does', async (sql, wanted) => {
  await expect(prepared(sql)).rejects.toThrow(wanted)
})

test('confine() lets no setting be changed', async () => {
  await expect(connection.run('SET enable_external_access = true')).rejects.toThrow(/locked/)
  await expect(connection.run('LOAD httpfs')).rejects.toThrow(/disabled/)
})

const NO_FILES: RecordFiles = { predictions: [], feedback: [], gaps: [] }

test('makeViews() makes those that a statement names, and leaves out what is no Parquet', async () => {
  const other = makeTempDir('records')
  const good = await writePredictions(other, '1.parquet', [{ sequence: 1 }])
  const bad = [
    await writePredictions(other, '2.parquet', [{ sequence: 2 }]),
    await writePredictions(other, '3.parquet', [{ sequence: 3 }]),
  ]
  writeFileSync(bad[0]!, 'PAR1')
  writeFileSync(bad[1]!, 'no Parquet file at all')
  const fresh = await openDuckDb()
  const some = { files: { ...NO_FILES, predictions: [good, ...bad] }, suspects: NO_FILES }
  const broken: string[] = []
  await makeViews(fresh, some, 'SELECT count(*) FROM predictions', (file) => broken.push(file))
  // DuckDB reads them side by side: which of two it finds first is left to chance.
  expect(broken.toSorted()).toEqual(bad.toSorted())
  const rows = await (await fresh.run('SELECT count(*)::INT FROM predictions')).getRows()
  expect(rows).toEqual([[1]])
  await expect(fresh.run('FROM shadows')).rejects.toThrow(/does not exist/)
  await expect(
    makeViews(
      fresh,
      { ...some, files: { ...NO_FILES, predictions: [`${good}.gone`] } },
      '',
      () => {},
    ),
  ).rejects.toThrow(/No files found/)
})

test('databaseOptions() are those of a database that loads nothing and leaves room', async () => {
  const options = databaseOptions('/tmp/x')
  expect(options).toMatchObject({ autoload_known_extensions: 'false', temp_directory: '/tmp/x' })
  expect(Number.parseInt(options['memory_limit']!, 10)).toBeGreaterThanOrEqual(512 * 1024 ** 2)
})
