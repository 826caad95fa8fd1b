/** One gateway over models whose rows depend on each other, or fail: how their requests are run. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VersionStatus } from '../../src/control/api/status-document.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { inferX, judgedVersions, outputOf } from '../helpers/gateway-models.ts'
import { columnMean, firstRow, fixedLabel, twoForOne } from '../helpers/leaky-models.ts'
import { batchMean, gather, identity, parseNumber, scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'

const tree: Record<string, Uint8Array | string> = {
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
}

const MODELS = Object.keys(tree).filter((path) => path.endsWith('model.onnx')).length

let gateway: TestGateway
let versions: Map<string, VersionStatus>

beforeAll(async () => {
  gateway = await startGateway({ repository: makeRepository(tree) })
  versions = await judgedVersions(gateway, MODELS)
})

afterAll(async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

const infer = (model: string, shape: number[], data: unknown[], datatype?: string) =>
  inferX(gateway, model, shape, data, datatype)

describe('versions', () => {
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
