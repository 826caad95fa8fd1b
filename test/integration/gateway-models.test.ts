/** One gateway over good and bad versions together: the bad ones are named, the good ones serve. */

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VersionStatus } from '../../src/control/api/status-document.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { inferX, judgedVersions, outputOf } from '../helpers/gateway-models.ts'
import {
  endless,
  external,
  float16,
  foreignDomain,
  hugeAllocation,
  identity,
  mlp,
  scaleAdd,
  sequenceOutput,
} from '../helpers/models.ts'
import { makeRepository, writeTree } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const optional = { type: 'number', tensor: 'x', optional: true }
const manifest = {
  format: { name: 'sluice-manifest', version: 1 },
  digest: sha256(identity('FP32')),
  features: [
    { ...optional, name: 'a', column: 0 },
    { ...optional, name: 'b', column: 1, missing: 7 },
  ],
}

const BAD: Readonly<Record<string, readonly [Uint8Array, string, RegExp]>> = {
  empty: [new Uint8Array(), 'MODEL_INVALID', /no graph/],
  garbage: [Buffer.from('<html>404</html>'), 'MODEL_INVALID', /is no ONNX model/],
  truncated: [mlp().subarray(0, 4000), 'MODEL_INVALID', /longer than its message/],
  half: [float16(), 'MODEL_INVALID', /FLOAT16/],
  zipmap: [sequenceOutput(), 'MODEL_INVALID', /zipmap/],
  foreign: [foreignDomain(), 'MODEL_UNSAFE', /com\.evil/],
  outward: [external({ location: '../../secret' }), 'MODEL_UNSAFE', /beside it/],
  greedy: [hugeAllocation(2 ** 29), 'PROVING_MEMORY', /1024 MiB/],
}

const tree: Record<string, Uint8Array | string | object> = {
  'scale/1/model.onnx': scaleAdd(2),
  'scale/aliases.json': { champion: 1 },
  'scale/2/model.onnx': Buffer.from('garbage'),
  'far/1/model.onnx': external({ location: 'weights.bin' }),
  'far/1/weights.bin': new Uint8Array(Float32Array.of(1, 2, 3).buffer),
  'named/1/model.onnx': identity('FP32'),
  'named/1/manifest.json': manifest,
  'liar/1/model.onnx': scaleAdd(2),
  'liar/1/manifest.json': manifest,
  'confused/1/model.onnx': identity('FP32'),
  'confused/1/manifest.json': { ...manifest, features: [{ ...optional, name: 'a', column: 2 }] },
}
for (const [name, [bytes]] of Object.entries(BAD)) tree[`${name}/1/model.onnx`] = bytes

const MODELS = Object.keys(tree).filter((path) => path.endsWith('model.onnx')).length
const repository = makeRepository(tree)
const config = join(makeTempDir(), 'sluice.yaml')
const writeConfig = (seconds: number): void => {
  const proving = `proving:\n  memory_bytes_max: ${2 ** 30}\n  timeout_seconds: ${seconds}\n`
  writeFileSync(config, proving)
}

let gateway: TestGateway
let versions: Map<string, VersionStatus>

beforeAll(async () => {
  writeConfig(60)
  gateway = await startGateway({ repository, config, isReadyAwaited: false })
  versions = await judgedVersions(gateway, MODELS)
})

afterAll(async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

const infer = (model: string, shape: number[], data: number[]) =>
  inferX(gateway, model, shape, data)

describe('bad versions', () => {
  test.each(Object.entries(BAD))('%s is failed, with code and reason', (name, [, code, reason]) => {
    const version = versions.get(`${name}/1`)
    expect(version).toMatchObject({ state: 'failed', code, reason: expect.stringMatching(reason) })
    expect(version?.reason).not.toMatch(/\/tmp|\/home|onnxruntime_src/)
  })

  test('contradictions between manifest and model are named', () => {
    expect(versions.get('liar/1')).toMatchObject({ state: 'failed', code: 'DIGEST_MISMATCH' })
    const reason = expect.stringMatching(/'a' is column 2 of 'x', which has 2/)
    expect(versions.get('confused/1')).toMatchObject({ code: 'MANIFEST_INVALID', reason })
  })

  test('keep the gateway from calling itself ready, and are named', async () => {
    const { ready, reasons } = await gateway.status()
    expect(ready).toBe(false)
    expect(reasons).toContain('garbage has no available version')
    expect(reasons.join()).not.toContain('scale')
  })

  test('their requests are told that no version is ready', async () => {
    const response = await infer('garbage', [1, 2], [1, 2])
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ error: "'garbage' has no available versions" })
  })
})

describe('good versions', () => {
  test('serve beside a bad later version of the same model', async () => {
    expect(versions.get('scale/2')).toMatchObject({ state: 'failed', code: 'MODEL_INVALID' })
    expect(versions.get('scale/1')).toMatchObject({
      state: 'available',
      digest: sha256(scaleAdd(2)),
    })
    const output = await outputOf(await infer('scale', [2, 2], [1, 2, 3, 4]))
    expect(output).toMatchObject({ shape: [2, 2], data: [3, 5, 7, 9] })
  })

  test('serve external data from a copy of their own', async () => {
    expect(await outputOf(await infer('far', [1, 3], [1, 1, 1]))).toMatchObject({ data: [2, 3, 4] })
  })

  test('feed NaN for an absent feature, not 0', async () => {
    const response = await gateway.post('/predict/named', { features: { b: 1 } })
    const body = (await response.json()) as { code?: string }
    expect(body, JSON.stringify(body)).toMatchObject({ code: 'OUTPUT_NOT_FINITE' })
    const sound = await gateway.post('/predict/named', { features: { a: 1 } })
    expect(JSON.stringify(await sound.json())).toMatch(/\[\[?1,7\]/)
  })
})

test('a version that hangs is failed after the time for proving', async () => {
  writeTree(repository, { 'endless/1/model.onnx': endless() })
  writeConfig(1) // what was proved before is in the cache
  gateway.reload()
  const version = await until(
    async () => {
      const { models } = await gateway.models()
      const [only] = models.find(({ name }) => name === 'endless')?.versions ?? []
      return only?.state === 'failed' ? only : null
    },
    { what: 'the version that hangs to be failed', timeoutMs: 40_000, everyMs: 50 },
  )
  expect(version).toMatchObject({ code: 'PROVING_TIMEOUT', reason: expect.stringMatching(/1 s/) })
  expect(await outputOf(await infer('scale', [1, 2], [1, 2]))).toMatchObject({ data: [3, 5] })
})
