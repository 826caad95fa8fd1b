import { describe, expect, test } from 'vitest'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../../../../src/server/protocols/oip/oip-json.ts'
import { refuse } from '../../../../../src/shared/errors.ts'
import type { Datatype, Tensor } from '../../../../../src/shared/tensor.ts'
import {
  answerOf,
  asked,
  type DecodeOptions,
  decodeWith,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const matrix = planOf({ inputs: [tensor('x', 'FP32', -1, 2)] })
const pair = planOf({
  inputs: [tensor('x', 'FP32', -1, 2), tensor('c', 'BYTES', -1, 1)],
  outputs: [tensor('label', 'INT64', -1), tensor('p', 'FP32', -1, 2)],
})

const decode = (plan: typeof matrix, body: unknown, options?: DecodeOptions) =>
  decodeWith(decodeRequest, plan, typeof body === 'string' ? body : JSON.stringify(body), options)

const X = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2.5, -3, 4e2] }
const C = { name: 'c', shape: [2, 1], datatype: 'BYTES', data: ['EWR', 'é😀'] }

describe('what is read', () => {
  test.each([
    ['flat data', { inputs: [X] }],
    [
      'nested data',
      {
        inputs: [
          {
            ...X,
            data: [
              [1, 2.5],
              [-3, 400],
            ],
          },
        ],
      },
    ],
    ['data first', { inputs: [{ data: X.data, datatype: 'FP32', shape: [2, 2], name: 'x' }] }],
    ['parameters', { parameters: { timeout: 5 }, inputs: [{ ...X, parameters: {} }] }],
    ['no requested output', { inputs: [X], outputs: [] }],
    [
      'binary data not wanted',
      { inputs: [X], outputs: [{ name: 'score', parameters: { binary_data: false } }] },
    ],
    ['keys of its own', { inputs: [X], custom: 1 }],
  ])('decodeRequest() takes %s', (_title, body) => {
    const { refusal, decoded, values } = decode(matrix, body, { row: 1 })
    expect(refusal).toBeNull()
    expect(decoded).toMatchObject({ rows: 2, isBatch: true, tensors: null })
    expect(values).toEqual([[1, 2.5, -3, 400]])
  })

  test('decodeRequest() keeps the id of the client, before or behind the inputs', () => {
    expect(decode(matrix, { id: 'a 1', inputs: [X] }).decoded.bodyId).toBe('a 1')
    expect(decode(matrix, { inputs: [X], id: 'ä\n' }).decoded.bodyId).toBe('ä\n')
  })

  test('decodeRequest() takes inputs in any order and the outputs that are asked for', () => {
    const { decoded, values } = decode(pair, { inputs: [C, X], outputs: [{ name: 'p' }] })
    expect(decoded).toMatchObject({ rows: 2, outputs: asked(1) })
    expect(values).toEqual([
      [1, 2.5, -3, 400],
      ['EWR', 'é😀'],
    ])
  })

  test('decodeRequest() makes tensors of its own where rows do not fit', () => {
    expect(decode(matrix, { inputs: [X] }, { room: 1 }).decoded).toMatchObject({
      rows: 2,
      tensors: [{ datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2.5, -3, 400) }],
    })
  })

  test.each([X, { ...X, data: [X.data.slice(0, 2), X.data.slice(2)] }])(
    'decodeRequest() refuses depth beyond the limit, however usual the body: %j',
    (input) => {
      const shallow = planOf({ inputs: matrix.signature.inputs, jsonDepthMax: 3 })
      expect(decode(shallow, { inputs: [input] }).refusal?.code).toBe('REQUEST_TOO_DEEP')
    },
  )

  test('decodeRequest() takes any shape of a model without rows, none included', () => {
    const free = planOf({ inputs: [tensor('x', 'FP32', -1, -1, 2)], rowsMax: 0 })
    const input = {
      ...X,
      shape: [1, 2, 2],
      data: [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    }
    expect(decode(free, { inputs: [input] }).decoded.tensors).toEqual([
      { datatype: 'FP32', shape: [1, 2, 2], data: Float32Array.of(1, 2, 3, 4) },
    ])
  })

  test.each(['5', '[5]'])('decodeRequest() takes the scalar %s', (data) => {
    const scalar = planOf({ inputs: [tensor('x', 'FP32')], rowsMax: 0 })
    const body = `{"inputs":[{"name":"x","shape":[],"datatype":"FP32","data":${data}}]}`
    expect(decode(scalar, body)).toMatchObject({
      values: [[5]],
      decoded: { rows: 1, tensors: [{ shape: [] }] },
    })
  })

  test.each([
    [[2, 0], '[]'],
    [[2, 0], '[[],[]]'],
    [[0, 3], '[]'],
    [[2, 0, 3], '[[],[]]'],
    [[1, 2, 0], '[[[],[]]]'],
  ])('decodeRequest() takes for shape %j the data %s', (shape, data) => {
    const plan = planOf({ inputs: [tensor('x', 'INT64', ...shape.map(() => -1))], rowsMax: 0 })
    const body = `{"inputs":[{"name":"x","shape":[${shape}],"datatype":"INT64","data":${data}}]}`
    const { refusal, decoded } = decode(plan, body)
    expect(refusal).toBeNull()
    expect(decoded.tensors).toEqual([{ datatype: 'INT64', shape, data: new BigInt64Array(0) }])
  })

  test.each([
    [[2, 0], '[[]]'],
    [[2, 0], '[[],[],[]]'],
    [[2, 0], '[[1],[]]'],
    [[2, 0], '[1]'],
    [[], '[]'],
    [[], '[[5]]'],
    [[], '[5,6]'],
  ])('decodeRequest() refuses for shape %j the data %s', (shape, data) => {
    const plan = planOf({ inputs: [tensor('x', 'FP32', ...shape.map(() => -1))], rowsMax: 0 })
    const body = `{"inputs":[{"name":"x","shape":[${shape}],"datatype":"FP32","data":${data}}]}`
    expect(decode(plan, body).refusal?.code).toBe('TENSOR_SHAPE_MISMATCH')
  })
})

