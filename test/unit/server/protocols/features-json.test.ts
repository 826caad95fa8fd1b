import { describe, expect, test } from 'vitest'
import { decodeRequest, encodeError } from '../../../../src/server/protocols/features-json.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import {
  type DecodeOptions,
  decodeWith,
  feature,
  planOf,
  tensor,
} from '../../../helpers/variant-plans.ts'

const flight = planOf({
  inputs: [tensor('numeric', 'FP32', -1, 3), tensor('text', 'BYTES', -1, 1)],
  features: [
    feature({ name: 'origin', type: 'category', tensor: 'text', column: 0, missing: '' }),
    feature({ name: 'seats', type: 'integer', tensor: 'numeric', column: 0 }),
    feature({ name: 'gust', tensor: 'numeric', column: 1, optional: true }),
    feature({
      name: 'is_late',
      type: 'boolean',
      tensor: 'numeric',
      column: 2,
      optional: true,
      missing: -1,
    }),
  ],
})

const decode = (plan: typeof flight, body: unknown, options?: DecodeOptions) =>
  decodeWith(decodeRequest, plan, typeof body === 'string' ? body : JSON.stringify(body), options)

const VALID = { origin: 'EWR', seats: 149, gust: 12.5, is_late: true }

describe('what is read', () => {
  test('decodeRequest() writes a named row behind the rows of others', () => {
    const { refusal, decoded, values } = decode(flight, { features: VALID }, { row: 2 })
    expect(refusal).toBeNull()
    expect(decoded).toMatchObject({ rowsInPlace: 1, tensors: null, isBatch: false, requestId: '' })
    expect(values).toEqual([[149, 12.5, 1], ['EWR']])
  })

  test('decodeRequest() takes keys in any order, blanks and a request id', () => {
    const body =
      ' {"request_id" : "a-1" ,\n"features": {"seats" :1, "is_late":false,\t"origin":""}} '
    const { refusal, decoded, values } = decode(flight, body)
    expect(refusal).toBeNull()
    expect(decoded.requestId).toBe('a-1')
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
    expect(decoded).toMatchObject({ rowsInPlace: 2, isBatch: true })
    expect(values).toEqual([
      [149, 12.5, 1, 3, 1, 0],
      ['EWR', 'JFK'],
    ])
  })

  test('decodeRequest() makes tensors of its own where rows do not fit', () => {
    const { decoded } = decode(flight, { instances: [VALID, VALID] }, { room: 1 })
    expect(decoded).toMatchObject({
      rowsInPlace: 0,
      tensors: [
        { datatype: 'FP32', shape: [2, 3] },
        { datatype: 'BYTES', shape: [2, 1], data: ['EWR', 'EWR'] },
      ],
    })
  })

  test('decodeRequest() reads escapes and text beyond ASCII', () => {
    const body = '{"features":{"\\u006frigin":"\\u00e9\\ud83d\\ude00é","seats":1}}'
    expect(decode(flight, body).values[1]).toEqual(['é😀é'])
  })
})

