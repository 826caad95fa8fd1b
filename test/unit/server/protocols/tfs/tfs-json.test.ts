/** The examples of tensorflow/serving, g3doc/api_rest.md, and the like. */

import { describe, expect, test } from 'vitest'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../../../../src/server/protocols/tfs/tfs-json.ts'
import type { VariantPlan } from '../../../../../src/server/protocols/variant-plan.ts'
import { refuse } from '../../../../../src/shared/errors.ts'
import type { Tensor } from '../../../../../src/shared/tensor.ts'
import {
  answerOf,
  type DecodeOptions,
  decodeWith,
  feature,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const decode = (plan: VariantPlan, body: unknown, options?: DecodeOptions) =>
  decodeWith(decodeRequest, plan, typeof body === 'string' ? body : JSON.stringify(body), options)

const numbers = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: [tensor('y', 'FP32', -1)] })
const matrix = planOf({ inputs: [tensor('x', 'FP32', -1, 2)] })
const texts = planOf({ inputs: [tensor('s', 'BYTES', -1)] })
const sensors = planOf({
  inputs: [
    tensor('tag', 'BYTES', -1),
    tensor('signal', 'INT32', -1, 5),
    tensor('sensor', 'FP64', -1, 2, 2),
  ],
})

const SENSOR_VALUES = [
  ['foo', 'bar'],
  [1, 2, 3, 4, 5, 3, 4, 1, 2, 5],
  [1, 2, 3, 4, 4, 5, 6, 8],
]

describe('what is read', () => {
  test.each([
    ['scalars', numbers, '{"instances":[1.0,2.0,5.0]}', [[1, 2, 5]]],
    ['texts', texts, '{"instances": [ "foo", "bar", "baz" ]}', [['foo', 'bar', 'baz']]],
    ['lists', matrix, '{"instances":[[1,2],[3,4]]}', [[1, 2, 3, 4]]],
    ['objects', matrix, '{"instances":[{"x":[1,2]},{"x":[3,4]}]}', [[1, 2, 3, 4]]],
    [
      'objects of several tensors',
      sensors,
      '{"instances":[{"tag":"foo","signal":[1,2,3,4,5],"sensor":[[1,2],[3,4]]},' +
        '{"tag":"bar","signal":[3,4,1,2,5],"sensor":[[4,5],[6,8]]}]}',
      SENSOR_VALUES,
    ],
  ])('decodeRequest() takes instances that are %s', (_title, plan, body, values) => {
    const found = decode(plan, body)
    expect(found.values).toEqual(values)
    expect(found.decoded.isBatch).toBe(true)
  })

  test.each([
    ['the one tensor', matrix, '{"inputs":[[1,2],[3,4]]}', [[1, 2, 3, 4]]],
    ['it by name', matrix, '{"inputs":{"x":[[1,2],[3,4]]}}', [[1, 2, 3, 4]]],
    [
      'several tensors',
      sensors,
      '{"inputs":{"tag":["foo","bar"],"signal":[[1,2,3,4,5],[3,4,1,2,5]],' +
        '"sensor":[[[1,2],[3,4]],[[4,5],[6,8]]]}}',
      SENSOR_VALUES,
    ],
  ])('decodeRequest() takes inputs that are %s', (_title, plan, body, values) => {
    const found = decode(plan, body)
    expect(found.values).toEqual(values)
    expect(found.decoded).toMatchObject({ rows: 2, isBatch: false })
  })

  test.each(['serving_default', ''])('decodeRequest() knows the signature %j', (name) => {
    expect(decode(matrix, { signature_name: name, instances: [[1, 2]] }).values).toEqual([[1, 2]])
    expect(decode(matrix, { instances: [[1, 2]], signature_name: name }).values).toEqual([[1, 2]])
  })

  test('decodeRequest() takes text in Base64 wherever a string may stand', () => {
    const b64 = 'aW1hZ2UgYnl0ZXM='
    const image = { b64 }
    expect(decode(texts, { instances: [image, 'plain'] }).values).toEqual([
      ['image bytes', 'plain'],
    ])
    expect(decode(texts, { instances: [{ s: image }] }).values).toEqual([['image bytes']])
    expect(decode(texts, { inputs: { s: [image, image] } }).values).toEqual([
      ['image bytes', 'image bytes'],
    ])
    const scalar = planOf({ inputs: [tensor('s', 'BYTES')], rowsMax: 0 })
    expect(decode(scalar, { inputs: image }).values).toEqual([['image bytes']])
    const named = planOf({ inputs: [tensor('b64', 'FP32', -1)] })
    expect(decode(named, { instances: [{ b64: 5 }] }).values).toEqual([[5]])
  })

  test('decodeRequest() takes the tensors of a version whose endpoint has features', () => {
    const plan = planOf({
      inputs: matrix.signature.inputs,
      features: [
        feature({ name: 'a', tensor: 'x', column: 1 }),
        feature({ name: 'b', tensor: 'x', column: 0 }),
      ],
    })
    expect(decode(plan, { instances: [{ x: [1, 2] }] }).values).toEqual([[1, 2]])
    expect(decode(plan, { instances: [{ a: 1, b: 2 }] }).refusal?.code).toBe('INPUT_UNKNOWN')
  })

  test('decodeRequest() keeps 64-bit integers exact', () => {
    const longs = planOf({ inputs: [tensor('n', 'INT64', -1), tensor('u', 'UINT64', -1)] })
    const body = '{"instances":[{"n":-9223372036854775808,"u":18446744073709551615}]}'
    expect(decode(longs, body).values).toEqual([[-(2n ** 63n)], [2n ** 64n - 1n]])
  })

  test('decodeRequest() sizes what is free by the rows', () => {
    const free = planOf({ inputs: [tensor('tokens', 'INT64', -1, -1)] })
    const tensors = [
      { datatype: 'INT64', shape: [2, 3], data: BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n) },
    ]
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ]
    expect(decode(free, { instances: rows }).decoded.tensors).toEqual(tensors)
    expect(decode(free, { inputs: rows }).decoded.tensors).toEqual(tensors)
    const uneven = [[1, 2], [3]]
    for (const key of ['instances', 'inputs']) {
      const { refusal } = decode(free, { [key]: uneven })
      expect(refusal?.code).toBe('TENSOR_SHAPE_MISMATCH')
    }
  })
})

