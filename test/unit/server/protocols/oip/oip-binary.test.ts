import { describe, expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/oip/oip-json.ts'
import { binaryBody, tensorBytes, textBytes } from '../../../../helpers/binary-tensors.ts'
import {
  type DecodeOptions,
  decodeWith,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const pair = planOf({
  inputs: [tensor('x', 'FP32', -1, 2), tensor('c', 'BYTES', -1, 1)],
  outputs: [tensor('label', 'INT64', -1), tensor('p', 'FP32', -1, 2)],
})

const X = { name: 'x', shape: [2, 2], datatype: 'FP32', parameters: { binary_data_size: 16 } }
const C = { name: 'c', shape: [2, 1], datatype: 'BYTES', parameters: { binary_data_size: 13 } }
const X_BYTES = tensorBytes('FP32', [1, Number.NaN, -0, Number.POSITIVE_INFINITY])
const C_BYTES = tensorBytes('BYTES', ['EWR', 'é'])
const VALUES = [
  [1, Number.NaN, -0, Number.POSITIVE_INFINITY],
  ['EWR', 'é'],
]

const decode = (json: object, tensors: readonly Uint8Array[], options: DecodeOptions = {}) => {
  const { bytes, jsonBytes } = binaryBody(json, tensors, 1)
  return decodeWith(decodeRequest, pair, bytes, { jsonBytes, ...options })
}

describe('what is read', () => {
  test('decodeOipBinary() takes tensors in the order of the JSON, into the batch', () => {
    const { refusal, decoded, values } = decode({ inputs: [C, X], id: 'a' }, [C_BYTES, X_BYTES], {
      row: 1,
    })
    expect(refusal).toBeNull()
    expect(decoded).toMatchObject({ rows: 2, tensors: null, bodyId: 'a', outputs: null })
    expect(values).toEqual(VALUES)
  })

  test('decodeOipBinary() makes tensors of their own where rows do not fit', () => {
    const { decoded } = decode({ inputs: [X, C] }, [X_BYTES, C_BYTES], { room: 1 })
    expect(decoded.tensors).toMatchObject([
      { datatype: 'FP32', shape: [2, 2], data: Float32Array.from(VALUES[0] as number[]) },
      { datatype: 'BYTES', shape: [2, 1], data: VALUES[1] },
    ])
  })

  test.each([{ room: 4 }, { room: 0 }])('decodeOipBinary() takes both forms at once', (options) => {
    const json = { ...C, parameters: {}, data: [['EWR'], ['é']] }
    const { refusal, values } = decode({ inputs: [json, X] }, [X_BYTES], options)
    expect(refusal).toBeNull()
    expect(values).toEqual(VALUES)
  })

  test('decodeOipBinary() takes JSON alone whose length is said', () => {
    const inputs = [
      { ...X, parameters: {}, data: [1, 2, 3, 4] },
      { ...C, parameters: {}, data: ['a', 'b'] },
    ]
    expect(decode({ inputs }, []).values).toEqual([
      [1, 2, 3, 4],
      ['a', 'b'],
    ])
  })

  test('decodeOipBinary() reads the tensors of a JSON part that it knows, and its id', () => {
    const inputs = [X, C]
    for (const text of ['one', 'two', 'NUL \0']) {
      const bytes = tensorBytes('BYTES', ['EWR', text])
      const own = { ...C, parameters: { binary_data_size: bytes.length } }
      const { refusal, decoded, values } = decode({ inputs: [X, own], id: 'same' }, [
        X_BYTES,
        bytes,
      ])
      expect(decoded.bodyId).toBe('same')
      if (refusal === null) expect(values[1]).toEqual(['EWR', text])
      else expect(refusal.code).toBe('INPUT_VALUE_INVALID')
    }
    expect(decode({ inputs }, [X_BYTES, C_BYTES]).decoded.bodyId).toBeNull()
  })
})

const sized = (size: unknown, more: object = {}) => ({
  ...X,
  ...more,
  parameters: { binary_data_size: size },
})
const BOTH = [X_BYTES, C_BYTES]

/** title, JSON part, what is behind it, code, part of the text */
const REFUSED: readonly (readonly [string, object, readonly Uint8Array[], string, string])[] = [
  [
    'too little behind the JSON',
    { inputs: [X, C] },
    [X_BYTES],
    'REQUEST_MALFORMED',
    "unexpected size for input 'c', expecting 13 additional bytes for model 'clicks'",
  ],
  [
    'too much behind the JSON',
    { inputs: [X, C] },
    [...BOTH, Uint8Array.of(0)],
    'REQUEST_MALFORMED',
    "unexpected additional input data for model 'clicks'",
  ],
  [
    'another size than the shape',
    { inputs: [sized(12), C] },
    BOTH,
    'TENSOR_SHAPE_MISMATCH',
    'got 12',
  ],
  [
    'another shape than the size',
    { inputs: [{ ...X, shape: [3, 2] }, C] },
    BOTH,
    'TENSOR_SHAPE_MISMATCH',
    '24',
  ],
  [
    'data as well',
    { inputs: [{ ...X, data: [1, 2, 3, 4] }, C] },
    BOTH,
    'REQUEST_MALFORMED',
    "Input 'x' has both 'data' and 'binary_data_size'",
  ],
  ['a size below 0', { inputs: [sized(-16), C] }, BOTH, 'REQUEST_MALFORMED', 'binary_data_size'],
  ['half a size', { inputs: [sized(16.5), C] }, BOTH, 'REQUEST_MALFORMED', 'binary_data_size'],
  [
    'a size of 2^60',
    { inputs: [sized(2 ** 60), C] },
    BOTH,
    'REQUEST_MALFORMED',
    'binary_data_size',
  ],
  ['a size in text', { inputs: [sized('16'), C] }, BOTH, 'REQUEST_MALFORMED', 'binary_data_size'],
  ['no size', { inputs: [sized(null), C] }, BOTH, 'REQUEST_MALFORMED', 'binary_data_size'],
  [
    'a shape whose product is 2^60',
    { inputs: [sized(16, { shape: [2 ** 30, 2 ** 30] }), C] },
    BOTH,
    'TENSOR_SHAPE_MISMATCH',
    'shape',
  ],
  [
    'a negative size in a shape',
    { inputs: [sized(16, { shape: [-1, 2] }), C] },
    BOTH,
    'TENSOR_SHAPE_MISMATCH',
    'shape',
  ],
  [
    'many strings in few bytes',
    { inputs: [X, { ...C, shape: [2000000000, 1] }] },
    BOTH,
    'TENSOR_SHAPE_MISMATCH',
    'wants 2000000000 strings',
  ],
  [
    'a length prefix that lies',
    { inputs: [X, C] },
    [X_BYTES, textBytes('EWR', 4_000_000_000), textBytes('é')],
    'REQUEST_MALFORMED',
    'expecting string of length 4000000000 but only 9 bytes available',
  ],
  [
    'text that is no UTF-8',
    { inputs: [X, C] },
    [X_BYTES, textBytes('EWR'), textBytes(Uint8Array.of(0xc3, 0x28))],
    'INPUT_VALUE_INVALID',
    'element 1 is not valid UTF-8',
  ],
  [
    'another datatype',
    { inputs: [{ ...X, datatype: 'INT32' }, C] },
    BOTH,
    'TENSOR_DATATYPE_MISMATCH',
    'FP32',
  ],
  [
    'an input twice',
    { inputs: [X, X, C] },
    [X_BYTES, ...BOTH],
    'REQUEST_MALFORMED',
    "input 'x' already exists in request",
  ],
]

test.each(REFUSED)('decodeOipBinary() refuses %s', (_title, json, tensors, code, text) => {
  const { refusal } = decode(json, tensors)
  expect(refusal?.code).toBe(code)
  expect(refusal?.detail).toContain(text)
})

test('decodeRequest() says what is missing where no length of the JSON was sent', () => {
  const { bytes } = binaryBody({ inputs: [X, C] }, [])
  const { refusal } = decodeWith(decodeRequest, pair, bytes)
  expect(refusal?.code).toBe('REQUEST_MALFORMED')
  expect(refusal?.detail).toContain("must specify valid 'Inference-Header-Content-Length'")
})

test('decodeOipBinary() refuses a length that cuts the JSON', () => {
  const { bytes, jsonBytes } = binaryBody({ inputs: [X, C] }, BOTH)
  for (const length of [1, jsonBytes - 1, jsonBytes + 1, bytes.length]) {
    const { refusal } = decodeWith(decodeRequest, pair, bytes, { jsonBytes: length })
    expect(refusal?.code).toBe('REQUEST_MALFORMED')
  }
})
