import { describe, expect, test } from 'vitest'
import type { ModelConfig } from '../../../../src/config/config.ts'
import { formatProblem } from '../../../../src/config/problems.ts'
import { parseTritonConfig } from '../../../../src/config/triton-config.ts'
import {
  declaredFault,
  declaredWarnings,
  placedFailure,
} from '../../../../src/control/repository/declared-tensors.ts'
import type { Signature } from '../../../../src/shared/tensor.ts'

const configOf = (text: string): ModelConfig => {
  const result = parseTritonConfig(new TextEncoder().encode(text), 'm')
  if ('code' in result) throw new Error(result.detail)
  return result.config
}

const tensor = (name: string, type: string, dims: string, more = '') =>
  `{ name: "${name}" data_type: TYPE_${type} dims: [${dims}] ${more} }`

/** Rows of 16 floats and of texts in, rows of any number of integers out. */
const SIGNATURE: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 16] },
    { name: 'words', datatype: 'BYTES', shape: [-1, 2, -1] },
  ],
  outputs: [
    { name: 'y', datatype: 'INT64', shape: [-1, -1] },
    { name: 'z', datatype: 'FP32', shape: [-1] },
  ],
}

/** One picture in, one list out. */
const WHOLE: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3, 8, 8] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 5, 1, 1] }],
}

const problemsOf = (text: string, signature = SIGNATURE): string[] => {
  const fault = declaredFault({ name: 'm', config: configOf(text) }, 2, signature)
  if (fault === null) return []
  expect(fault).toMatchObject({ code: 'MODEL_CONFIG_INVALID', file: 'm/config.pbtxt' })
  return (fault.problems ?? []).map(({ source, line, column, path, message, hint }) => {
    expect(source).toBe('config.pbtxt')
    return `${line}:${column} ${path}: ${message}${hint === null ? '' : ` (${hint})`}`
  })
}

const warningsOf = (text: string) => declaredWarnings(configOf(text), SIGNATURE).map(formatProblem)

const INPUTS = `input [ ${tensor('x', 'FP32', '16')}, ${tensor('words', 'STRING', '2, -1')} ]`
const X = tensor('x', 'FP32', '3, 8, 8')

describe('declaredFault() finds nothing wrong with', () => {
  test.each([
    ['no tensors', 'max_batch_size: 4', SIGNATURE],
    ['tensors without rows', `max_batch_size: 4 ${INPUTS}`, SIGNATURE],
    ['some outputs', `max_batch_size: 4 output ${tensor('z', 'FP32', '')}`, SIGNATURE],
    ['any size on our side', `max_batch_size: 4 output ${tensor('y', 'INT64', '7')}`, SIGNATURE],
    ['any size on theirs', `max_batch_size: 4 ${INPUTS.replace('16', '-1')}`, SIGNATURE],
    ['tensors without rows, and no size of batches', INPUTS, SIGNATURE],
    [
      'whole tensors',
      `input ${tensor('x', 'FP32', '1, 3, 8, 8')} output ${tensor('y', 'FP32', '1, 5, 1, 1')}`,
      WHOLE,
    ],
    ['whole tensors without outputs', `input ${tensor('x', 'FP32', '1, 3, 8, 8')}`, WHOLE],
    [
      'tensors that are reshaped, as those of densenet_onnx',
      `max_batch_size: 0 input ${tensor('x', 'FP32', '3, 8, 8', 'reshape { shape: [1, 3, 8, 8] }')}
       output ${tensor('y', 'FP32', '1, 5, 1, 1')}`,
      WHOLE,
    ],
    ['batches of one, where the model takes one', `max_batch_size: 1 input ${X}`, WHOLE],
    [
      'whole tensors of a model with rows that are not batched',
      `input [ ${tensor('x', 'FP32', '-1, 16')}, ${tensor('words', 'STRING', '-1, 2, -1')} ]
       output ${tensor('y', 'INT64', '-1, -1')}`,
      SIGNATURE,
    ],
  ])('%s', (_, text, signature) => {
    expect(problemsOf(text, signature)).toEqual([])
  })
})

test.each([
  [
    'an input that the model lacks',
    `max_batch_size: 4\ninput [ ${tensor('X1', 'FP32', '16')}, ${tensor('words', 'STRING', '2, -1')} ]`,
    SIGNATURE,
    [
      "2:11 input.name: version 2 has no input 'X1' (did you mean 'x'?)",
      "2:11 input: lacks 'x', an input of version 2",
    ],
  ],
  [
    'an output that the model lacks',
    `output ${tensor('scores', 'FP32', '16')}`,
    SIGNATURE,
    ["1:10 output.name: version 2 has no output 'scores' (it has 'y', 'z')"],
  ],
  [
    'an input that is not declared',
    `input ${tensor('x', 'FP32', '16')}`,
    SIGNATURE,
    ["1:9 input: lacks 'words', an input of version 2"],
  ],
  [
    'another datatype',
    `output ${tensor('y', 'STRING', '1')}`,
    SIGNATURE,
    ["1:20 output.data_type: 'y' of version 2 is TYPE_INT64, not TYPE_STRING"],
  ],
  [
    'a datatype that no model has',
    `output ${tensor('z', 'FP16', '1')}`,
    SIGNATURE,
    ["1:20 output.data_type: 'z' of version 2 is TYPE_FP32, not TYPE_FP16"],
  ],
  [
    'another size',
    `max_batch_size: 4 ${INPUTS.replace('16', '17')}`,
    SIGNATURE,
    [
      "1:67 input.dims: 'x' of version 2 is [-1,16], the first being that of rows: wanted [16], got [17]",
    ],
  ],
  [
    'the dimension of rows as well',
    `max_batch_size: 4 output ${tensor('y', 'INT64', '-1, -1')}`,
    SIGNATURE,
    [
      "1:67 output.dims: 'y' of version 2 is [-1,-1], the first being that of rows: wanted [-1], got [-1,-1]",
    ],
  ],
  [
    'no dimension of rows, without batches',
    `input ${tensor('x', 'FP32', '3, 8, 8')}`,
    WHOLE,
    ["1:47 input.dims: 'x' of version 2 is [1,3,8,8]: wanted [1,3,8,8], got [3,8,8]"],
  ],
  [
    'batches of a model that takes none',
    `name: "m"\nmax_batch_size: 8 input ${X}`,
    WHOLE,
    [
      "2:1 max_batch_size: 'x' of version 2 is [1,3,8,8], without a free dimension of rows: it cannot be batched (leave max_batch_size out and declare whole shapes, or export it with that dimension)",
    ],
  ],
])('declaredFault() refuses %s', (_, text, signature, problems) => {
  expect(problemsOf(text, signature)).toEqual(problems)
})

