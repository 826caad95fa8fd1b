/** What one gateway tells of itself: long version numbers, and replicas that cannot be started. */

import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

/** Seconds since 1970, and neighbours that single precision would not tell apart. */
const VERSIONS = [1_700_000_000, 999_999_999_999_998, 999_999_999_999_999] as const
const [CHAMPION, CHALLENGER] = VERSIONS

let gateway: TestGateway

beforeAll(async () => {
  const repository = makeRepository({
    ...Object.fromEntries(VERSIONS.map((version) => [`m/${version}/model.onnx`, scaleAdd(2)])),
    'm/aliases.json': { champion: CHAMPION, challenger: CHALLENGER },
    'm/configs/low.pbtxt': 'max_batch_size: 8',
    'lost+found/#1/model.onnx': 'x',
  })
  gateway = await startGateway({ repository })
})

afterAll(async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

const infer = async (path: string) => {
  const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }]
  const response = await gateway.post(`/v2/models/m${path}/infer`, { inputs })
  const body = (await response.json()) as { model_version?: string }
  return [response.status, body.model_version, response.headers.get('x-sluice-version')]
}

test('version numbers of 15 digits are exact wherever they are told', async () => {
  for (const version of VERSIONS) {
    const text = String(version)
    expect(await infer(`/versions/${version}`)).toEqual([200, text, text])
  }
  expect(await infer('')).toEqual([200, String(CHAMPION), String(CHAMPION)])
  expect((await infer('/versions/999999999999997'))[0]).toBe(404)
  const metadata = await fetch(`${gateway.httpUrl}/v2/models/m`)
  expect(await metadata.json()).toMatchObject({ versions: VERSIONS.map(String) })
  const { models } = await gateway.models()
  expect(models).toMatchObject([
    {
      aliases: { champion: CHAMPION, challenger: CHALLENGER },
      versions: VERSIONS.map((version) => ({ version, state: 'available' })),
    },
  ])
  const { endpoints, warnings } = await gateway.status()
  expect(endpoints).toMatchObject([{ variants: [{ version: CHAMPION, name: `v${CHAMPION}` }] }])
  expect(warnings).toContainEqual(expect.stringMatching(/^m: 'configs' is no version/))
  expect(warnings.join()).not.toContain('lost+found')
  const metrics = await gateway.metrics()
  for (const version of VERSIONS) {
    expect(metrics).toContain(`nv_inference_count{model="m",version="${version}"} `)
  }
  const stored = JSON.parse(readFileSync(join(gateway.stateDir, 'epoch.json'), 'utf8'))
  expect(stored).toMatchObject({ endpoints: [{ variants: [{ version: CHAMPION }] }] })
})

test('status says why a replica is not running', async () => {
  const inTheWay = join(gateway.stateDir, 'incarnation.json')
  rmSync(inTheWay)
  mkdirSync(inTheWay)
  await gateway.killReplica(1)
  const reason =
    /^replica 1 is not running: incarnation\.json in the state folder cannot be written/
  const said = (text: RegExp) => async () =>
    (await gateway.status()).warnings.some((warning) => text.test(warning))
  await until(said(reason), { what: 'the reason' })
  rmSync(inTheWay, { recursive: true })
  await until(async () => !(await said(/is not running/)()), { what: 'the replica to be started' })
  await gateway.untilSettled()
})
