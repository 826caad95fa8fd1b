/**
 * A repository of Triton's form: what its config.pbtxt files ask for is done, said or refused.
 * In form after `simple` and `densenet_onnx` of Triton's examples.
 */

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { versionWhen } from '../helpers/gateway-models.ts'
import { scaleAdd } from '../helpers/models.ts'
import { ELEMENT, graph, model, node, value } from '../helpers/onnx-writer.ts'
import { signal } from '../helpers/reaper.ts'
import { makeRepository } from '../helpers/repository.ts'
import { DENSENET } from '../helpers/triton-configs.ts'
import { until } from '../helpers/until.ts'

const int32 = (name: string) => value(name, ELEMENT.INT32, ['N', 16])

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1. */
const sumAndDifference = (): Uint8Array =>
  model(
    graph({
      nodes: [
        node('Add', ['INPUT0', 'INPUT1'], ['OUTPUT0']),
        node('Sub', ['INPUT0', 'INPUT1'], ['OUTPUT1']),
      ],
      inputs: [int32('INPUT0'), int32('INPUT1')],
      outputs: [int32('OUTPUT0'), int32('OUTPUT1')],
    }),
  )

/** A picture of 3 x 2 x 2 as it is. */
const picture = (): Uint8Array => {
  const shape = [1, 3, 2, 2]
  const [x, y] = ['data_0', 'fc6_1'].map((name) => value(name, ELEMENT.FP32, shape))
  const nodes = [node('Identity', ['data_0'], ['fc6_1'])]
  return model(graph({ nodes, inputs: [x!], outputs: [y!] }))
}

const tensor = (name: string) => `  {
    name: "${name}"
    data_type: TYPE_INT32
    dims: [ 16 ]
  }`

const SIMPLE = `name: "simple"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
${tensor('INPUT0')},
${tensor('INPUT1')}
]
output [
${tensor('OUTPUT0')},
${tensor('OUTPUT1')}
]
dynamic_batching { max_queue_delay_microseconds: 200 preferred_batch_size: [ 4, 8 ] }
instance_group [ { count: 2 kind: KIND_CPU passive: true } ]
optimization { graph { level: 1 } }
parameters { key: "intra_op_thread_count" value: { string_value: "2" } }
parameters { key: "enable_mem_pattern" value: { string_value: "0" } }
`

const repository = makeRepository({
  'simple/1/model.onnx': sumAndDifference(),
  'simple/config.pbtxt': SIMPLE,
  'densenet_onnx/1/model.onnx': picture(),
  'densenet_onnx/config.pbtxt': DENSENET,
  'wrong/1/model.onnx': scaleAdd(2),
  'wrong/config.pbtxt': 'max_batch_size: 4\ninput { name: "x" data_type: TYPE_FP32 dims: 3 }',
  'ensemble/1/model.onnx': scaleAdd(2),
  'ensemble/config.pbtxt': 'ensemble_scheduling { }',
})
const file = (name: string) => join(repository, 'simple', name)

let gateway: TestGateway

const warnings = async () => (await gateway.status()).warnings

beforeAll(async () => {
  gateway = await startGateway({ repository, isReadyAwaited: false })
  for (const name of ['simple', 'densenet_onnx']) {
    await versionWhen(gateway, name, `${name} to serve`, ({ state }) => state === 'available')
  }
  await versionWhen(gateway, 'wrong', 'wrong to be judged', ({ state }) => state === 'failed')
})

const infer = async (name: string, inputs: readonly object[]) => {
  const response = await gateway.post(`/v2/models/${name}/infer`, { inputs })
  return (await response.json()) as { outputs?: { data: number[] }[]; error?: string }
}

test('batching and session are those of config.pbtxt', async () => {
  expect(await gateway.version('simple')).toMatchObject({
    batching: { preferredRows: [4, 8], queueDelayUsMax: 200 },
    session: {
      ...{ intraOpThreads: 2, interOpThreads: 1, executionMode: 'sequential' },
      ...{ graphOptimization: 'extended', memoryArena: true, memoryPattern: false },
      providers: ['cpu'],
    },
  })
  expect((await gateway.version('simple'))?.batching?.rowsMax).toBeLessThanOrEqual(8)
  expect(await gateway.version('densenet_onnx')).toMatchObject({ batching: { rowsMax: 0 } })
})

test('models answer as with Triton', async () => {
  const numbers = Array.from({ length: 16 }, (_, i) => i)
  const input = (name: string, data: readonly number[]) => ({
    ...{ name, shape: [1, 16], datatype: 'INT32', data },
  })
  const ones = new Array<number>(16).fill(1)
  const { outputs } = await infer('simple', [input('INPUT0', numbers), input('INPUT1', ones)])
  expect(outputs?.map(({ data }) => data)).toEqual([
    numbers.map((i) => i + 1),
    numbers.map((i) => i - 1),
  ])
  const pixels = numbers.slice(0, 12)
  const shown = { name: 'data_0', shape: [1, 3, 2, 2], datatype: 'FP32', data: pixels }
  expect(await infer('densenet_onnx', [shown])).toMatchObject({ outputs: [{ data: pixels }] })
})

test('what is not obeyed is in status and log, what is refused has its line', async () => {
  const found = (await warnings()).join('\n')
  expect(found).toContain('simple: config.pbtxt:29:44  instance_group.passive: is not obeyed')
  expect(found).toContain('densenet_onnx: config.pbtxt:10:13  input.reshape: is not obeyed')
  expect(found).toContain('ensemble: config.pbtxt:1:1  ensemble_scheduling: is not served')
  expect(gateway.stderr).toMatch(/"repository_fault".*config.pbtxt:29:44 {2}instance_group.passive/)
  expect(await gateway.version('wrong')).toMatchObject({
    ...{ state: 'failed', code: 'MODEL_CONFIG_INVALID' },
    reason:
      "config.pbtxt:2:40  input.dims: 'x' of version 1 is [-1,2], the first being that of rows: wanted [2], got [3]",
  })
  expect(await gateway.version('ensemble')).toMatchObject({ code: 'MODEL_CONFIG_INVALID' })
})

const reload = () => signal(gateway.controlPid, 'SIGHUP')

test('what was served before serves on, until what lies there is sound again', async () => {
  const whenSaid = (said: string) =>
    until(async () => (await warnings()).join('\n').includes(said), {
      ...{ what: said, timeoutMs: 30_000, everyMs: 50 },
    })
  writeFileSync(file('model.yaml'), '')
  reload()
  await whenSaid('simple: There are model.yaml and config.pbtxt; keep the one that counts')
  expect(await gateway.version('simple')).toMatchObject({ state: 'available' })
  expect((await gateway.version('simple'))?.warnings.join()).toMatch(
    /serves as it was; what lies there now cannot: MODEL_CONFIG_INVALID: There are model.yaml and/,
  )

  rmSync(file('model.yaml'))
  writeFileSync(file('config.pbtxt'), SIMPLE.replace('dims: [ 16 ]', 'dims: [ 17 ]'))
  reload()
  await whenSaid('what lies there now cannot: MODEL_CONFIG_INVALID: config.pbtxt:8:13  input.dims')
  expect(await gateway.version('simple')).toMatchObject({ state: 'available' })

  writeFileSync(file('config.pbtxt'), SIMPLE.replace('string_value: "2"', 'string_value: "1"'))
  reload()
  const { warnings: left } = await versionWhen(
    gateway,
    'simple',
    'other threads',
    ({ state, session }) => state === 'available' && session?.intraOpThreads === 1,
  )
  expect(left.join()).not.toContain('what lies there now')
})
