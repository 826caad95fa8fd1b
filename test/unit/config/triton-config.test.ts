import { describe, expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { DENSENET } from '../../helpers/triton-configs.ts'

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
    const text = DENSENET.replace('"densenet_onnx"', '"m"')
    const { declared, maxBatchSize } = configOf(text)
    expect(maxBatchSize).toBe(0)
    expect(declared?.inputs[0]).toMatchObject({ dims: [1, 3, 2, 2] })
    expect(declared?.outputs[0]).toMatchObject({ dims: [1, 3, 2, 2] })
    expect(warningsOf(text)).toEqual([
      'config.pbtxt:8:5  input.format: is not obeyed: tensors go to the model as they came',
      'config.pbtxt:10:13  input.reshape: is not obeyed: clients must send the shape of the model, [1,3,2,2]',
      expect.stringMatching(
        /^config.pbtxt:18:5 {2}output.label_filename: is not obeyed: classes have/,
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

  test('enums by number, and whether an input is optional', () => {
    const text =
      'input { name: "x" data_type: 11 dims: 1 optional: 1 } input { name: "y" data_type: 13 dims: 1 optional: f }'
    expect(configOf(text).declared?.inputs).toMatchObject([
      { datatype: 'FP32', isOptional: true },
      { datatype: 'BYTES', isOptional: false },
    ])
  })

  test('numbers beyond what is done as the largest that is', () => {
    const text = `max_batch_size: 70000
      dynamic_batching { max_queue_delay_microseconds: 12000000 preferred_batch_size: [ 8, 99999 ] }`
    const batching = { maxBatchSize: 65536, maxQueueDelayUs: 10_000_000 }
    expect(configOf(text)).toMatchObject({ ...batching, preferredBatchSize: [8, 65536] })
    expect(warningsOf(text)).toEqual([
      'config.pbtxt:1:1  max_batch_size: got 70000, which counts as 65536',
      expect.stringMatching(
        /max_queue_delay_microseconds: got 12000000, which counts as 10000000$/,
      ),
      expect.stringMatching(/preferred_batch_size: got 99999, which counts as 65536$/),
    ])
  })

  test('reshaped inputs of any size, where dims agree', () => {
    const text =
      'input { name: "x" data_type: TYPE_FP32 dims: [ -1, 6 ] reshape { shape: [ -1, 2, 3 ] } }'
    expect(configOf(text).declared?.inputs[0]?.dims).toEqual([-1, 2, 3])
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
      "1:46  parameters.intra_op_threads: Unknown parameter 'intra_op_threads': it does nothing",
    ],
    [
      'a parameter of CUDA',
      'parameters { key: "arena_extend_strategy" value { string_value: "1" } }',
      '1:51  parameters.arena_extend_strategy: is not obeyed: ONNX Runtime for Node passes nothing',
    ],
    [
      'agents',
      'model_repository_agents { agents { name: "checksum" } }',
      'model_repository_agents: is not obeyed: agents are not run',
    ],
    [
      'a cache',
      'response_cache { enable: true }',
      'response_cache.enable: is not obeyed: every request is run',
    ],
    [
      'order',
      'dynamic_batching { preserve_ordering: true }',
      'dynamic_batching.preserve_ordering: is not obeyed',
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
    'instance_group { name: "a" gpus: [ 0 ] passive: false host_policy: "" }',
    'platform: "" backend: "onnxruntime" default_model_filename: "model.onnx"',
    'parameters { key: "share_session_between_instances" value { string_value: "false" } }',
  ])('nothing that asks for nothing: %s', (text) => {
    expect(warningsOf(text)).toEqual([])
  })

  test('a key once, and of no more than 100 things', () => {
    expect(warningsOf('metric_tags {} metric_tags {}')).toHaveLength(1)
    const many = Array.from({ length: 1000 }, (_, i) => `x${i}: 1`)
    expect(warningsOf(many.join(' '))).toHaveLength(100)
    expect(warningsOf('metric_tags: [] metric_tags {}')).toHaveLength(1)
  })

  test('long names, but shows their beginning', () => {
    const name = 'x'.repeat(10_000)
    const [warning = ''] = warningsOf(`parameters { key: "${name}" value { string_value: "" } }`)
    expect(warning.length).toBeLessThan(250)
  })
})
