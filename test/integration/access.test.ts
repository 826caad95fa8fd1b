/** Keys of clients against a whole gateway. */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')

/** No output of any process may hold one. */
const KEYS = { mine: 'canary-mine-4711', all: 'canary-all-4711', slow: 'canary-slow-4711' }

const keyLine = (name: keyof typeof KEYS, more: string) =>
  `- {name: ${name}, sha256: ${sha256(KEYS[name])}, ${more}}\n`

const LINES = [
  keyLine('mine', 'endpoints: [mine]'),
  keyLine('all', 'endpoints: ["*"]'),
  // 2 at once, of which each of 2 replicas lets in one.
  keyLine('slow', 'endpoints: [mine], requests_per_second: 0.02, burst: 2'),
]

const start = async () => {
  const model = identity('FP32')
  const folder = makeTree({
    'models/mine/1/model.onnx': model,
    'models/other/1/model.onnx': model,
  })
  const writeKeys = (...lines: string[]) => writeFileSync(join(folder, 'keys.yaml'), lines.join(''))
  writeKeys(...LINES)
  const config = join(folder, 'sluice.yaml')
  writeFileSync(config, 'model_repository: models\naccess: {keys_file: keys.yaml}\n')
  const gateway = await startGateway({ config })
  return { gateway, writeKeys }
}

const body = { features: { x: [1, 2] } }
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

const statusOf = async (gateway: TestGateway, path: string, headers = {}) => {
  const response = path.startsWith('/predict')
    ? await gateway.post(path, body, headers)
    : await fetch(`${gateway.httpUrl}${path}`, { headers })
  await response.arrayBuffer()
  return response.status
}

test('keys are asked for, limited, changed without a drop, and never written down', async () => {
  const { gateway, writeKeys } = await start()
  const ask = (path: string, headers = {}) => statusOf(gateway, path, headers)
  expect(await ask('/predict/mine')).toBe(401)
  expect(await ask('/predict/mine', bearer(KEYS.mine))).toBe(200)
  expect(await ask('/predict/mine', { 'x-api-key': KEYS.all })).toBe(200)
  expect(await ask('/predict/other', bearer(KEYS.mine))).toBe(403)
  expect(await ask('/v2/models/other', bearer(KEYS.mine))).toBe(403)
  expect(await ask('/v2/models', bearer(KEYS.mine))).toBe(403)
  expect(await ask('/v2/models', bearer(KEYS.all))).toBe(200)
  expect([await ask('/livez'), await ask('/v2/health/ready')]).toEqual([200, 200])

  const refused = await gateway.post('/predict/mine', body, bearer(`${KEYS.mine}x`))
  expect(refused.headers.get('www-authenticate')).toBe('Bearer')
  expect(await refused.json()).toMatchObject({ code: 'KEY_REQUIRED', status: 401 })
  const oip = await fetch(`${gateway.httpUrl}/v2/models/mine`)
  expect(await oip.json()).toEqual({ error: expect.stringContaining('key') })

  const slow = []
  for (let i = 0; i < 8; i++) {
    slow.push(await gateway.post('/predict/mine', body, bearer(KEYS.slow)))
  }
  const statuses = slow.map(({ status }) => status)
  const passed = statuses.filter((status) => status === 200).length
  expect(passed).toBeGreaterThanOrEqual(1)
  expect(passed).toBeLessThanOrEqual(2)
  expect(statuses.filter((status) => status === 429)).toHaveLength(8 - passed)
  const retryAfter = Number(slow.at(-1)!.headers.get('retry-after'))
  expect(retryAfter).toBeGreaterThan(60)
  expect(retryAfter).toBeLessThanOrEqual(100)

  // Requests go on while keys change: those of a key that stays are all answered.
  let isOver = false
  const asking = (async () => {
    let count = 0
    while (!isOver) {
      expect(await ask('/predict/mine', bearer(KEYS.all))).toBe(200)
      count++
    }
    return count
  })()
  writeKeys(LINES[1]!)
  gateway.reload()
  await until(async () => (await ask('/predict/mine', bearer(KEYS.mine))) === 401, {
    what: 'the key to be withdrawn',
  })
  writeKeys(...LINES)
  gateway.reload()
  await until(async () => (await ask('/predict/mine', bearer(KEYS.mine))) === 200, {
    what: 'the key to be back',
  })
  writeKeys('- {name: broken')
  gateway.reload()
  await until(async () => (await gateway.status()).warnings.some((text) => text.includes('keys')), {
    what: 'the warning',
  })
  expect(await ask('/predict/mine', bearer(KEYS.mine))).toBe(200)
  isOver = true
  expect(await asking).toBeGreaterThan(0)

  // A replica that starts later asks for keys from its first request on.
  const pid = await gateway.killReplica(0)
  await until(async () => ![undefined, pid].includes((await gateway.replicaPids()).get(0)), {
    what: 'the next replica to serve',
  })
  for (let i = 0; i < 20; i++) expect(await ask('/predict/mine')).toBe(401)

  const metrics = await gateway.metrics()
  expect(metrics).toMatch(/reason="KEY_REQUIRED"/)
  expect(metrics).toMatch(/reason="RATE_LIMITED"/)
  const said = [gateway.logs(), metrics, JSON.stringify(await gateway.status())]
  const pids = [...(await gateway.replicaPids()).values(), gateway.controlPid]
  for (const each of pids) said.push(readFileSync(`/proc/${each}/cmdline`, 'utf8'))
  for (const file of readdirSync(gateway.stateDir, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) said.push(readFileSync(join(file.parentPath, file.name), 'latin1'))
  }
  const all = said.join('\n')
  expect(all).not.toContain('canary')
  for (const key of Object.values(KEYS)) expect(all).not.toContain(sha256(key))
})
