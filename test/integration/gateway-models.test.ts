/** One gateway over good and bad versions together: the bad ones are named, the good ones serve. */

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VersionStatus } from '../../src/control/status-document.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { columnMean, firstRow, fixedLabel, twoForOne } from '../helpers/leaky-models.ts'
import {
  batchMean,
  endless,
  external,
  float16,
  foreignDomain,
  gather,
  hugeAllocation,
  identity,
  mlp,
  parseNumber,
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
  'gather/1/model.onnx': gather(),
  'gather/model.yaml':
    'dynamic_batching:\n  max_queue_delay_microseconds: 30000\n  preferred_batch_size: [60000]\n',
  'few/1/model.onnx': gather(),
  'few/model.yaml': 'max_batch_size: 2\n',
  'leak/1/model.onnx': columnMean(6, 7),
  'two/1/model.onnx': twoForOne(),
  'first/1/model.onnx': firstRow(),
  'label/1/model.onnx': fixedLabel(),
  'mean/1/model.onnx': batchMean(),
  'alone/1/model.onnx': scaleAdd(2),
  'alone/model.yaml': 'max_batch_size: 0\n',
  'scalar/1/model.onnx': identity('FP32', []),
  'text/1/model.onnx': parseNumber(),
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
  // A gateway with models that have no sound version serves, but does not call itself ready.
  const all = await until(
    async () => {
      const { models } = await gateway.models()
      const found = models.flatMap(({ name, versions: own }) =>
        own.map((each) => [`${name}/${each.version}`, each] as const),
      )
      const isComplete = found.length === MODELS && found.every(([, v]) => v.state !== 'loading')
      return isComplete ? found : null
    },
    { what: 'every version to be judged', timeoutMs: 50_000, everyMs: 50 },
  )
  versions = new Map(all)
})

afterAll(async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

const infer = (model: string, shape: number[], data: unknown[], datatype = 'FP32') =>
  gateway.post(`/v2/models/${model}/infer`, { inputs: [{ name: 'x', shape, datatype, data }] })

const outputOf = async (response: Response): Promise<{ shape: number[]; data: unknown[] }> => {
  const body = (await response.json()) as { outputs: { shape: number[]; data: unknown[] }[] }
  expect(response.status, JSON.stringify(body)).toBe(200)
  return body.outputs[0]!
}

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

  test('answer alone where batching is off, unsound or impossible', async () => {
    expect(versions.get('mean/1')).toMatchObject({
      batching: { mixesRequests: false },
      warnings: expect.arrayContaining([expect.stringMatching(/differ/)]),
    })
    expect(versions.get('alone/1')?.batching).toMatchObject({ rowsMax: 0, mixesRequests: false })
    expect(versions.get('scalar/1')?.batching).toMatchObject({ rowsMax: 0, mixesRequests: false })
    expect(versions.get('text/1')).toMatchObject({
      batching: { mixesRequests: false },
      warnings: expect.arrayContaining([expect.stringMatching(/made-up/)]),
    })
    const numbers = Array.from({ length: 24 }, (_, i) => i + 1)
    const rows = await Promise.all(
      numbers.map(async (i) => {
        const mean = await outputOf(await infer('mean', [1, 3], [i, i, i]))
        const alone = await outputOf(await infer('alone', [1, 2], [i, -i]))
        const scalar = await outputOf(await infer('scalar', [], [i]))
        const text = await outputOf(await infer('text', [1, 1], [`${i}.5`], 'BYTES'))
        return [mean.data, alone.data, scalar.data, text.data]
      }),
    )
    expect(rows).toEqual(numbers.map((i) => [[0, 0, 0], [2 * i + 1, 1 - 2 * i], [i], [i + 0.5]]))
  })

  test('take many rows where requests are not batched', async () => {
    const many = await outputOf(await infer('alone', [300, 2], new Array(600).fill(1)))
    expect(many.data).toEqual(new Array(600).fill(3))
    const mean = await outputOf(await infer('mean', [2, 3], [1, 1, 1, 3, 3, 3]))
    expect(mean.data).toEqual([-1, -1, -1, 1, 1, 1])
  })
})