/** datatype, JSON text of the data, what is stored */
const VALUES: readonly (readonly [Datatype, string, readonly unknown[]])[] = [
  ['BOOL', 'true,false', [1, 0]],
  ['UINT8', '0,255', [0, 255]],
  ['UINT16', '0,65535', [0, 65535]],
  ['UINT32', '0,4294967295', [0, 4294967295]],
  ['UINT64', '0,18446744073709551615', [0n, 18446744073709551615n]],
  ['INT8', '-128,127', [-128, 127]],
  ['INT16', '-32768,32767', [-32768, 32767]],
  ['INT32', '-2147483648,2147483647', [-2147483648, 2147483647]],
  ['INT64', '-9223372036854775808,9223372036854775807', [-(2n ** 63n), 2n ** 63n - 1n]],
  ['INT64', '1e18,9007199254740993.0', [10n ** 18n, 9007199254740993n]],
  ['INT32', '12000e-3,0e-999999999999', [12, 0]],
  ['FP32', '3.4028234663852886e38,1e-50', [3.4028234663852886e38, 0]],
  ['FP64', '1.7976931348623157e308,5e-324', [Number.MAX_VALUE, Number.MIN_VALUE]],
  ['BYTES', '"","a\\u00e9"', ['', 'aé']],
]

/** datatype, JSON text of one value, code */
const BAD_VALUES: readonly (readonly [Datatype, string, string])[] = [
  ['BOOL', '1', 'TENSOR_DATATYPE_MISMATCH'],
  ['UINT8', '256', 'INPUT_VALUE_INVALID'],
  ['UINT8', '-1', 'INPUT_VALUE_INVALID'],
  ['INT8', '128', 'INPUT_VALUE_INVALID'],
  ['INT32', '2147483648', 'INPUT_VALUE_INVALID'],
  ['INT32', '1.5', 'TENSOR_DATATYPE_MISMATCH'],
  ['INT64', '9223372036854775808', 'INPUT_VALUE_INVALID'],
  ['INT64', '1e19', 'INPUT_VALUE_INVALID'],
  ['INT64', '1e999999999', 'INPUT_VALUE_INVALID'],
  ['INT64', '9007199254740990.6', 'TENSOR_DATATYPE_MISMATCH'],
  ['INT64', '1e-400', 'TENSOR_DATATYPE_MISMATCH'],
  ['INT32', '1.00000000000000000001', 'TENSOR_DATATYPE_MISMATCH'],
  ['UINT8', '0.1e0', 'TENSOR_DATATYPE_MISMATCH'],
  ['UINT64', '-1', 'INPUT_VALUE_INVALID'],
  ['UINT64', '18446744073709551616', 'INPUT_VALUE_INVALID'],
  ['FP32', '1e39', 'INPUT_VALUE_INVALID'],
  ['FP32', 'true', 'TENSOR_DATATYPE_MISMATCH'],
  ['FP32', 'null', 'TENSOR_DATATYPE_MISMATCH'],
  ['FP32', '"1"', 'TENSOR_DATATYPE_MISMATCH'],
  ['FP32', '{}', 'TENSOR_DATATYPE_MISMATCH'],
  ['BYTES', '1', 'TENSOR_DATATYPE_MISMATCH'],
  ['BYTES', '"\\u0000"', 'INPUT_VALUE_INVALID'],
]

