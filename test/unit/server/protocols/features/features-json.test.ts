import { describe, expect, test } from 'vitest'
import {
  decodeRequest,
  encodeError,
} from '../../../../../src/server/protocols/features/features-json.ts'
import { refuse } from '../../../../../src/shared/errors.ts'
import {
  type DecodeOptions,
  decodeWith,
  feature,
  flightPlan,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const flight = flightPlan()

const decode = (plan: typeof flight, body: unknown, options?: DecodeOptions) =>
  decodeWith(decodeRequest, plan, typeof body === 'string' ? body : JSON.stringify(body), options)

const VALID = { origin: 'EWR', seats: 149, gust: 12.5, is_late: true }

describe('what is read', () => {
  test('decodeRequest() writes a named row behind the rows of others', () => {
    const { refusal, decoded, values } = decode(flight, { features: VALID }, { row: 2 })
    expect(refusal).toBeNull()
    expect(decoded).toMatchObject({ rows: 1, tensors: null, isBatch: false, bodyId: null })
    expect(values).toEqual([[149, 12.5, 1], ['EWR']])
  })

  test('decodeRequest() takes keys in any order, blanks and a request id', () => {
    const body =
      ' {"request_id" : "a-1" ,\n"features": {"seats" :1, "is_late":false,\t"origin":""}} '
    const { refusal, decoded, values } = decode(flight, body)
    expect(refusal).toBeNull()
    expect(decoded.bodyId).toBe('a-1')
    expect(values).toEqual([[1, Number.NaN, 0], ['']])
  })

  test('decodeRequest() takes a positional row in the order of the contract', () => {
    expect(decode(flight, { features: ['EWR', 149, null, null] }).values).toEqual([
      [149, Number.NaN, -1],
      ['EWR'],
    ])
  })

  test('decodeRequest() takes instances of both forms', () => {
    const { decoded, values } = decode(flight, { instances: [VALID, ['JFK', 3, 1, false]] })
    expect(decoded).toMatchObject({ rows: 2, tensors: null, isBatch: true })
    expect(values).toEqual([
      [149, 12.5, 1, 3, 1, 0],
      ['EWR', 'JFK'],
    ])
  })

  test('decodeRequest() makes tensors of its own where rows do not fit', () => {
    const { decoded } = decode(flight, { instances: [VALID, VALID] }, { room: 1 })
    expect(decoded).toMatchObject({
      rows: 2,
      tensors: [
        { datatype: 'FP32', shape: [2, 3] },
        { datatype: 'BYTES', shape: [2, 1], data: ['EWR', 'EWR'] },
      ],
    })
  })

  test('decodeRequest() refuses the name of a feature that is no valid text', () => {
    const plan = planOf({
      inputs: [tensor('x', 'FP32', -1, 1)],
      features: [feature({ name: '\ud800', tensor: 'x', column: 0 })],
    })
    expect(decode(plan, { features: { '\ud800': 1 } }).refusal?.code).toBe('INPUT_VALUE_INVALID')
    expect(decode(plan, { features: [1] }).values).toEqual([[1]])
  })

  test('decodeRequest() reads escapes and text beyond ASCII', () => {
    const body = '{"features":{"\\u006frigin":"\\u00e9\\ud83d\\ude00é","seats":1}}'
    expect(decode(flight, body).values[1]).toEqual(['é😀é'])
  })
})

describe('columns of other types', () => {
  const all = planOf({
    inputs: [
      tensor('longs', 'INT64', -1, 4),
      tensor('bytes', 'UINT8', -1, 1),
      tensor('flags', 'BOOL', -1, 1),
    ],
    features: [
      feature({ name: 'id', type: 'integer', tensor: 'longs', column: 0 }),
      feature({
        name: 'carrier',
        type: 'category',
        tensor: 'longs',
        column: 1,
        vocabulary: ['AA', 'UA'],
        missing: -1,
      }),
      feature({
        name: 'late',
        type: 'boolean',
        tensor: 'longs',
        column: 2,
        optional: true,
        missing: 0,
      }),
      feature({ name: 'age', type: 'integer', tensor: 'longs', column: 3 }),
      feature({
        name: 'kind',
        type: 'category',
        tensor: 'bytes',
        column: 0,
        vocabulary: ['x', 'y'],
        missing: 0,
      }),
      feature({
        name: 'flag',
        type: 'boolean',
        tensor: 'flags',
        column: 0,
        optional: true,
        missing: 1,
      }),
    ],
  })
  const row = { id: 1, carrier: 'UA', late: true, age: 3, kind: 'y', flag: false }

  test('decodeRequest() keeps 64-bit integers exact and maps categories to codes', () => {
    const body = JSON.stringify({ features: row }).replace('"id":1', '"id":9223372036854775807')
    expect(decode(all, body).values).toEqual([[9223372036854775807n, 1n, 1n, 3n], [1], [0]])
  })

  test('decodeRequest() feeds -1 for an unknown category and what is missing', () => {
    const { late: _late, flag: _flag, ...rest } = row
    expect(decode(all, { features: { ...rest, carrier: 'ZZ' } }).values).toEqual([
      [1n, -1n, 0n, 3n],
      [1],
      [1],
    ])
  })

  test.each([
    ['an unknown category where -1 does not fit', { kind: 'z' }, 'INPUT_VALUE_INVALID'],
    ['null for what must be given', { age: null }, 'INPUT_MISSING'],
    ['a code for a category', { carrier: 1 }, 'TENSOR_DATATYPE_MISMATCH'],
    ['1 for a BOOL', { flag: 1 }, 'TENSOR_DATATYPE_MISMATCH'],
    ['an integer beyond INT64', { id: 1e19 }, 'INPUT_VALUE_INVALID'],
  ])('decodeRequest() refuses %s', (_title, more, code) => {
    expect(decode(all, { features: { ...row, ...more } }).refusal?.code).toBe(code)
  })

  test('decodeRequest() maps categories to codes in float columns', () => {
    const plan = planOf({
      inputs: [tensor('x', 'FP64', -1, 1)],
      features: [
        feature({
          name: 'c',
          type: 'category',
          tensor: 'x',
          column: 0,
          vocabulary: ['a', 'bb'],
          missing: -1,
        }),
      ],
    })
    expect(decode(plan, { instances: [{ c: 'bb' }, { c: 'toolong' }, ['a']] }).values).toEqual([
      [1, -1, 0],
    ])
  })
})

describe('a contract of tensors', () => {
  const one = planOf({ inputs: [tensor('x', 'FP32', -1, 2, 2)] })
  const two = planOf({ inputs: [tensor('x', 'FP32', -1, 2), tensor('n', 'INT64', -1)] })
  const free = planOf({ inputs: [tensor('tokens', 'INT64', -1, -1)] })
  const whole = planOf({ inputs: [tensor('x', 'FP32', 2, 2)], rowsMax: 0 })

  test('decodeRequest() takes the row of the one tensor, flat or nested, named or not', () => {
    for (const row of [
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
    ]) {
      expect(decode(one, { features: row }).values).toEqual([[1, 2, 3, 4]])
      expect(decode(one, { instances: [{ x: row }, row] }).values).toEqual([
        [1, 2, 3, 4, 1, 2, 3, 4],
      ])
    }
  })

  test('decodeRequest() takes several tensors by name, a value of one element bare', () => {
    expect(decode(two, { features: { n: 5, x: [1, 2] } }).values).toEqual([[1, 2], [5n]])
    expect(decode(two, { features: { n: [5], x: [1, 2] } }).values).toEqual([[1, 2], [5n]])
  })

  test('decodeRequest() sizes a free dimension by the row', () => {
    const { decoded } = decode(free, {
      instances: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    })
    expect(decoded.tensors).toEqual([
      { datatype: 'INT64', shape: [2, 3], data: BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n) },
    ])
  })

  test('decodeRequest() takes the whole tensor of a model without rows', () => {
    for (const features of [
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
    ]) {
      expect(decode(whole, { features }).decoded.tensors).toEqual([
        { datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      ])
    }
  })

  test.each([
    ['ragged lists', one, { features: [[1, 2, 3], [4]] }, 'TENSOR_SHAPE_MISMATCH'],
    [
      'one list too long',
      one,
      {
        features: [
          [1, 2],
          [3, 4, 5],
        ],
      },
      'TENSOR_SHAPE_MISMATCH',
    ],
    ['lists of another shape', one, { features: [[1, 2, 3, 4]] }, 'TENSOR_SHAPE_MISMATCH'],
    ['too few values', one, { features: [1, 2, 3] }, 'TENSOR_SHAPE_MISMATCH'],
    ['text', one, { features: [1, 2, 3, 'a'] }, 'TENSOR_DATATYPE_MISMATCH'],
    ['an unknown name', one, { features: { y: [1, 2, 3, 4] } }, 'INPUT_UNKNOWN'],
    ['a list for two tensors', two, { features: [1, 2, 3] }, 'REQUEST_MALFORMED'],
    ['a missing tensor', two, { features: { x: [1, 2] } }, 'INPUT_MISSING'],
    ['rows of different lengths', free, { instances: [[1, 2], [3]] }, 'TENSOR_SHAPE_MISMATCH'],
    [
      'two rows for a model without',
      whole,
      {
        instances: [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
      },
      'TENSOR_SHAPE_MISMATCH',
    ],
  ] as const)('decodeRequest() refuses %s', (_title, plan, body, code) => {
    expect(decode(plan, body).refusal?.code).toBe(code)
  })
})

test('encodeError() writes an RFC 9457 problem', () => {
  const refusal = refuse('INPUT_MISSING', 'no seats', [{ pointer: '/features/seats', detail: 'x' }])
  const { contentType, body } = encodeError(refusal, 'a-1')
  expect(contentType).toBe('application/problem+json')
  expect(JSON.parse(body)).toMatchObject({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'no seats',
    code: 'INPUT_MISSING',
    errors: refusal.errors,
    retryable: false,
    request_id: 'a-1',
  })
  expect(JSON.parse(encodeError(refuse('QUEUE_FULL', 'full'), '').body)).toMatchObject({
    status: 503,
    retryable: true,
  })
})
