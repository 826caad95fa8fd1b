import { expect, test } from 'vitest'
import { tritonModelConfig } from '../../../../src/control/api/triton-model-config.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../../src/shared/session-settings.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const LATEST = { versionPolicy: { kind: 'latest', count: 1 }, warmups: [] } as const

/** Names and values as Triton's `ModelConfigToJson` writes them for such a model. */
test('tritonModelConfig() is what Triton says of a batching model', () => {
  const planned = plannedVersion({
    ...{ model: 'simple', version: 1 },
    signature: {
      inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [-1, 16] }],
      outputs: [{ name: 'OUTPUT0', datatype: 'BYTES', shape: [-1, 16, -1] }],
    },
    batching: { rowsMax: 8, mixesRequests: true, preferredRows: [4, 8], queueDelayUsMax: 500 },
    queue: {
      ...{ levels: 2, defaultLevel: 2 },
      base: {
        ...{ timeoutAction: 'reject', defaultTimeoutUs: 0 },
        ...{ allowTimeoutOverride: true, requestsMax: 5 },
      },
      byLevel: {
        1: {
          ...{ timeoutAction: 'delay', defaultTimeoutUs: 1000 },
          ...{ allowTimeoutOverride: false, requestsMax: 0 },
        },
      },
    },
  })
  expect(tritonModelConfig(planned, LATEST, 4)).toEqual({
    name: 'simple',
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    runtime: '',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: 8,
    input: [
      {
        ...{ name: 'INPUT0', data_type: 'TYPE_INT32', format: 'FORMAT_NONE', dims: [16] },
        ...{ is_shape_tensor: false, allow_ragged_batch: false, optional: false },
      },
    ],
    output: [
      {
        ...{ name: 'OUTPUT0', data_type: 'TYPE_STRING', dims: [16, -1] },
        ...{ label_filename: '', is_shape_tensor: false },
      },
    ],
    batch_input: [],
    batch_output: [],
    optimization: {
      graph: { level: 0 },
      priority: 'PRIORITY_DEFAULT',
      input_pinned_memory: { enable: false },
      output_pinned_memory: { enable: false },
      gather_kernel_buffer_threshold: 0,
      eager_batching: false,
    },
    dynamic_batching: {
      preferred_batch_size: [4, 8],
      max_queue_delay_microseconds: 500,
      preserve_ordering: false,
      priority_levels: 2,
      default_priority_level: 2,
      default_queue_policy: {
        ...{ timeout_action: 'REJECT', default_timeout_microseconds: 0 },
        ...{ allow_timeout_override: true, max_queue_size: 5 },
      },
      priority_queue_policy: {
        1: {
          ...{ timeout_action: 'DELAY', default_timeout_microseconds: 1000 },
          ...{ allow_timeout_override: false, max_queue_size: 0 },
        },
      },
    },
    instance_group: [
      {
        ...{ name: 'simple', kind: 'KIND_CPU', count: 4, gpus: [], secondary_devices: [] },
        ...{ profile: [], passive: false, host_policy: '' },
      },
    ],
    default_model_filename: 'model.onnx',
    cc_model_filenames: {},
    metric_tags: {},
    parameters: {
      intra_op_thread_count: { string_value: '1' },
      inter_op_thread_count: { string_value: '1' },
      execution_mode: { string_value: '0' },
      enable_mem_arena: { string_value: '1' },
      enable_mem_pattern: { string_value: '1' },
    },
    model_warmup: [],
  })
})

test('tritonModelConfig() keeps the first dimension of a model without rows, and batches nothing', () => {
  const batching = { rowsMax: 0, mixesRequests: false, preferredRows: [], queueDelayUsMax: 0 }
  const planned = plannedVersion({ model: 'm', version: 1, batching })
  const config = tritonModelConfig(planned, LATEST, 1)
  expect(config).toMatchObject({ max_batch_size: 0, input: [{ dims: [-1, 2] }] })
  expect(config).not.toHaveProperty('dynamic_batching')
})

test.each([
  [{ kind: 'latest', count: 3 }, { latest: { num_versions: 3 } }],
  [{ kind: 'all' }, { all: {} }],
  [{ kind: 'specific', versions: [1, 4] }, { specific: { versions: [1, 4] } }],
] as const)('tritonModelConfig() has the version policy %j', (versionPolicy, wanted) => {
  const planned = plannedVersion({ model: 'm', version: 1 })
  const config = tritonModelConfig(planned, { versionPolicy, warmups: [] }, 1)
  expect(config).toMatchObject({ version_policy: wanted })
})

test('tritonModelConfig() has the session and the warm-up samples that are in force', () => {
  const session: SessionSettings = {
    ...DEFAULT_SESSION,
    intraOpThreads: 4,
    executionMode: 'parallel',
    graphOptimization: 'disabled',
    memoryArena: false,
  }
  const planned = plannedVersion({ model: 'm', version: 1, session })
  const input = (name: string, data: object) => ({ name, datatype: 'FP32', dims: [2], ...data })
  const inputs = [
    input('a', { data: { kind: 'zero' } }),
    input('b', { data: { kind: 'random' } }),
    input('c', { data: { kind: 'file', file: 'rows.bin' } }),
  ] as never
  const warmups = [{ name: 'sample', batchSize: 4, count: 2, inputs }]
  const tensor = { data_type: 'TYPE_FP32', dims: [2] }
  expect(tritonModelConfig(planned, { ...LATEST, warmups }, 1)).toMatchObject({
    optimization: { graph: { level: 2 } },
    parameters: {
      intra_op_thread_count: { string_value: '4' },
      execution_mode: { string_value: '1' },
      enable_mem_arena: { string_value: '0' },
    },
    model_warmup: [
      {
        ...{ name: 'sample', batch_size: 4, count: 2 },
        inputs: {
          a: { ...tensor, zero_data: true },
          b: { ...tensor, random_data: true },
          c: { ...tensor, input_data_file: 'rows.bin' },
        },
      },
    ],
  })
})