describe('a version without rows', () => {
  const whole = planOf({ inputs: [tensor('x', 'FP32', 1, 3)], rowsMax: 0 })

  test('decodeRequest() takes one instance, with or without its dimension of one, or inputs', () => {
    for (const body of [{ instances: [[1, 2, 3]] }, { instances: [[[1, 2, 3]]] }]) {
      expect(decode(whole, body).decoded).toMatchObject({
        rows: 1,
        tensors: [{ shape: [1, 3], data: Float32Array.of(1, 2, 3) }],
      })
    }
    expect(decode(whole, { inputs: [[1, 2, 3]] }).decoded.tensors).toMatchObject([
      { shape: [1, 3] },
    ])
  })

  test('decodeRequest() refuses two instances, and inputs of another shape', () => {
    const two = decode(whole, {
      instances: [
        [1, 2, 3],
        [1, 2, 3],
      ],
    })
    expect(two.refusal?.detail).toBe('This model takes one row a request, got 2')
    expect(decode(whole, { inputs: [1, 2, 3] }).refusal).toMatchObject({
      code: 'TENSOR_SHAPE_MISMATCH',
      detail: "Input 'x' wants [1,3], got [3]",
      errors: [{ pointer: '/inputs' }],
    })
  })
})

describe('answers', () => {
  const y: Tensor = { datatype: 'FP32', shape: [3], data: Float32Array.of(3.5, 4, -0) }
  const label: Tensor = { datatype: 'INT64', shape: [3], data: BigInt64Array.of(2n ** 62n, 0n, 1n) }
  const p: Tensor = { datatype: 'FP64', shape: [3, 1], data: Float64Array.of(1e21, 1e-7, 9e6) }
  const two = planOf({
    inputs: matrix.signature.inputs,
    outputs: [tensor('label', 'INT64', -1), tensor('p"', 'FP64', -1, 1)],
  })

  test('encodeResponse() gives rows of the one output as they are, floats as such', () => {
    const answer = answerOf(numbers, [y], { rows: 3, isBatch: true })
    expect(encodeResponse(answer)).toBe('{"predictions":[3.5,4.0,-0.0]}')
    expect(encodeResponse({ ...answer, isBatch: false })).toBe('{"outputs":[3.5,4.0,-0.0]}')
  })

  test('encodeResponse() gives rows of several outputs by name, in their own shapes', () => {
    const answer = answerOf(two, [label, p], { rowStart: 1, rows: 2, isBatch: true })
    expect(encodeResponse(answer)).toBe(
      '{"predictions":[{"label":0,"p\\"":[1e-7]},{"label":1,"p\\"":[9000000.0]}]}',
    )
    expect(encodeResponse({ ...answer, isBatch: false })).toBe(
      '{"outputs":{"label":[0,1],"p\\"":[[1e-7],[9000000.0]]}}',
    )
    const first = answerOf(two, [label, p], { isBatch: true })
    expect(encodeResponse(first)).toBe(
      '{"predictions":[{"label":4611686018427387904,"p\\"":[1e+21]}]}',
    )
  })

  test('encodeResponse() writes text in Base64 where a name ends in _bytes', () => {
    const outputs = [tensor('image_bytes', 'BYTES', -1), tensor('n_bytes', 'INT32', -1)]
    const plan = planOf({ inputs: matrix.signature.inputs, outputs })
    const image: Tensor = { datatype: 'BYTES', shape: [1], data: ['image bytes'] }
    const n: Tensor = { datatype: 'INT32', shape: [1], data: Int32Array.of(11) }
    expect(encodeResponse(answerOf(plan, [image, n], { isBatch: true }))).toBe(
      '{"predictions":[{"image_bytes":{"b64":"aW1hZ2UgYnl0ZXM="},"n_bytes":11}]}',
    )
  })

  test('encodeResponse() gives one prediction of a version without rows', () => {
    const plan = planOf({
      inputs: [tensor('x', 'FP32', 1, 2)],
      outputs: [tensor('a', 'BOOL', 1, 2), tensor('b', 'INT8'), tensor('c', 'INT8', 2)],
      rowsMax: 0,
    })
    const results: Tensor[] = [
      { datatype: 'BOOL', shape: [1, 2], data: Uint8Array.of(1, 0) },
      { datatype: 'INT8', shape: [], data: Int8Array.of(5) },
      { datatype: 'INT8', shape: [2], data: Int8Array.of(6, 7) },
    ]
    const answer = answerOf(plan, results, { isBatch: true })
    expect(encodeResponse(answer)).toBe('{"predictions":[{"a":[true,false],"b":5,"c":[6,7]}]}')
    expect(encodeResponse({ ...answer, isBatch: false })).toBe(
      '{"outputs":{"a":[[true,false]],"b":5,"c":[6,7]}}',
    )
  })

  test('encodeResponse() refuses NaN, by the row of the request', () => {
    const bad: Tensor = { ...y, data: Float32Array.of(1, 2, Number.NaN) }
    const answer = answerOf(numbers, [bad], { rowStart: 1, rows: 2, isBatch: true })
    expect(encodeResponse(answer)).toMatchObject({
      code: 'OUTPUT_NOT_FINITE',
      detail: 'The model answered NaN or infinity for row 1',
    })
    expect(encodeResponse({ ...answer, isBatch: false })).toMatchObject({
      code: 'OUTPUT_NOT_FINITE',
    })
  })

  test('encodeError() writes what clients of the format read', () => {
    expect(encodeError(refuse('INPUT_UNKNOWN', 'no "x"'))).toEqual({
      contentType: 'application/json',
      body: '{"error":"no \\"x\\""}',
    })
  })
})