describe('rows that are not what batching takes them for', () => {
  test('do not leak into one another', async () => {
    expect(versions.get('leak/1')?.batching).toMatchObject({ mixesRequests: false })
    const numbers = Array.from({ length: 32 }, (_, i) => i)
    const outputs = await Promise.all(
      numbers.map(async (i) => outputOf(await infer('leak', [1, 7], [0, 0, 0, 0, 0, 0, i]))),
    )
    expect(outputs.map(({ data }) => data)).toEqual(numbers.map(() => [0]))
  })

  test('are answered as they come where the model has another number of them', async () => {
    for (const name of ['two', 'first']) {
      expect(versions.get(`${name}/1`)).toMatchObject({
        batching: { rowsMax: 0, mixesRequests: false },
        warnings: expect.arrayContaining([expect.stringMatching(/one row for each row/)]),
      })
    }
    const two = await outputOf(await infer('two', [2, 1], [5, 6]))
    expect(two).toMatchObject({ shape: [4, 1], data: [5, 6, 5, 6] })
    const first = await outputOf(await infer('first', [3, 1], [7, 8, 9]))
    expect(first).toMatchObject({ shape: [1, 1], data: [7] })
    const predicted = await gateway.post('/predict/two', { features: [5] })
    expect(await predicted.json()).toMatchObject({ outputs: { y: [[5], [5]] } })
    const several = await gateway.post('/predict/first', { instances: [[7], [8], [9]] })
    expect(await several.json()).toMatchObject({ status: 400, code: 'TENSOR_SHAPE_MISMATCH' })
  })

  test('are warned of, with what would help', () => {
    expect(versions.get('label/1')?.warnings).toContainEqual(
      expect.stringMatching(/output 'label' is exported without a free first dimension/),
    )
    expect(versions.get('gather/1')?.warnings).toContainEqual(
      expect.stringMatching(/preferred_batch_size 60000 is beyond the largest batch/),
    )
  })
})

describe('a bad row among good ones', () => {
  const batchRuns = async (): Promise<{ runs: number; rows: number }> => {
    const text = await gateway.metrics()
    const figure = (end: string) =>
      [...text.matchAll(new RegExp(`^sluice_batch_rows_${end}\\{[^}]*gather[^}]*\\} (\\S+)`, 'gm'))]
        .map(([, value]) => Number(value))
        .reduce((sum, value) => sum + value, 0)
    return { runs: figure('count'), rows: figure('sum') }
  }

  test('fails alone: the others in its batch are answered', async () => {
    const indices = Array.from({ length: 40 }, (_, i) => (i % 10 === 7 ? 10 + i : i % 10))
    const responses = await Promise.all(indices.map((i) => infer('gather', [1, 1], [i], 'INT64')))
    const answers = await Promise.all(responses.map((response) => response.json()))
    for (const [i, index] of indices.entries()) {
      const answer = answers[i] as { outputs?: { data: number[] }[] }
      if (index >= 10) {
        expect(responses[i]?.status).toBe(500)
        expect(answer).toEqual({ error: expect.stringMatching(`idx=${index} must be within`) })
      } else expect(answer.outputs?.[0]?.data, JSON.stringify(answer)).toEqual([index * 1.5])
    }
    const { runs, rows } = await batchRuns()
    expect(rows).toBeGreaterThan(runs) // some of them did share a run
  })

  test('is named when the request has many rows', async () => {
    const response = await infer('gather', [4, 1], [1, 2, 99, 3], 'INT64')
    expect(response.status).toBe(500)
    const { error } = (await response.json()) as { error: string }
    expect(error).toMatch(/^The model failed on this input: .*out of data bounds, idx=99/)
    expect(error).not.toMatch(/onnxruntime_src|\.cc:/)
    const positional = { instances: [[1], [2], [99]] }
    for (const model of ['gather', 'few']) {
      const own = await gateway.post(`/predict/${model}`, positional)
      expect(await own.json()).toMatchObject({
        ...{ status: 500, code: 'INFERENCE_FAILED' },
        errors: [{ pointer: '/instances/2', detail: expect.stringMatching(/idx=99/) }],
      })
    }
    expect(await outputOf(await infer('gather', [2, 1], [9, -1], 'INT64'))).toMatchObject({
      data: [13.5, 13.5],
    })
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
