/**
 * A script of requests over two replicas predicts what `/stats`, `/config` and `/metrics` say of
 * them (Triton's qa/L0_server_status and qa/L0_metrics).
 */

import { beforeAll, expect, test } from 'vitest'
import type { ModelStatistics } from '../../src/control/figures/model-statistics.ts'
import { parseExposition } from '../helpers/exposition.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { inferX } from '../helpers/gateway-models.ts'
import { askUnlessLate } from '../helpers/late-calls.ts'
import { identity } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { nanModel, TRIGGER, throwingModel } from '../helpers/slow-models.ts'
import { until } from '../helpers/until.ts'

const ECHO_CONFIG = `name: "echo"
platform: "onnxruntime_onnx"
max_batch_size: 4
version_policy { latest { num_versions: 2 } }
dynamic_batching { preferred_batch_size: [ 4 ] max_queue_delay_microseconds: 100 }
`

const REPOSITORY = {
  'echo/1/model.onnx': identity('FP32'),
  'echo/2/model.onnx': identity('FP32'),
  'echo/config.pbtxt': ECHO_CONFIG,
  'echo/aliases.json': { champion: 2, challenger: 1 },
  'throw/1/model.onnx': throwingModel(),
  'nan/1/model.onnx': nanModel(),
}

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository: makeRepository(REPOSITORY) })
}, 60_000)

const get = (path: string) => askUnlessLate(() => fetch(`${gateway.httpUrl}${path}`))

const statsOf = async (path: string): Promise<readonly ModelStatistics[]> => {
  const response = await get(path)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  return ((await response.json()) as { model_stats: ModelStatistics[] }).model_stats
}

const infer = async (model: string, rows: number, first = 1): Promise<number> => {
  const data = Array.from({ length: rows * 2 }, () => first)
  const response = await inferX(gateway, model, [rows, 2], data)
  await response.arrayBuffer()
  return response.status
}

/** Counts of a version by the names of Triton's metrics, without `nv_inference_`. */
const metricsOf = async (model: string, version: string): Promise<Record<string, number>> => {
  const { series } = parseExposition(await gateway.metrics())
  const found: Record<string, number> = {}
  for (const [key, value] of series) {
    const [, name, labels] = key.match(/^nv_inference_(\w+)\{(.*)\}$/) ?? []
    if (name === undefined || !labels?.includes(`model="${model}"`)) continue
    if (!labels.includes(`version="${version}"`)) continue
    const reason = labels.match(/reason="(\w+)"/)?.[1]
    found[reason === undefined ? name : `${name} ${reason}`] = value
  }
  return found
}

/** Counted when its answer is written, or right after. */
const untilCounted = (path: string, total: number) =>
  until(
    async () => {
      const all = await statsOf(path)
      const { success, fail } = all.at(-1)!.inference_stats
      return success.count + fail.count >= total ? all.at(-1)! : null
    },
    { what: `${total} requests to be counted at ${path}` },
  )

