import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'

const { parseModelConfig, defaultConfig } = repositoryParsers

const parse = (text: string) => parseModelConfig(new TextEncoder().encode(text))

test('modelConfigOf() gives every key that a queue has', () => {
  const text = `dynamic_batching:
  priority_levels: 3
  default_priority_level: 2
  default_queue_policy: { timeout_action: DELAY, default_timeout_microseconds: 5000 }
  priority_queue_policy:
    1: { max_queue_size: 8, allow_timeout_override: true }
    3: {}
`
  const none = { timeoutAction: 'reject', defaultTimeoutUs: 0, requestsMax: 0 }
  expect(parse(text)).toEqual({
    ...defaultConfig,
    queue: {
      ...{ levels: 3, defaultLevel: 2 },
      base: {
        ...none,
        timeoutAction: 'delay',
        defaultTimeoutUs: 5000,
        allowTimeoutOverride: false,
      },
      byLevel: {
        1: { ...none, allowTimeoutOverride: true, requestsMax: 8 },
        3: { ...none, allowTimeoutOverride: false },
      },
    },
  })
})

test.each([
  ['version_policy: {latest: {num_versions: 2}}', { kind: 'latest', count: 2 }],
  ['version_policy: {latest: {}}', { kind: 'latest', count: 1 }],
  ['version_policy: {all: {}}', { kind: 'all' }],
  ['version_policy: {specific: {versions: [4, 2]}}', { kind: 'specific', versions: [4, 2] }],
  ['version_policy:', { kind: 'latest', count: 1 }],
])('modelConfigOf() reads %s', (text, versionPolicy) => {
  expect(parse(text)).toEqual({ ...defaultConfig, versionPolicy })
})

test('modelConfigOf() reads placement, instances and samples', () => {
  const text = `placement: pooled
instances: 3
model_warmup:
  - name: left out
    batch_size: 0
    inputs: {}
  - name: a
    count: 0
    inputs:
      x: { data_type: TYPE_STRING, dims: [2], input_data_file: texts/a }
      y: { data_type: TYPE_INT64, zero_data: true }
      z: { data_type: TYPE_FP32, random_data: true }
`
  expect(parse(text)).toEqual({
    ...defaultConfig,
    ...{ placement: 'pooled', instances: 3 },
    warmups: [
      {
        ...{ name: 'a', batchSize: 1, count: 1 },
        inputs: [
          { name: 'x', datatype: 'BYTES', dims: [2], data: { kind: 'file', file: 'texts/a' } },
          { name: 'y', datatype: 'INT64', dims: [], data: { kind: 'zero' } },
          { name: 'z', datatype: 'FP32', dims: [], data: { kind: 'random' } },
        ],
      },
    ],
  })
})

const wanted = 'wanted a level 1 to 2, the number of priority_levels'

test.each([
  [
    'levels without a default',
    'dynamic_batching: {priority_levels: 2}',
    `dynamic_batching.default_priority_level: is missing; ${wanted}`,
  ],
  [
    'a policy beyond the levels',
    'dynamic_batching: {priority_levels: 2, default_priority_level: 1, priority_queue_policy: {3: {}}}',
    `dynamic_batching.priority_queue_policy.3: got 3; ${wanted}`,
  ],
  [
    'a policy for no level',
    'dynamic_batching: {priority_queue_policy: {one: {}}}',
    'dynamic_batching.priority_queue_policy.one: is no level: a number from 1',
  ],
  [
    'a default without levels',
    'dynamic_batching: {default_priority_level: 1}',
    'dynamic_batching.default_priority_level: there are no priority_levels',
  ],
  [
    'two policies for versions',
    'version_policy: {latest: {}, all: {}}',
    'version_policy: wants one of latest, all, specific',
  ],
  [
    'no version',
    'version_policy: {specific: {versions: []}}',
    'version_policy.specific.versions: got a list',
  ],
  ['another place', 'placement: gpu', 'placement: got "gpu"; wanted `auto`, `inline` or `pooled`'],
  [
    'no data',
    'model_warmup: [{name: a, inputs: {x: {data_type: TYPE_FP32, dims: [1]}}}]',
    'model_warmup.0.inputs.x: wants one of zero_data, random_data, input_data_file',
  ],
  [
    'a file above',
    'model_warmup: [{name: a, inputs: {x: {data_type: TYPE_FP32, input_data_file: ../x}}}]',
    'model_warmup.0.inputs.x.input_data_file: names no file in the folder `warmup` of the model',
  ],
])('parseModelConfig() refuses %s', (_, text, detail) => {
  expect(parse(text)).toMatchObject({
    code: 'MODEL_CONFIG_INVALID',
    detail: expect.stringContaining(`  ${detail}`),
  })
})