test('declaredFault() asks nothing of a model without config.pbtxt', () => {
  const config = { ...configOf('max_batch_size: 8'), declared: null }
  expect(declaredFault({ name: 'm', config }, 1, WHOLE)).toBe(null)
  expect(declaredWarnings(config, WHOLE)).toEqual([])
})

test('declaredWarnings() says where a version does more than is declared', () => {
  const text = `max_batch_size: 4
    input [ ${tensor('x', 'FP32', '-1')}, ${tensor('words', 'STRING', '2, 5')} ]
    output ${tensor('y', 'INT64', '-1')}`
  expect(warningsOf(text)).toEqual([
    "config.pbtxt:2:107  input.dims: 'words' is taken in other sizes than [2,5] as well",
    "config.pbtxt:3:14  output: 'z' can be asked for as well",
  ])
  expect(warningsOf(INPUTS)).toEqual([])
})

/** One number in, one out. */
const SCALAR: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
}

test('declaredFault() takes a scalar as Triton declares it, and nothing larger', () => {
  const text = (dims: string) =>
    `max_batch_size: 0 input ${tensor('x', 'FP32', dims)} output ${tensor('y', 'FP32', '')}`
  for (const dims of ['', '1', '1, 1']) expect(problemsOf(text(dims), SCALAR)).toEqual([])
  for (const dims of ['2', '-1']) {
    expect(problemsOf(text(dims), SCALAR)).toEqual([
      `1:65 input.dims: 'x' of version 2 is []: wanted [], got [${dims}]`,
    ])
  }
})

test('an optional input need not be there, which is said; one that is there must be sent', () => {
  const optional = (name: string) => tensor(name, 'FP32', '-1', 'optional: true')
  const text = `max_batch_size: 4 input ${optional('default')} ${INPUTS}`
  expect(problemsOf(text)).toEqual([])
  expect(warningsOf(text)).toEqual([
    "config.pbtxt:1:27  input.optional: is not obeyed: 'default' is no input of the model: its default is always used; it cannot be sent",
  ])
  const own = `max_batch_size: 4 input [ ${optional('x')}, ${tensor('words', 'STRING', '2, -1')} ]`
  expect(problemsOf(own)).toEqual([])
  expect(warningsOf(own)).toEqual([
    "config.pbtxt:1:29  input.optional: is not obeyed: 'x' must be sent",
  ])
})

test('thousands of wrong names are as many problems as help, and few names each', () => {
  const names = Array.from({ length: 8000 }, (_, i) => `tensor_${i}`)
  const signature: Signature = {
    inputs: names.map((name) => ({ name, datatype: 'FP32', shape: [-1, 1] })),
    outputs: names.map((name) => ({ name, datatype: 'FP32', shape: [-1, 1] })),
  }
  const place = { line: 1, column: 1 }
  const wrong = names.map((name) => ({
    ...{ name: `${name}`.repeat(9), datatype: 'FP32', dims: [1], isOptional: false },
    places: { name: place, datatype: place, dims: place },
  }))
  const declared = { inputs: wrong, outputs: wrong, batchSizePlace: place, gpuPlace: null }
  const config: ModelConfig = { ...configOf('max_batch_size: 4'), declared }
  const { detail = '', problems = [] } = declaredFault({ name: 'm', config }, 1, signature) ?? {}
  expect(problems).toHaveLength(100)
  expect(problems[0]?.hint).toBe(
    "it has 'tensor_0', 'tensor_1', 'tensor_2', 'tensor_3', 'tensor_4' and 7995 more",
  )
  expect(detail.length).toBeLessThan(2000)
  const [warning] = declaredWarnings(config, signature)
  expect(warning?.message).toMatch(/^'tensor_0', .*'tensor_4' and 7995 more can be asked for/)
})

test('placedFailure() names the line that asks for a GPU', () => {
  const failure = { code: 'PROVIDER_UNAVAILABLE', detail: 'no GPU' } as const
  const config = configOf('max_batch_size: 4\ninstance_group { kind: KIND_GPU }')
  expect(placedFailure({ name: 'm', config }, failure)).toMatchObject({
    ...{ code: 'PROVIDER_UNAVAILABLE', file: 'm/config.pbtxt' },
    detail:
      'config.pbtxt:2:18  instance_group.kind: no GPU  (with KIND_AUTO the CPU runs it where there is no GPU)',
  })
  const other = { code: 'MODEL_INVALID', detail: 'bad' } as const
  expect(placedFailure({ name: 'm', config }, other)).toBe(other)
  const own = { ...config, declared: null }
  expect(placedFailure({ name: 'm', config: own }, failure)).toBe(failure)
})