test('a script of requests predicts every count, over threads, replicas and the dead', async () => {
  const beforeMs = Date.now()
  const script = [1, 1, 1, 3, 2, 4, 9, 1, 2, 3]
  for (const rows of script) expect(await infer('echo', rows)).toBe(200)
  expect(await Promise.all([1, 1, 1, 1, 1, 1].map((rows) => infer('echo', rows)))).toEqual(
    new Array(6).fill(200),
  )
  expect((await gateway.post('/v2/models/echo/infer', '{')).status).toBe(400)
  const rows = script.reduce((sum, each) => sum + each, 0) + 6
  const echo = await untilCounted('/v2/models/echo/versions/2/stats', 16)
  expect(echo).toMatchObject({ name: 'echo', version: '2', inference_count: rows })
  const { success, fail, queue, compute_infer, compute_output } = echo.inference_stats
  expect([success.count, queue.count, compute_infer.count, fail]).toEqual([
    ...[16, 16, 16],
    { count: 0, ns: 0 },
  ])
  expect(success.ns).toBeGreaterThanOrEqual(queue.ns + compute_infer.ns)
  expect(compute_output.ns).toBeGreaterThan(0)
  expect(echo.last_inference).toBeGreaterThanOrEqual(beforeMs - 1000)
  expect(echo.last_inference).toBeLessThanOrEqual(Date.now() + 1000)
  // Alone, ten requests are twelve runs: 9 rows run in three parts. The others share runs or not.
  const inBatches = echo.batch_stats.map(({ batch_size, compute_infer: { count } }) => {
    return [batch_size, count] as const
  })
  const sum = (each: (size: number, count: number) => number) =>
    inBatches.reduce((total, [size, count]) => total + each(size, count), 0)
  expect(sum((_, count) => count)).toBe(echo.execution_count)
  expect(sum((size, count) => size * count)).toBe(rows)
  expect(echo.execution_count).toBeGreaterThanOrEqual(12 + 2)
  expect(echo.execution_count).toBeLessThanOrEqual(12 + 6)

  expect(await infer('throw', 1, TRIGGER)).toBe(500)
  expect(await infer('throw', 1)).toBe(200)
  for (let i = 0; i < 3; i++) expect(await infer('nan', 1, TRIGGER)).toBe(500)
  const thrown = await untilCounted('/v2/models/throw/stats', 2)
  expect(thrown.inference_stats).toMatchObject({ success: { count: 1 }, fail: { count: 1 } })
  expect(thrown.inference_stats.fail.ns).toBeGreaterThan(0)
  expect(thrown).toMatchObject({ inference_count: 1, execution_count: 1 })
  const bad = await untilCounted('/v2/models/nan/versions/1/stats', 3)
  expect(bad.inference_stats).toMatchObject({ success: { count: 0 }, fail: { count: 3 } })

  expect(await metricsOf('echo', '2')).toMatchObject({
    request_success: 16,
    'request_failure REJECTED': 0,
    'request_failure CANCELED': 0,
    'request_failure BACKEND': 0,
    'request_failure OTHER': 0,
    count: rows,
    exec_count: echo.execution_count,
    request_duration_us: Math.round(success.ns / 1000),
    queue_duration_us: Math.round(queue.ns / 1000),
    compute_infer_duration_us: Math.round(compute_infer.ns / 1000),
    compute_output_duration_us: Math.round(compute_output.ns / 1000),
    pending_request_count: 0,
  })
  expect(await metricsOf('throw', '1')).toMatchObject({
    ...{ request_success: 1, 'request_failure BACKEND': 1, exec_count: 1, count: 1 },
  })
  expect(await metricsOf('nan', '1')).toMatchObject({ 'request_failure BACKEND': 3 })

  await gateway.killReplica(0)
  const [, second] = await statsOf('/v2/models/echo/stats')
  expect(second).toEqual(echo)
}, 60_000)

test('statistics are of all versions that serve, by name and number', async () => {
  const name = ({ name, version }: ModelStatistics) => `${name} ${version}`
  const all = await statsOf('/v2/models/stats')
  expect(all.map(name)).toEqual(['echo 1', 'echo 2', 'nan 1', 'throw 1'])
  expect((await statsOf('/v2/models/echo/stats')).map(name)).toEqual(['echo 1', 'echo 2'])
  expect(all[0]).toMatchObject({ last_inference: 0, execution_count: 0, batch_stats: [] })
})

test('the config is what is in force', async () => {
  const config = await (await get('/v2/models/echo/config')).json()
  expect(config).toMatchObject({
    ...{ name: 'echo', platform: 'onnxruntime_onnx', backend: 'onnxruntime', max_batch_size: 4 },
    version_policy: { latest: { num_versions: 2 } },
    input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2] }],
    output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [2] }],
    dynamic_batching: { preferred_batch_size: [4], max_queue_delay_microseconds: 100 },
  })
  expect(await (await get('/v2/models/echo/versions/1/config')).json()).toEqual(config)
})

test.each([
  ['/v2/models/nosuch/stats', 404, "Request for unknown model: 'nosuch' is not found"],
  ['/v2/models/echo/versions/9/stats', 404, "'echo' version 9 is not found"],
  ['/v2/models/nosuch/config', 404, "Request for unknown model: 'nosuch' is not found"],
  ['/v2/models/echo/versions/9/config', 404, "'echo' version 9 is not found"],
])('%s is %i', async (path, status, text) => {
  const response = await get(path)
  expect(response.status).toBe(status)
  expect(((await response.json()) as { error: string }).error).toContain(text)
})

test('many who ask at once share the answers, or are refused at once', async () => {
  const paths = ['/v2/models/stats', '/v2/models/echo/stats', '/v2/models/echo/config']
  const asked = Array.from({ length: 120 }, (_, i) => get(paths[i % paths.length]!))
  const answers = await Promise.all(asked)
  const codes = new Set(answers.map(({ headers }) => headers.get('x-sluice-error')))
  expect([...codes].every((code) => code === null || code === 'CONTROL_BUSY')).toBe(true)
  expect(codes).toContain(null)
  await Promise.all(answers.map((response) => response.arrayBuffer()))
})
