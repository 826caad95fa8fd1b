import { expect, test } from 'vitest'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { expectProportional, GROWTH } from '../../helpers/proportion.ts'

const parse = (text: string) => parseTritonConfig(new TextEncoder().encode(text), 'm')

/** The problems of a refused file. */
const problemsOf = (text: string): string[] => {
  const result = parse(text)
  if (!('code' in result)) return []
  expect(result.code).toBe('MODEL_CONFIG_INVALID')
  return result.problems.map(
    ({ line, column, path, message, hint }) =>
      `${line}:${column} ${path}: ${message}${hint === null ? '' : ` (${hint})`}`,
  )
}

test.each<readonly [string, string, readonly string[]]>([
  ['another name', 'name: "other"', ["1:1 name: is not 'm', the name of its folder"]],
  [
    'another platform',
    'platform: "tensorflow_savedmodel"',
    [
      '1:1 platform: got "tensorflow_savedmodel"; wanted `onnxruntime_onnx` (Sluice serves ONNX models only)',
    ],
  ],
  [
    'a misspelt backend',
    'backend: "onxruntime"',
    [`1:1 backend: got "onxruntime"; wanted \`onnxruntime\` (did you mean 'onnxruntime'?)`],
  ],
  [
    'another file',
    'default_model_filename: "model.pt"',
    ['1:1 default_model_filename: got "model.pt"; wanted `model.onnx`'],
  ],
  [
    'a negative size',
    'max_batch_size: -1',
    ['1:1 max_batch_size: got -1; wanted an integer 0 to 65536'],
  ],
  [
    'a size with a fraction',
    'max_batch_size: 8.0',
    ['1:1 max_batch_size: got a number with a fraction; wanted an integer 0 to 65536'],
  ],
  [
    'a size as text',
    'max_batch_size: "8"',
    ['1:1 max_batch_size: got "8"; wanted an integer 0 to 65536'],
  ],
  [
    'a size as message',
    'max_batch_size { }',
    ['1:1 max_batch_size: got a message; wanted an integer 0 to 65536'],
  ],
  ['two sizes', 'max_batch_size: 8\nmax_batch_size: 4', ['2:1 max_batch_size: stands twice']],
  ['a list of sizes', 'max_batch_size: [8]', ['1:1 max_batch_size: takes one value, not a list']],
  [
    'a negative delay',
    'dynamic_batching { max_queue_delay_microseconds: -1 }',
    ['1:20 dynamic_batching.max_queue_delay_microseconds: got -1; wanted an integer 0 to 10000000'],
  ],
  [
    'answers of another shape',
    'output { name: "x" data_type: TYPE_FP32 dims: 1 reshape { } }',
    [
      '1:49 output.reshape: is not served: answers have the shape of the model (write the shape of the model as dims, or leave the output out)',
    ],
  ],
  [
    'inputs that cannot be reshaped',
    'input { name: "x" data_type: TYPE_FP32 dims: [-1, 6] reshape { shape: [-1, 5] } }',
    ['1:62 input.reshape: has another number of elements than dims'],
  ],
  [
    'an enum beyond its numbers',
    'instance_group { kind: 4 }',
    ['1:18 instance_group.kind: got 4; wanted `KIND_AUTO`, `KIND_GPU`, `KIND_CPU` or `KIND_MODEL`'],
  ],
  [
    'neither true nor false',
    'input { name: "x" data_type: TYPE_FP32 dims: 1 optional: yes }',
    ['1:48 input.optional: got yes; wanted `true` or `false`'],
  ],
  [
    'an arena of t, as Triton does',
    'parameters { key: "enable_mem_arena" value: { string_value: "t" } }',
    ['1:47 parameters.enable_mem_arena: got "t"; wanted "0" or "1"'],
  ],
  [
    'a refused key behind one that asks for nothing',
    'model_transaction_policy { decoupled: false decoupled: true }\nbatch_input: [] batch_input { }',
    [
      '1:45 model_transaction_policy.decoupled: stands twice',
      '2:17 batch_input: is not served: it fills inputs of the model from the shapes of requests',
    ],
  ],
  [
    'a key twice that is warned about',
    'response_cache { enable: false }\nresponse_cache { enable: false }',
    ['2:1 response_cache: stands twice'],
  ],
  [
    'a preferred size of 0',
    'dynamic_batching { preferred_batch_size: [4, 0] }',
    ['1:46 dynamic_batching.preferred_batch_size: got 0; wanted an integer 1 to 65536'],
  ],
  [
    'many preferred sizes',
    `dynamic_batching { preferred_batch_size: [${'1, '.repeat(64)}1] }`,
    ['1:235 dynamic_batching.preferred_batch_size: has more than 64 values'],
  ],
  [
    'an enum as text',
    'input { name: "x" data_type: "TYPE_FP32" dims: 1 }',
    [expect.stringContaining('1:19 input.data_type: got "TYPE_FP32"; wanted `TYPE_BOOL`,')],
  ],
  [
    'an unknown datatype',
    'input { name: "x" data_type: TYPE_FP31 dims: 1 }',
    [expect.stringMatching(/got TYPE_FP31; wanted .*did you mean 'TYPE_FP32'/)],
  ],
  [
    'a tensor without anything',
    '\ninput { }',
    ['2:7 input.name: is missing', '2:7 input.data_type: is missing', '2:7 input.dims: is missing'],
  ],
  ['a tensor that is none', 'input: 3', [`1:8 input: got 3; wanted '{'`]],
  [
    'a dimension of 0',
    'output { name: "x" data_type: TYPE_FP32 dims: [1, 0] }',
    ['1:51 output.dims: got 0; wanted at least 1, or -1 for any'],
  ],
  [
    'a dimension of -2',
    'output { name: "x" data_type: TYPE_FP32 dims: -2 }',
    [expect.stringContaining('1:41 output.dims: got -2; wanted an integer -1 to ')],
  ],
  [
    'many dimensions',
    `output { name: "x" data_type: TYPE_FP32 dims: [${'1, '.repeat(64)}1] }`,
    ['1:240 output.dims: has more than 64 values'],
  ],
  [
    'a tensor twice',
    'input { name: "x" data_type: TYPE_FP32 dims: 1 } input { name: "x" data_type: TYPE_INT8 dims: 1 }',
    [`1:58 input.name: 'x' is declared twice`],
  ],
  [
    'an ensemble',
    'ensemble_scheduling { step [ ] }',
    ['1:1 ensemble_scheduling: is not served: it is made of other models'],
  ],
  [
    'sequences',
    'sequence_batching { }',
    ['1:1 sequence_batching: is not served: it keeps state from one request to the next'],
  ],
  [
    'answers apart from requests',
    'model_transaction_policy { decoupled: true }',
    ['1:28 model_transaction_policy.decoupled: is not served: a request is answered once'],
  ],
  [
    'inputs that the server makes',
    'batch_input [ { kind: BATCH_ELEMENT_COUNT } ]',
    ['1:1 batch_input: is not served: it fills inputs of the model from the shapes of requests'],
  ],
  [
    'an unknown mode',
    'parameters { key: "execution_mode" value: { string_value: "2" } }',
    ['1:45 parameters.execution_mode: got "2"; wanted "0", sequential, or "1", parallel'],
  ],
  [
    'too many threads',
    'parameters { key: "intra_op_thread_count" value: { string_value: "257" } }',
    ['1:52 parameters.intra_op_thread_count: got "257"; wanted "0" to "256"'],
  ],
  [
    'a parameter without value',
    'parameters { key: "enable_mem_arena" }',
    ['1:14 parameters.enable_mem_arena: got ""; wanted "0" or "1"'],
  ],
  [
    'a parameter twice',
    'parameters [ { key: "a" }, { key: "a" } ]',
    ['1:30 parameters.a: stands twice'],
  ],
  [
    'a parameter that is a number',
    'parameters { key: "enable_mem_arena" value: { string_value: 1 } }',
    [expect.stringContaining('parameters.value.string_value: got 1; wanted a string')],
  ],
  [
    'text that is no UTF-8',
    'name: "\\377"',
    ['1:1 name: got bytes that are no UTF-8; wanted a string'],
  ],
  [
    'what is no text format',
    'name: "m"\nplatform "x"',
    [`2:10 : Is not protobuf text format: wanted ':' or '{' after 'platform'; found a string`],
  ],
])('parseTritonConfig() refuses %s', (_, text, problems) => {
  expect(problemsOf(text)).toEqual(problems)
})

