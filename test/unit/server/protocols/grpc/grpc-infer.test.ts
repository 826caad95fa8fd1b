import { create, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import {
  type InferParameter,
  ModelInferRequestSchema,
} from '../../../../../proto/gen/inference_pb.ts'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../../../../src/server/protocols/grpc/grpc-infer.ts'
import { refuse } from '../../../../../src/shared/errors.ts'
import type { Tensor } from '../../../../../src/shared/tensor.ts'
import { textBytes } from '../../../../helpers/binary-tensors.ts'
import { grpcBytes, type RequestInit } from '../../../../helpers/grpc-messages.ts'
import { answerOf, decodeWith, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const plan = planOf({
  inputs: [tensor('x', 'FP32', -1, 2), tensor('name', 'BYTES', -1)],
  outputs: [tensor('y', 'FP32', -1, 2), tensor('label', 'BYTES', -1)],
})

const floats = (...values: number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer)

const RAW: RequestInit = {
  modelName: 'clicks',
  id: 'r-1',
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [1n, 2n] },
    { name: 'name', datatype: 'BYTES', shape: [1n] },
  ],
  rawInputContents: [floats(1.5, Number.NaN), textBytes('é')],
}

const TYPED: RequestInit = {
  modelName: 'clicks',
  inputs: [
    {
      name: 'name',
      datatype: 'BYTES',
      shape: [1n],
      contents: { bytesContents: [Buffer.from('é')] },
    },
    { name: 'x', datatype: 'FP32', shape: [1n, 2n], contents: { fp32Contents: [1.5, Number.NaN] } },
  ],
}

const decode = (request: RequestInit) => decodeWith(decodeRequest, plan, grpcBytes(request))

test('decodeRequest() reads raw elements, and asks for raw outputs', () => {
  const { refusal, decoded, values } = decode(RAW)
  expect(refusal).toBeNull()
  expect(values).toEqual([[1.5, Number.NaN], ['é']])
  expect(decoded).toMatchObject({
    rows: 1,
    isBatch: true,
    bodyId: 'r-1',
    outputs: [
      { index: 0, isBinary: true, classes: 0 },
      { index: 1, isBinary: true, classes: 0 },
    ],
  })
})

test('decodeRequest() reads typed elements in any order of the inputs', () => {
  const { refusal, decoded, values } = decode(TYPED)
  expect(refusal).toBeNull()
  expect(values).toEqual([[1.5, Number.NaN], ['é']])
  expect(decoded).toMatchObject({ rows: 1, bodyId: null, outputs: null })
})

const parameter = (value: bigint): Pick<InferParameter, 'parameterChoice'> => ({
  parameterChoice: { case: 'uint64Param', value },
})

test('decodeRequest() reads priority, timeout and classification', () => {
  const { decoded } = decode({
    ...TYPED,
    parameters: { priority: parameter(2n), timeout: parameter(1500n), binary_data_output: {} },
    outputs: [{ name: 'y', parameters: { classification: parameter(2n) } }],
  })
  expect(decoded).toMatchObject({
    askedPriority: 2,
    askedTimeoutUs: 1500,
    outputs: [{ index: 0, isBinary: false, classes: 2 }],
  })
})

/** The input `x` of a typed request, changed. */
const withX = (more: object): RequestInit => ({
  inputs: [TYPED.inputs![0]!, { ...(TYPED.inputs![1] as object), ...more }],
})

const withName = (more: object): RequestInit => ({
  inputs: [{ ...(TYPED.inputs![0] as object), ...more }],
})

/** title, request, code, text */
const REFUSALS: readonly (readonly [string, RequestInit, string, RegExp])[] = [
  ['an empty message', {}, 'INPUT_MISSING', /'x' is missing/],
  ['an input without a name', { inputs: [{}] }, 'REQUEST_MALFORMED', /must have a name/],
  ['an output without a name', { ...RAW, outputs: [{}] }, 'REQUEST_MALFORMED', /must have a name/],
  ['an id of 129 characters', { ...RAW, id: 'a'.repeat(129) }, 'REQUEST_MALFORMED', /at most 128/],
  [
    'fewer raw inputs than inputs',
    { ...RAW, rawInputContents: [floats(1, 2)] },
    'REQUEST_MALFORMED',
    /the number of inputs \(2\) does not match the expected number of raw input contents \(1\)/,
  ],
  [
    'more raw inputs than inputs',
    { ...RAW, rawInputContents: [floats(1, 2), textBytes('a'), floats()] },
    'REQUEST_MALFORMED',
    /the number of inputs \(2\) does not match the expected number of raw input contents \(3\)/,
  ],
  [
    'raw and typed elements',
    { ...TYPED, rawInputContents: RAW.rawInputContents! },
    'REQUEST_MALFORMED',
    /^contents field must not be specified when using raw_input_contents for 'name'$/,
  ],
  [
    'raw elements in another order than the inputs',
    { ...RAW, rawInputContents: RAW.rawInputContents!.toReversed() },
    'TENSOR_SHAPE_MISMATCH',
    /^Input 'x' of shape \[1,2\] byte size mismatch: expected 8, got 6$/,
  ],
  [
    'elements in the field of another datatype',
    withX({ contents: { fp64Contents: [1, 2] } }),
    'TENSOR_DATATYPE_MISMATCH',
    /^Input 'x' wants FP32 in 'fp32_contents', got 'fp64_contents'$/,
  ],
  [
    'elements in two fields',
    withX({ contents: { fp32Contents: [1, 2], intContents: [1] } }),
    'TENSOR_DATATYPE_MISMATCH',
    /got 'int_contents'$/,
  ],
  [
    'no elements',
    withX({ contents: undefined }),
    'TENSOR_SHAPE_MISMATCH',
    /wants 2 values, got 0$/,
  ],
  ['FP16', withX({ datatype: 'FP16' }), 'TENSOR_DATATYPE_MISMATCH', /wants FP32, got 'FP16'$/],
  ['a size of 2^32 + 1', withX({ shape: [2n ** 32n + 1n, 2n] }), 'TENSOR_SHAPE_MISMATCH', /impos/],
  ['too many dimensions', withX({ shape: [1n, 2n, 1n, 1n] }), 'TENSOR_SHAPE_MISMATCH', /got 4 dim/],
  [
    'a sequence',
    { ...RAW, parameters: { sequence_id: parameter(1n) } },
    'EXTENSION_UNSUPPORTED',
    /'sequence_id' is not supported/,
  ],
  [
    'shared memory',
    withX({
      parameters: {
        shared_memory_region: { parameterChoice: { case: 'stringParam', value: 'a' } },
      },
    }),
    'EXTENSION_UNSUPPORTED',
    /'shared_memory_region' is not supported/,
  ],
  [
    'a text that is none',
    { ...RAW, rawInputContents: [floats(1, 2), textBytes(Uint8Array.of(0xff))] },
    'INPUT_VALUE_INVALID',
    /element 0 is not valid UTF-8$/,
  ],
  [
    'a typed text that is none',
    withName({ contents: { bytesContents: [Buffer.of(0xff)] } }),
    'INPUT_VALUE_INVALID',
    /^Element 0 of input 'name' is not valid UTF-8$/,
  ],
]