const bodyOf = (datatype: Datatype, rows: number, data: string) =>
  `{"inputs":[{"name":"x","shape":[${rows}],"datatype":"${datatype}","data":[${data}]}]}`

describe('datatypes', () => {
  test.each(VALUES)('decodeRequest() reads %s exactly', (datatype, data, stored) => {
    const plan = planOf({ inputs: [tensor('x', datatype, -1)] })
    expect(decode(plan, bodyOf(datatype, 2, data)).values).toEqual([stored])
  })

  test.each(BAD_VALUES)('decodeRequest() refuses for %s the value %s', (datatype, value, code) => {
    const plan = planOf({ inputs: [tensor('x', datatype, -1)] })
    const { refusal } = decode(plan, bodyOf(datatype, 1, value))
    expect(refusal?.code).toBe(code)
    expect(refusal?.errors?.[0]?.pointer).toBe('/inputs/0/data/0')
  })
})

describe('answers', () => {
  const label: Tensor = {
    datatype: 'INT64',
    shape: [3],
    data: BigInt64Array.of(0n, 2n ** 62n + 1n, 1n),
  }
  const p: Tensor = { datatype: 'FP32', shape: [3, 2], data: Float32Array.of(1, 0, 0.5, 0.5, 0, 1) }

  test('encodeResponse() writes the rows of the request, flat and exact', () => {
    expect(encodeResponse(answerOf(pair, [label, p], { rowStart: 1, rows: 2 }))).toBe(
      '{"model_name":"clicks","model_version":"7","outputs":[' +
        '{"name":"label","datatype":"INT64","shape":[2],"data":[4611686018427387905,1]},' +
        '{"name":"p","datatype":"FP32","shape":[2,2],"data":[0.5,0.5,0,1]}]}',
    )
  })

  test('encodeResponse() keeps the sign of -0', () => {
    const signed: Tensor = { ...p, data: Float32Array.of(-0, 0, 0, 0, 0, 0) }
    expect(encodeResponse(answerOf(pair, [label, signed]))).toContain('"data":[-0,0]')
  })

  test('encodeResponse() gives only the outputs asked for, in their order', () => {
    const answer = answerOf(pair, [label, p], { rows: 1, outputs: asked(1, 0) })
    expect(JSON.parse(String(encodeResponse(answer)))).toMatchObject({
      outputs: [{ name: 'p', data: [1, 0] }, { name: 'label' }],
    })
  })

  test.each([['a"\n'], [''], [null]])('encodeResponse() echoes the id %j of the body', (bodyId) => {
    const answer = answerOf(pair, [label, p], { rows: 1, requestId: 'of the head', bodyId })
    const body = JSON.parse(String(encodeResponse(answer)))
    if (bodyId === null) expect(body).not.toHaveProperty('id')
    else expect(body.id).toBe(bodyId)
  })

  test('encodeResponse() gives the whole result of a model without rows', () => {
    const plan = planOf({
      inputs: [tensor('x', 'FP32', 2)],
      outputs: [tensor('y', 'BOOL', 2, 1), tensor('s', 'BYTES')],
      rowsMax: 0,
    })
    const y: Tensor = { datatype: 'BOOL', shape: [2, 1], data: Uint8Array.of(1, 0) }
    const s: Tensor = { datatype: 'BYTES', shape: [], data: ['é"'] }
    const answer = answerOf(plan, [y, s])
    expect(JSON.parse(String(encodeResponse(answer)))).toMatchObject({
      outputs: [
        { name: 'y', shape: [2, 1], data: [true, false] },
        { name: 's', shape: [], data: ['é"'] },
      ],
    })
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('encodeResponse() refuses %s', (value) => {
    const bad: Tensor = { ...p, data: Float32Array.of(1, 0, value, 0, 0, 1) }
    const answer = answerOf(pair, [label, bad], { rowStart: 1 })
    expect(encodeResponse(answer)).toMatchObject({ code: 'OUTPUT_NOT_FINITE' })
    expect(encodeResponse({ ...answer, rowStart: 0 })).toContain('"data":[1,0]')
  })

  test('encodeError() writes what clients of the protocol read', () => {
    expect(encodeError(refuse('INPUT_UNKNOWN', 'no "x"'))).toEqual({
      contentType: 'application/json',
      body: '{"error":"no \\"x\\""}',
    })
  })
})
