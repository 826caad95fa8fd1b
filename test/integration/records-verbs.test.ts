/** The verbs of records beside a gateway that makes them. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type CliOptions, sluice } from '../helpers/cli.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

let gateway: TestGateway
let path: string

beforeAll(async () => {
  path = join(makeTempDir('records'), 'records')
  const env = { SLUICE_RECORDS__PATH: path, SLUICE_RECORDS__DURABILITY: 'process' }
  gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, hasRecords: true, env })
})

const run = (args: readonly string[], options: CliOptions = {}) =>
  sluice(args, { ...options, env: { SLUICE_SERVER: gateway.controlUrl } })

const query = async (sql: string) => {
  const places = ['--path', path, '--state-dir', gateway.stateDir]
  const { code, stdout, stderr } = await run(['records', 'query', sql, '--json', ...places])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return JSON.parse(stdout)
}

const predict = async (requestId: string): Promise<number> => {
  const headers = { 'x-request-id': requestId }
  const response = await gateway.post('/predict/flight-delay', { features: FLIGHT }, headers)
  expect(response.status).toBe(200)
  return ((await response.json()) as { score: number }).score
}

test('an answer of a moment ago is in the result of a query, and at the end of a tail', async () => {
  const score = await predict('now')
  const sql = `SELECT role, version, variant, score, f_distance, f_carrier, f_wind_gust, o_label
    FROM predictions WHERE request_id = 'now'`
  expect(await query(sql)).toEqual([
    {
      ...{ role: 'answer', version: 1, variant: 'v1', score, o_label: 0 },
      ...{ f_distance: FLIGHT.distance, f_carrier: FLIGHT.carrier, f_wind_gust: null },
    },
  ])
  const args = ['records', 'tail', path, '--state-dir', gateway.stateDir, '-n', '1', '--json']
  const { stdout } = await run(args)
  const { carrier, distance } = FLIGHT
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ request_id: 'now', score, features: { carrier, distance, wind_gust: null } },
  })
})

test('labels out of a file are joined to their predictions by SQL', async () => {
  const scores = await Promise.all(['f1', 'f2'].map(predict))
  const file = join(makeTempDir('labels'), 'labels.csv')
  writeFileSync(
    file,
    'request_id,label,observed_at,row\n' +
      'f1,1,2026-01-02T03:04:05Z,\nf2,0,2026-01-02T03:04:05Z,0\nf3,1,yesterday,\n',
  )
  const result = await run(['feedback', 'import', file, '--endpoint', 'flight-delay', '--json'])
  expect(result.code).toBe(3)
  expect(JSON.parse(result.stdout)).toMatchObject({ taken: 2, rejected: 1 })
  expect(readFileSync(`${file}.rejected.csv`, 'utf8')).toMatch(
    /^line,reason,.*\n4,"?'observed_at' must be .*",f3,1,yesterday,""\n$/,
  )
  const sql = `SELECT p.request_id, p.score, f.label_number AS label, f.observed_at
    FROM predictions p JOIN feedback f ON f.of_request_id = p.request_id ORDER BY 1`
  const observed_at = '2026-01-02T03:04:05.000Z'
  expect(await query(sql)).toEqual([
    { request_id: 'f1', score: scores[0], label: 1, observed_at },
    { request_id: 'f2', score: scores[1], label: 0, observed_at },
  ])
})