test('parseTritonConfig() refuses bytes that are no UTF-8, and more than 128 KiB', () => {
  const refusal = { code: 'MODEL_CONFIG_INVALID', detail: expect.stringContaining('not UTF-8') }
  expect(parseTritonConfig(Uint8Array.of(0x6e, 0xff), 'm')).toMatchObject(refusal)
  const large = new Uint8Array(2 ** 17 + 1).fill(32)
  const detail = 'config.pbtxt:1:1  The file exceeds 131072 bytes'
  expect(parseTritonConfig(large, 'm')).toMatchObject({ ...refusal, detail })
})

test('parseTritonConfig() stops at one dimension too many, wherever it stands', () => {
  const dims = `dims: [${'1, '.repeat(63)}1] ${'dims: 0 '.repeat(1000)}`
  expect(problemsOf(`output { name: "x" data_type: TYPE_FP32 ${dims} }`)).toEqual([
    '1:240 output.dims: got 0; wanted at least 1, or -1 for any',
    '1:246 output.dims: has more than 64 values',
  ])
})

/** Four times that is just within what a file may have. */
const SHORT = 31 * 1024

test.each<readonly [string, (i: number) => string, string, string]>([
  ['lists', () => '1,', 'dynamic_batching { preferred_batch_size: [', '1] }'],
  ['keys', (i) => `k${i}:1 `, '', ''],
  ['tensors', () => 'input{name:"x"} ', '', ''],
  ['parameters', () => 'parameters{key:"a"} ', '', ''],
  ['sizes', () => 'max_batch_size:1 ', '', ''],
])('parseTritonConfig() reads %s in time that is linear', (_, unit, start, end) => {
  const reading = (length: number) => {
    const times = Math.floor(length / unit(99_999).length)
    const text = start + Array.from({ length: times }, (_, i) => unit(i)).join('') + end
    expect(text.length).toBeLessThan(2 ** 17)
    return () => expect(parse(text)).toBeDefined()
  }
  expectProportional(reading(SHORT), reading(GROWTH * SHORT))
})
