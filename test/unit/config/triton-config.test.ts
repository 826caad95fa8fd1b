import { describe, expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'

const parse = (text: string) => parseTritonConfig(new TextEncoder().encode(text), 'm')

/** What a sound file says. */
const sound = (text: string) => {
  const result = parse(text)
  if ('code' in result) throw new Error(result.detail)
  return result
}

const configOf = (text: string) => sound(text).config
const warningsOf = (text: string) => sound(text).warnings.map(({ detail }) => detail)

/** In form that of `simple` in Triton's examples. */
const SIMPLE = `
name: "m"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [
  {
    name: "INPUT0"
    data_type: TYPE_INT32
    dims: [ 16 ]
  },
  {
    name: "INPUT1"
    data_type: TYPE_STRING
    dims: [ -1, 2 ]
  }
]
output [
  {
    name: "OUTPUT0"
    data_type: TYPE_FP32
    dims: 16
    dims: 3
  }
]
`

/** In form that of `densenet_onnx`. */
const DENSENET = `name: "m"
platform: "onnxruntime_onnx"
max_batch_size : 0
input [
  {
    name: "data_0"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 224, 224 ]
    reshape { shape: [ 1, 3, 224, 224 ] }
  }
]
output [
  {
    name: "fc6_1"
    data_type: TYPE_FP32
    dims: [ 1000 ]
    reshape { shape: [ 1, 1000, 1, 1 ] }
    label_filename: "densenet_labels.txt"
  }
]
`

describe('parseTritonConfig() reads', () => {
  test('the tensors of a model, and where they are declared', () => {
    const { declared, maxBatchSize } = configOf(SIMPLE)
    expect(maxBatchSize).toBe(8)
    expect(declared).toMatchObject({
      batchSizePlace: { line: 4, column: 1 },
      inputs: [
        { name: 'INPUT0', datatype: 'INT32', dims: [16] },
        {
          ...{ name: 'INPUT1', datatype: 'BYTES', dims: [-1, 2] },
          places: {
            name: { line: 12, column: 5 },
            datatype: { line: 13, column: 5 },
            dims: { line: 14, column: 13 },
          },
        },
      ],
      outputs: [{ name: 'OUTPUT0', datatype: 'FP32', dims: [16, 3] }],
    })
    expect(warningsOf(SIMPLE)).toEqual([])
  })

  test('the shape of the model from `reshape`, and warns', () => {
    const { declared, maxBatchSize } = configOf(DENSENET)
    expect(maxBatchSize).toBe(0)
    expect(declared?.inputs[0]).toMatchObject({ dims: [1, 3, 224, 224] })
    expect(declared?.outputs[0]).toMatchObject({ dims: [1, 1000, 1, 1] })
    expect(warningsOf(DENSENET)).toEqual([
      'config.pbtxt:8:5  input.format: is not obeyed: tensors go to the model as they came',
      expect.stringMatching(/^config.pbtxt:10:13 {2}input.reshape: is not obeyed: clients send/),
      expect.stringMatching(/^config.pbtxt:18:13 {2}output.reshape: is not obeyed: clients send/),
      expect.stringMatching(
        /^config.pbtxt:19:5 {2}output.label_filename: is not obeyed: classes have/,
      ),
    ])
  })

  test('nothing, as the default', () => {
    const { declared, ...config } = configOf('# empty')
    const { declared: _, ...rest } = repositoryParsers.defaultConfig
    expect(config).toEqual(rest)
    expect(declared).toMatchObject({ inputs: [], outputs: [] })
  })

  test.each([
    ['0 with all tensors declared', `max_batch_size: 0 ${SIMPLE.replace(/max_.*/, '')}`, 0],
    ['none with all tensors declared', SIMPLE.replace(/max_.*/, ''), 0],
    ['0 without tensors', 'max_batch_size: 0', null],
    ['none with inputs only', 'input { name: "x" data_type: TYPE_FP32 dims: 1 }', null],
    ['some without tensors', 'max_batch_size: 16', 16],
  ])('a max_batch_size of %s', (_, text, rows) => {
    expect(configOf(text).maxBatchSize).toBe(rows)
  })

  test('dynamic batching', () => {
    const text = `max_batch_size: 8
      dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }`
    const batching = { maxBatchSize: 8, preferredBatchSize: [4, 8], maxQueueDelayUs: 100 }
    expect(configOf(text)).toMatchObject(batching)
    expect(warningsOf(text)).toEqual([])
    expect(configOf('max_batch_size: 8 dynamic_batching { }')).toMatchObject({ maxBatchSize: 8 })
  })

  test.each([
    ['threads', 'intra_op_thread_count', '4', { intraOpThreads: 4 }],
    ['all cores', 'intra_op_thread_count', '0', { intraOpThreads: 0 }],
    ['threads between operators', 'inter_op_thread_count', '2', { interOpThreads: 2 }],
    ['parallel mode', 'execution_mode', '1', { executionMode: 'parallel' }],
    ['sequential mode', 'execution_mode', '0', { executionMode: 'sequential' }],
    ['no arena', 'enable_mem_arena', '0', { memoryArena: false }],
    ['an arena', 'enable_mem_arena', 'true', { memoryArena: true }],
    ['no pattern', 'enable_mem_pattern', 'false', { memoryPattern: false }],
  ])('%s from the parameters of the ONNX backend', (_, key, value, session) => {
    const text = `parameters { key: "${key}" value: { string_value: "${value}" } }`
    expect(configOf(text).session).toEqual({ ...DEFAULT_SESSION, ...session })
    expect(warningsOf(text)).toEqual([])
  })

  test.each([
    [-1, 'basic'],
    [0, 'all'],
    [1, 'extended'],
    [2, 'disabled'],
    [7, 'all'],
  ])('level %i of graph optimisation', (level, graphOptimization) => {
    const text = `optimization { graph : { level : ${level} }}`
    expect(configOf(text).session).toEqual({ ...DEFAULT_SESSION, graphOptimization })
  })

  test('CUDA as an accelerator, unless every instance is on the CPU', () => {
    const text = `optimization { execution_accelerators {
      gpu_execution_accelerator : [ { name : "cuda" } ] } }`
    expect(configOf(text).session.providers).toEqual(['cuda', 'cpu'])
    const onCpu = `${text} instance_group [ { kind: KIND_CPU }, { count: 2 kind: KIND_CPU } ]`
    expect(configOf(onCpu).session.providers).toEqual(['cpu'])
    expect(warningsOf(onCpu)).toContainEqual(
      expect.stringContaining('every instance_group is KIND_CPU'),
    )
    const onBoth = `${text} instance_group [ { kind: KIND_CPU }, { count: 2 } ]`
    expect(configOf(onBoth).session.providers).toEqual(['cuda', 'cpu'])
  })
})

describe('parseTritonConfig() warns of', () => {
  test.each([
    [
      'an unknown key',
      'max_batchsize: 4',
      "1:1  max_batchsize: Unknown key 'max_batchsize': it does nothing  (did you mean 'max_batch_size'?)",
    ],
    [
      'an unknown key further down',
      'input { name: "x" data_type: TYPE_FP32 dims: 1 dim: 3 }',
      "1:48  input.dim: Unknown key 'dim': it does nothing  (did you mean 'dims'?)",
    ],
    ['an extension', '[a.b]: 1', "1:1  [a.b]: Unknown key '[a.b]': it does nothing"],
    ['a key of JavaScript', 'constructor: 1', "1:1  constructor: Unknown key 'constructor'"],
    [
      'an unknown parameter',
      'parameters { key: "intra_op_threads" value { string_value: "1" } }',
      "1:14  parameters.intra_op_threads: Unknown parameter 'intra_op_threads': it does nothing",
    ],
    [
      'a parameter of CUDA',
      'parameters { key: "gpu_mem_limit" value { string_value: "1" } }',
      '1:14  parameters.gpu_mem_limit: is not obeyed: providers run',
    ],
    [
      'instances',
      'backend: ""\ninstance_group [ { count: 2 } ]',
      '2:1  instance_group: is not obeyed: every data thread',
    ],
    [
      'a version policy',
      'version_policy: { specific { versions: [1, 3] } }',
      '1:19  version_policy.specific: is not obeyed: the `champion`',
    ],
    [
      'two versions',
      'version_policy: { latest { num_versions: 2 } }',
      'version_policy.latest.num_versions: is not obeyed',
    ],
    [
      'warm-up',
      'model_warmup { name: "a" }',
      'model_warmup: is not obeyed: every session is warmed up',
    ],
    [
      'a cache',
      'response_cache { enable: true }',
      'response_cache.enable: is not obeyed: every request is run',
    ],
    [
      'a queue policy',
      'max_batch_size: 2 dynamic_batching { default_queue_policy { max_queue_size: 1 } }',
      '1:38  dynamic_batching.default_queue_policy: is not obeyed: `limits.queue_rows_max`',
    ],
    [
      'order',
      'dynamic_batching { preserve_ordering: true }',
      'dynamic_batching.preserve_ordering: is not obeyed',
    ],
    [
      'an input that may be left out',
      'input { name: "x" data_type: TYPE_FP32 dims: 1 optional: true }',
      'input.optional: is not obeyed: the input must be sent',
    ],
    [
      'TensorRT',
      'optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" } } }',
      'is not obeyed: of GPUs only `cuda` is used',
    ],
    [
      'OpenVINO',
      'optimization { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }',
      'cpu_execution_accelerator: is not obeyed',
    ],
    [
      'batching of what runs alone',
      `${SIMPLE.replace(/max_.*/, '')} dynamic_batching {}`,
      'dynamic_batching: is not obeyed: max_batch_size is 0 or absent',
    ],
  ])('%s', (_, text, warning) => {
    expect(warningsOf(text)).toEqual([expect.stringContaining(warning)])
  })

  test.each([
    'version_policy: { latest { num_versions: 1 } }',
    'response_cache { enable: false }',
    'model_transaction_policy { decoupled: False }',
    'input { name: "x" data_type: TYPE_FP32 dims: 1 optional: f format: FORMAT_NONE }',
    'optimization { eager_batching: 0 priority: PRIORITY_DEFAULT }',
    'platform: "" backend: "onnxruntime" default_model_filename: "model.onnx"',
    'parameters { key: "share_session_between_instances" value { string_value: "false" } }',
  ])('nothing that asks for nothing: %s', (text) => {
    expect(warningsOf(text)).toEqual([])
  })

  test('a key once, and of no more than 100 things', () => {
    expect(warningsOf('model_warmup {} model_warmup {}')).toHaveLength(1)
    const many = Array.from({ length: 1000 }, (_, i) => `x${i}: 1`)
    expect(warningsOf(many.join(' '))).toHaveLength(100)
  })
})