/** title, body, code, pointers */
const REFUSED: readonly (readonly [string, unknown, string, readonly string[]])[] = [
  ['nothing', '', 'REQUEST_MALFORMED', []],
  ['a list', '[]', 'REQUEST_MALFORMED', []],
  ['neither form', {}, 'REQUEST_MALFORMED', []],
  ['both forms', { features: VALID, instances: [VALID] }, 'REQUEST_MALFORMED', []],
  ['an unknown key', { feature: VALID }, 'REQUEST_MALFORMED', ['/feature']],
  ['no instance', { instances: [] }, 'REQUEST_MALFORMED', ['/instances']],
  ['instances that are no list', { instances: VALID }, 'REQUEST_MALFORMED', ['/instances']],
  ['a row that is a number', { features: 1 }, 'REQUEST_MALFORMED', ['/features']],
  ['a row that is null', { features: null }, 'REQUEST_MALFORMED', ['/features']],
  ['a number as id', { features: VALID, request_id: 1 }, 'REQUEST_MALFORMED', ['/request_id']],
  ['an empty id', { features: VALID, request_id: '' }, 'REQUEST_MALFORMED', ['/request_id']],
  ['more text', `${JSON.stringify({ features: VALID })}1`, 'REQUEST_MALFORMED', []],
  ['half a body', '{"features":{"seats":1', 'REQUEST_MALFORMED', []],
  ['a comma too many', '{"features":{"origin":"a","seats":1,}}', 'REQUEST_MALFORMED', []],
  ['a key twice', '{"features":{"seats":1,"seats":1,"origin":""}}', 'DUPLICATE_KEY', []],
  ['features twice', '{"features":["",1,1,true],"features":1}', 'DUPLICATE_KEY', []],
  ['a missing value', { features: { origin: 'a' } }, 'INPUT_MISSING', ['/features/seats']],
  ['null', { features: { ...VALID, seats: null } }, 'INPUT_MISSING', ['/features/seats']],
  ['null in place 1', { features: ['a', null, 1, true] }, 'INPUT_MISSING', ['/features/1']],
  [
    'a fault in row 2',
    { instances: [VALID, VALID, { origin: 'a' }] },
    'INPUT_MISSING',
    ['/instances/2/seats'],
  ],
  [
    '__proto__',
    '{"features":{"__proto__":1,"origin":"","seats":1}}',
    'INPUT_UNKNOWN',
    ['/features/__proto__'],
  ],
  ['too few values', { features: ['a', 1] }, 'TENSOR_SHAPE_MISMATCH', ['/features']],
  ['too many values', { features: ['a', 1, 1, true, 1] }, 'TENSOR_SHAPE_MISMATCH', ['/features']],
  [
    'a fraction',
    { features: { ...VALID, seats: 1.5 } },
    'TENSOR_DATATYPE_MISMATCH',
    ['/features/seats'],
  ],
  ['text', { features: { ...VALID, seats: '' } }, 'TENSOR_DATATYPE_MISMATCH', ['/features/seats']],
  [
    'true as number',
    { features: { ...VALID, gust: true } },
    'TENSOR_DATATYPE_MISMATCH',
    ['/features/gust'],
  ],
  [
    '1 as boolean',
    { features: { ...VALID, is_late: 1 } },
    'TENSOR_DATATYPE_MISMATCH',
    ['/features/is_late'],
  ],
  [
    '7 as category',
    { features: { ...VALID, origin: 7 } },
    'TENSOR_DATATYPE_MISMATCH',
    ['/features/origin'],
  ],
  [
    'a list',
    { features: { ...VALID, seats: [1] } },
    'TENSOR_DATATYPE_MISMATCH',
    ['/features/seats'],
  ],
  ['1e39', { features: { ...VALID, gust: 1e39 } }, 'INPUT_VALUE_INVALID', ['/features/gust']],
  ['-1e39', { features: { ...VALID, seats: -1e39 } }, 'INPUT_VALUE_INVALID', ['/features/seats']],
  ['1e999', '{"features":{"origin":"","seats":1e999}}', 'INPUT_VALUE_INVALID', []],
  ['NUL', { features: { ...VALID, origin: 'a\0b' } }, 'INPUT_VALUE_INVALID', ['/features/origin']],
]

describe('what is refused', () => {
  test.each(REFUSED)('decodeRequest() refuses %s', (_title, body, code, pointers) => {
    const { refusal } = decode(flight, body)
    expect(refusal?.code).toBe(code)
    expect((refusal?.errors ?? []).map(({ pointer }) => pointer)).toEqual(pointers)
  })

  test('decodeRequest() names every fault of a row and what was probably meant', () => {
    const { refusal } = decode(flight, { features: { origin: 'a', seat: 1, gust: '' } })
    expect(refusal).toEqual({
      code: 'INPUT_UNKNOWN',
      detail: "'seat' is no feature of this endpoint; did you mean 'seats'? (and 2 more)",
      errors: [
        {
          pointer: '/features/seat',
          detail: "'seat' is no feature of this endpoint; did you mean 'seats'?",
        },
        { pointer: '/features/seats', detail: "Feature 'seats' is missing" },
        { pointer: '/features/gust', detail: 'wants a number, got a string' },
      ],
    })
  })

  test('decodeRequest() names few of many faults', () => {
    const many = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`x${i}`, i]))
    expect(decode(flight, { features: many }).refusal?.errors).toHaveLength(16)
  })

  test('decodeRequest() refuses text that is not UTF-8', () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ features: VALID }))
    bytes[bytes.indexOf(0x45)] = 0xff
    expect(decodeWith(decodeRequest, flight, bytes).refusal?.code).toBe('REQUEST_MALFORMED')
  })

  test('decodeRequest() refuses depth beyond the limit, whatever the depth of the text', () => {
    const body = `{"features":${'['.repeat(100_000)}`
    expect(decode(flight, body).refusal?.code).toBe('REQUEST_TOO_DEEP')
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
      feature({ name: 'age', type: 'integer', tensor: 'longs', column: 3, optional: true }),
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
    ['null where NaN cannot be fed', { age: null }, 'INPUT_MISSING'],
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
    type: 'docs/reference/errors.md#INPUT_MISSING',
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
