/** `sluice records query`, over files and over none, with DuckDB and without it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { type CliOptions, MAIN, plainEnv, sluice } from '../helpers/cli.ts'
import { openDuckDb, writeFeedback, writePredictions } from '../helpers/parquet-files.ts'
import { recordFrames, writeSegment } from '../helpers/spooled-records.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let folder: string

beforeAll(async () => {
  folder = join(makeTempDir('records'), "it's [here]")
  const rows = [
    { sequence: 1, score: 0.25, f_distance: 100, f_big: Number.NaN },
    { sequence: 1, role: 'shadow', variant: 'v2' },
    { sequence: 2, role: 'refused', code: 'INPUT_MISSING' },
  ]
  await writePredictions(folder, 'g-1.parquet', rows)
  const partition = 'endpoint=m/date=2026-01-02/hour=03'
  const replaces = { 'sluice.replaces.1': '["g-1.parquet"]' }
  await writePredictions(folder, 'g-2.parquet', rows, partition, replaces)
  await writeFeedback(folder, 'g-1.parquet', [
    { sequence: 3, of_prediction_id: 'g.0.0-1-1', label: '1' },
  ])
})

const query = (args: readonly string[], options: CliOptions = {}) =>
  sluice(['records', 'query', ...args], options)

const ask = (sql: string, ...flags: readonly string[]) => query([sql, '--path', folder, ...flags])

test('a query prints a table, for programs JSON or CSV', async () => {
  const sql = 'SELECT "sequence", role, score, time FROM predictions ORDER BY "sequence"'
  const [page, json, csv] = await Promise.all([ask(sql), ask(sql, '--json'), ask(sql, '--csv')])
  expect(page).toMatchObject({ code: 0, stderr: '' })
  expect(page.stdout).toBe(
    'sequence  role     score  time\n' +
      '1         answer   0.25   2026-01-02T03:00:00.000Z\n' +
      '2         refused  null   2026-01-02T03:00:00.000Z\n',
  )
  expect(json).toMatchObject({ code: 0, stderr: '' })
  const time = '2026-01-02T03:00:00.000Z'
  expect(JSON.parse(json.stdout)).toEqual([
    { sequence: 1, role: 'answer', score: 0.25, time },
    { sequence: 2, role: 'refused', score: null, time },
  ])
  expect(csv).toMatchObject({ code: 0, stderr: '' })
  expect(csv.stdout).toBe(`sequence,role,score,time\n1,answer,0.25,${time}\n2,refused,,${time}\n`)
})

test('a query finds shadows and feedback, and joins them', async () => {
  const { stdout } = await ask(
    'SELECT p.prediction_id, s.variant, f.label FROM predictions p JOIN shadows s USING ' +
      '(prediction_id) JOIN feedback f ON f.of_prediction_id = p.prediction_id',
    '--json',
  )
  expect(JSON.parse(stdout)).toEqual([{ prediction_id: 'g.0.0-1-1', variant: 'v2', label: '1' }])
})

test('a query over a folder that does not exist has views and no rows', async () => {
  const cwd = makeTempDir('cwd')
  const [json, page, files, misspelt] = await Promise.all([
    query(['FROM predictions', '--json'], { cwd }),
    query(['SELECT prediction_id, label FROM feedback'], { cwd }),
    query(['FROM predictions', '--json', '--no-spool'], { cwd }),
    query(['FROM predictions', '--json', '--state-dir', 'stat'], { cwd }),
  ])
  expect(json).toMatchObject({ code: 0, stdout: '[]\n' })
  expect(json.stderr).toMatch(/^⚠ There is no spool in .*\.sluice: what is not in files yet .*\n$/)
  expect(page).toMatchObject({ code: 0, stdout: 'prediction_id  label\n', stderr: json.stderr })
  expect(files).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' })
  expect(misspelt).toMatchObject({ code: 3, stdout: '' })
  expect(misspelt.stderr).toMatch(/^✖ FILE_INVALID: There is no spool in .*stat: /)
})

test('a query has what is not in files yet, each row once', async () => {
  const cwd = makeTempDir('cwd')
  const path = join(cwd, 'data/records')
  const producer = 'g7q2.1.0-3'
  const row = { producer, sequence: 1, endpoint: 'flights', time: '2026-01-02 03:00:00' }
  await writePredictions(path, 'g-1.parquet', [row], 'endpoint=flights/date=2026-01-02/hour=03')
  const at = (sequence: number) => ({ sequence, timeMs: Date.UTC(2026, 0, 2, 3) })
  writeSegment(join(cwd, '.sluice/spool'), recordFrames([at(1), at(2)]))
  const sql = 'SELECT "sequence", f_age FROM predictions ORDER BY 1'
  const [both, files, elsewhere] = await Promise.all([
    query([sql, '--json'], { cwd }),
    query(['FROM predictions', '--json', '--no-spool'], { cwd }),
    query(['FROM predictions', '--json', '--path', path], { cwd: makeTempDir('cwd') }),
  ])
  expect(JSON.parse(both.stdout)).toMatchObject([{ sequence: 1 }, { sequence: 2, f_age: 41 }])
  expect(both.stderr).toBe('  2 rows are not in files yet, and taken out of the spool\n')
  expect(JSON.parse(files.stdout)).toHaveLength(1)
  expect(JSON.parse(elsewhere.stdout)).toHaveLength(1)
  mkdirSync(join(cwd, '.sluice/shipper'))
  writeFileSync(join(cwd, '.sluice/shipper/files.json'), 'no state')
  const broken = await query([sql, '--json'], { cwd })
  expect(broken.code).toBe(3)
  expect(broken.stderr).toMatch(/^⚠ without what is not in files yet: the spool cannot be read/)
})

test('a query comes by stdin, and a table is cut where it is long', async () => {
  const stdin = '-- all\nSELECT i, 0 AS i FROM range(5000) t(i)\n'
  const result = await query(['-', '--path', folder], { stdin })
  expect(result.code).toBe(0)
  expect(result.stdout.split('\n')).toHaveLength(102)
  expect(result.stdout).toMatch(/^i +i:1\n0 +0\n1 +0\n/)
  expect(result.stderr).toBe('⚠ the first 100 rows; --json and --csv give all, LIMIT fewer\n')
  const [all, plan] = await Promise.all([
    query(['-', '--json', '--no-spool'], { stdin: 'SELECT i FROM range(5000) t(i)' }),
    ask('EXPLAIN SELECT 1'),
  ])
  expect(JSON.parse(all.stdout)).toHaveLength(5000)
  expect(plan.stdout).toMatch(/│ +PROJECTION +│\n/)
})

test('what is wrong with a query is said in the words of DuckDB, and what there is to ask', async () => {
  const { code, stdout, stderr } = await ask('SELECT nosuch FROM predictions', '--csv')
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toMatch(/^✖ Binder Error: .*nosuch.*\n[\s\S]*\^\n/)
  expect(stderr).toMatch(/\n {2}predictions, shadows, records: .*f_distance, .*date, hour\n/)
  expect(stderr).toMatch(/\n {2}feedback: .*label_number, observed_at\n {2}gaps: .*, reason\n$/)
})

test('what does more than read is refused, and has not begun', async () => {
  const copy = join(makeTempDir('records'), 'records')
  cpSync(folder, copy, { recursive: true })
  const before = readdirSync(copy, { recursive: true })
  const outside = join(makeTempDir('written'), 'x')
  const texts = [
    `COPY (SELECT 1) TO '${outside}'`,
    `EXPORT DATABASE '${outside}'`,
    `-- of predictions\nEXPORT DATABASE '${join(copy, 'x')}'`,
    `SELECT 1; EXPORT DATABASE '${join(copy, 'x')}'`,
  ]
  const results = await Promise.all(texts.map((sql) => query([sql, '--path', copy])))
  for (const { code, stdout, stderr } of results) {
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^✖ One statement is wanted that reads/)
  }
  expect([existsSync(outside), readdirSync(copy, { recursive: true })]).toEqual([false, before])
  const allowed = await query([`EXPORT DATABASE '${outside}'`, '--path', copy, '--allow-files'])
  expect([allowed.code, existsSync(outside)]).toEqual([0, true])
})

test('a PIVOT finds its columns itself, and a comment before it is no flag', async () => {
  const sql = '-- roles = columns\nPIVOT (SELECT role FROM predictions) ON role USING count(*)'
  expect(await ask(sql, '--csv')).toMatchObject({ code: 0, stdout: 'answer,refused\n1,1\n' })
  const misspelt = await ask('SELECT 1', '--cvs')
  expect(misspelt).toMatchObject({ code: 2, stdout: '' })
  expect(misspelt.stderr).toContain("unknown option '--cvs'")
})

test('other files are closed, unless they are asked for', async () => {
  const file = join(makeTempDir('labels'), 'labels.csv')
  writeFileSync(file, 'id,label\ng.0.0-1-1,late\n')
  const sql = `SELECT label FROM predictions JOIN '${file}' l ON prediction_id = l.id`
  const closed = await ask(sql, '--json')
  expect(closed).toMatchObject({ code: 3, stdout: '' })
  expect(closed.stderr).toContain('--allow-files opens all files')
  const open = await ask(sql, '--json', '--allow-files')
  expect(open).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(open.stdout)).toEqual([{ label: 'late' }])
})

test('files that are no Parquet are left out and named, what vanishes again and again is not', async () => {
  const other = makeTempDir('records')
  const file = await writePredictions(other, 'g-1.parquet', [{}])
  const link = join(file, '..', 'g-2.parquet')
  symlinkSync('gone', link)
  const gone = await query(['FROM predictions', '--json', '--path', other])
  expect(gone).toMatchObject({ code: 1, stdout: '' })
  expect(gone.stderr).toMatch(/^✖ Files of the records vanish while they are looked at/)
  rmSync(link)
  writeFileSync(link, 'no Parquet')
  const broken = await query(['FROM predictions', '--json', '--path', other])
  expect(broken.code).toBe(0)
  expect(JSON.parse(broken.stdout)).toHaveLength(1)
  expect(broken.stderr).toMatch(/^⚠ without .*g-2\.parquet: it is no whole Parquet file\n$/)
  const since = await query(['FROM predictions', '--json', '--path', other, '--since', '1h'])
  expect(since).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' })
})

test('a folder that is none is invalid', async () => {
  const result = await query(['FROM predictions', '--path', MAIN[1]])
  expect(result).toMatchObject({ code: 3, stdout: '' })
  expect(result.stderr).toMatch(/^✖ FILE_INVALID: The records at .* cannot be read/)
})

test('Ctrl-C ends a query, and leaves nothing', async () => {
  const temporary = makeTempDir('tmp')
  const sql = 'SELECT count(*) FROM range(1000000) a(i), range(10000000) b(j) WHERE i * j % 7 = 3'
  const [program, main] = MAIN
  const child = spawn(program, [main, 'records', 'query', sql, '--path', folder], {
    env: plainEnv({ TMPDIR: temporary }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  await until(() => readdirSync(temporary).length > 0, { what: 'the folder of the query' })
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
  expect(said).toBe('')
  expect(readdirSync(temporary)).toEqual([])
})

/** The command, installed without the optional package. */
const installWithout = (name: string): string => {
  const place = makeTempDir('install')
  for (const part of ['src', 'proto', 'package.json']) {
    cpSync(join(ROOT, part), join(place, part), { recursive: true })
  }
  const modules = join(place, 'node_modules')
  mkdirSync(modules)
  for (const one of readdirSync(join(ROOT, 'node_modules'))) {
    if (one === name || one === '.cache') continue
    symlinkSync(join(ROOT, 'node_modules', one), join(modules, one))
  }
  return join(place, 'src/main.ts')
}

test('without DuckDB the SQL is printed, and how to run it', async () => {
  const main = installWithout('@duckdb')
  const args = ['records', 'query', 'FROM predictions;', '--json', '--path', folder]
  const result = await sluice(args, { command: [process.execPath, main] })
  expect(result.code).toBe(1)
  const lines = result.stdout.trimEnd().split('\n')
  expect(
    lines.slice(0, 5).map((line) => /^CREATE OR REPLACE VIEW (\w+) AS /.exec(line)?.[1]),
  ).toEqual(['records', 'predictions', 'shadows', 'feedback', 'gaps'])
  expect(lines[5]).toBe('FROM predictions;')
  expect(result.stderr).toMatch(
    /^✖ DuckDB cannot be loaded: Cannot find package '@duckdb\/node-api'/,
  )
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const version = optionalDependencies['@duckdb/node-api']
  expect(result.stderr).toContain(`npm install @duckdb/node-api@${version}`)
  const connection = await openDuckDb()
  for (const line of lines.slice(0, 5)) await connection.run(line)
  const rows = await (await connection.run('SELECT count(*)::INT FROM predictions')).getRows()
  expect(rows).toEqual([[2]])
})