test.each(REFUSALS)('decodeRequest() refuses %s', (_title, request, code, text) => {
  const { refusal } = decode(request)
  expect(refusal).toMatchObject({ code, detail: expect.stringMatching(text) })
})

describe('bytes that no library writes', () => {
  const usual = Buffer.from(grpcBytes(TYPED))

  /** title, hex of fields behind a sound request */
  const behind: readonly (readonly [string, string])[] = [
    ['a cut field', '3a05'],
    ['a group', '43'],
    ['an input that is a number', '2801'],
    ['an id that is no text', '1a01ff'],
    ['a name of a model that is no text', '0a01ff'],
    ['a map that holds a number', '22021001'],
    ['a parameter that is a fixed number', '2209120709000000000000'],
    ['an input with a cut shape', '2a0318ff01'],
    ['an output whose name is a number', '32020801'],
  ]

  test.each(behind)('decodeRequest() refuses %s', (_title, hex) => {
    const bytes = Buffer.concat([usual, Buffer.from(hex, 'hex')])
    const { refusal } = decodeWith(decodeRequest, plan, bytes)
    expect(refusal).toMatchObject({ code: 'REQUEST_MALFORMED' })
  })

  test('decodeRequest() refuses every beginning of a request, and never throws', () => {
    const whole = grpcBytes(RAW)
    for (let length = 0; length < whole.length; length++) {
      const { refusal } = decodeWith(decodeRequest, plan, whole.subarray(0, length))
      expect(refusal).not.toBeNull()
    }
  })

  test('decodeRequest() takes the last of two parameters of one name', () => {
    const entry = (value: bigint) =>
      toBinary(
        ModelInferRequestSchema,
        create(ModelInferRequestSchema, { parameters: { sequence_id: parameter(value) } }),
      )
    const both = (...values: bigint[]) => Buffer.concat([usual, ...values.map(entry)])
    expect(decodeWith(decodeRequest, plan, both(1n, 0n)).refusal).toBeNull()
    const { refusal } = decodeWith(decodeRequest, plan, both(0n, 1n))
    expect(refusal).toMatchObject({ code: 'EXTENSION_UNSUPPORTED' })
  })
})

const RESULTS: readonly Tensor[] = [
  { datatype: 'FP32', shape: [1, 2], data: new Float32Array([0.25, -0]) },
  { datatype: 'BYTES', shape: [1], data: ['é'] },
]

test('encodeResponse() writes the bytes of the message', () => {
  const answer = answerOf(plan, RESULTS, { bodyId: 'r-1', outputs: plan.grpc.raw })
  const hex = Buffer.from(encodeResponse(answer) as Uint8Array).toString('hex')
  const head = ['0a06', Buffer.from('clicks').toString('hex'), '120137', '1a03', '722d31'].join('')
  const outputs = ['2a0d', '0a0179', '120446503332', '1a020102'].join('')
  const labels = ['2a11', '0a056c6162656c', '12054259544553', '1a0101'].join('')
  const raws = ['3208', '0000803e', '00000080', '3206', '02000000', 'c3a9'].join('')
  expect(hex).toBe(head + outputs + labels + raws)
})

test('encodeResponse() refuses more bytes than an answer may have', () => {
  const wide = planOf({
    inputs: [tensor('x', 'FP32', -1)],
    outputs: [tensor('y', 'UINT8', -1, -1)],
  })
  const data = new Uint8Array(64 * 2 ** 20 + 1)
  const results: Tensor[] = [{ datatype: 'UINT8', shape: [1, data.length], data }]
  const answer = answerOf(wide, results, { outputs: wide.grpc.raw })
  expect(encodeResponse(answer)).toMatchObject({ code: 'ANSWER_TOO_LARGE' })
})

test('encodeError() is the text alone', () => {
  const refusal = refuse('INPUT_MISSING', "Input 'x' is missing")
  expect(encodeError(refusal, '')).toEqual({ contentType: '', body: "Input 'x' is missing" })
})
