/** What a query finds while records are made, shipped, written anew, and processes are killed. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const BODY = JSON.stringify({ features: { x: [1, 2] } })

const COUNTS = `SELECT count(*) AS n, count(DISTINCT prediction_id) AS ids,
  count(DISTINCT (producer, "sequence")) AS keys FROM predictions WHERE role = 'answer'`

test('every query has each answer that a client had, once, whoever is killed meanwhile', async () => {
  const path = join(makeTempDir('records'), 'records')
  const gateway = await startGateway({
    repository: makeRepository({ 'm/1/model.onnx': scaleAdd(2) }),
    hasRecords: true,
    env: {
      ...{ SLUICE_RECORDS__DURABILITY: 'process', SLUICE_RECORDS__PATH: path },
      ...{ SLUICE_RECORDS__FILE__FLUSH_SECONDS: '1' },
    },
  })
  let answered = 0
  const target = { port: gateway.httpPort, path: '/predict/m', body: BODY }
  const load = startClosedLoop(target, 8, ({ status }) => {
    if (status === 200) answered++
  })
  const query = async () => {
    const before = answered
    const args = ['records', 'query', COUNTS, '--json', '--path', path]
    const result = await sluice([...args, '--state-dir', gateway.stateDir])
    expect(result.code, result.stderr).toBe(0)
    const [{ n, ids, keys }] = JSON.parse(result.stdout)
    expect({ ids, keys }).toEqual({ ids: n, keys: n })
    expect(n).toBeGreaterThanOrEqual(before)
    return n
  }
  const shipper = join(gateway.stateDir, 'shipper/process.json')
  for (let round = 0; round < 6; round++) {
    await load.answered(300)
    if (round % 3 === 1) await gateway.killReplica(0)
    if (round % 3 === 2) process.kill(JSON.parse(readFileSync(shipper, 'utf8')).pid, 'SIGKILL')
    await query()
  }
  await load.stop()
  const atEnd = await query()
  await gateway.stop()
  // All of it is in files now.
  expect(await query()).toBe(atEnd)
  const files = await sluice(['records', 'query', COUNTS, '--json', '--path', path])
  expect(JSON.parse(files.stdout)[0].n).toBe(atEnd)
})
