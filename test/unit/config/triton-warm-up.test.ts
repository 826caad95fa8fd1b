import { expect, test } from 'vitest'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'

const parse = (text: string) => parseTritonConfig(new TextEncoder().encode(text), 'm')

/** In form that of L0_warmup. */
const SAMPLES = `model_warmup [{
    name : "regular sample"
    batch_size: 1
    inputs {
        key: "INPUT0"
        value: { data_type: TYPE_FP32 dims: 16 zero_data: true }
    }
    inputs {
        key: "INPUT1"
        value: { data_type: TYPE_FP32 dims: [ 4, 4 ] random_data: true }
    }
}, {
    name: "strings"
    batch_size: 8
    count: 3
    inputs {
        key: "INPUT"
        value: { data_type: TYPE_STRING dims: 1 input_data_file: "raw_string_data" }
    }
}]`

test('readWarmups() reads samples', () => {
  const result = parse(SAMPLES)
  expect(result).toMatchObject({ warnings: [] })
  expect('code' in result ? null : result.config.warmups).toEqual([
    {
      ...{ name: 'regular sample', batchSize: 1, count: 1 },
      inputs: [
        { name: 'INPUT0', datatype: 'FP32', dims: [16], data: { kind: 'zero' } },
        { name: 'INPUT1', datatype: 'FP32', dims: [4, 4], data: { kind: 'random' } },
      ],
    },
    {
      ...{ name: 'strings', batchSize: 8, count: 3 },
      inputs: [
        {
          ...{ name: 'INPUT', datatype: 'BYTES', dims: [1] },
          data: { kind: 'file', file: 'raw_string_data' },
        },
      ],
    },
  ])
})

test('readWarmups() leaves out a sample of no rows, as Triton does, and says so', () => {
  const result = parse('model_warmup { name: "a" }')
  expect(result).toMatchObject({
    config: { warmups: [] },
    warnings: [
      {
        detail: 'config.pbtxt:1:14  model_warmup: is not obeyed: its batch_size is 0 or absent',
      },
    ],
  })
})

const input = (value: string) => `batch_size: 1 inputs { key: "x" value { ${value} } }`
const typed = (value: string) => input(`data_type: TYPE_FP32 dims: 1 ${value}`)
const ONE = "model_warmup.inputs.value 'x' wants one of zero_data, random_data, input_data_file"
const NO_FILE =
  'model_warmup.inputs.value.input_data_file names no file in the folder `warmup` of the model'

test.each([
  ['no data', typed(''), ONE],
  ['two kinds of data', typed('zero_data: true random_data: true'), ONE],
  ['no type', input('dims: 1'), "model_warmup.inputs.value.data_type of 'x' is missing"],
  [
    'no value',
    'batch_size: 1 inputs { key: "x" }',
    "model_warmup.inputs.value.data_type of 'x' is missing",
  ],
  [
    'a free dimension',
    input('data_type: TYPE_FP32 dims: -1 zero_data: true'),
    'model_warmup.inputs.value.dims got -1; wanted at least 1: a sample has no free dimension',
  ],
  [
    'an input twice',
    `${typed('zero_data: true')} inputs { key: "x" value { data_type: TYPE_FP32 zero_data: true } }`,
    "model_warmup.inputs 'x' stands twice",
  ],
  ['a file above', typed('input_data_file: "../../x"'), NO_FILE],
  ['a file of the system', typed('input_data_file: "/etc/passwd"'), NO_FILE],
  ['no name of a file', typed('input_data_file: ""'), NO_FILE],
  ['a zero byte', typed('input_data_file: "a\\000b"'), NO_FILE],
])('readWarmups() refuses %s', (_, sample, problem) => {
  const result = parse(`model_warmup { ${sample} }`)
  const problems = 'code' in result ? result.problems : []
  expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([problem])
})

test('readWarmups() refuses more than 64 samples', () => {
  const sample = 'model_warmup { batch_size: 1 }\n'
  expect(parse(sample.repeat(64))).toHaveProperty('config')
  expect(parse(sample.repeat(65))).toMatchObject({
    problems: [{ line: 65, path: 'model_warmup', message: 'stands more than 64 times' }],
  })
})
