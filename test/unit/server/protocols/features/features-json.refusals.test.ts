import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/features/features-json.ts'
import {
  decodeWith,
  feature,
  flightPlan,
  planOf,
  tensor,
} from '../../../../helpers/variant-plans.ts'

const flight = flightPlan()

const decode = (body: unknown) =>
  decodeWith(decodeRequest, flight, typeof body === 'string' ? body : JSON.stringify(body))

const VALID = { origin: 'EWR', seats: 149, gust: 12.5, is_late: true }

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
  ['1e999', '{"features":{"origin":"","seats":1e999}}', 'INPUT_VALUE_INVALID', ['/features/seats']],
  ...['1e-400', '1.00000000000000000001', '9007199254740990.6', '123456789012345.6', '1e-1'].map(
    (text) =>
      [
        text,
        `{"features":{"origin":"","seats":${text}}}`,
        'TENSOR_DATATYPE_MISMATCH',
        ['/features/seats'],
      ] as const,
  ),
  [
    'half a surrogate pair',
    '{"features":{"origin":"\\ud800","seats":1}}',
    'INPUT_VALUE_INVALID',
    [],
  ],
  [
    'an id too long',
    { features: VALID, request_id: 'x'.repeat(129) },
    'REQUEST_MALFORMED',
    ['/request_id'],
  ],
  ['NUL', { features: { ...VALID, origin: 'a\0b' } }, 'INPUT_VALUE_INVALID', ['/features/origin']],
]

test.each(REFUSED)('decodeRequest() refuses %s', (_title, body, code, pointers) => {
  const { refusal } = decode(body)
  expect(refusal?.code).toBe(code)
  expect((refusal?.errors ?? []).map(({ pointer }) => pointer)).toEqual(pointers)
})

test('decodeRequest() names every fault of a row and what was probably meant', () => {
  const { refusal } = decode({ features: { origin: 'a', seat: 1, gust: '' } })
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

test('decodeRequest() looks for what was meant with the first unknown name alone', () => {
  const { refusal } = decode({ features: { ...VALID, seat: 1, origins: 1, zebra: 1 } })
  expect(refusal?.errors?.map(({ detail }) => detail)).toEqual([
    "'seat' is no feature of this endpoint; did you mean 'seats'?",
    "'origins' is no feature of this endpoint",
    "'zebra' is no feature of this endpoint",
  ])
})

test('decodeRequest() names few of many faults', () => {
  const many = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`x${i}`, i]))
  expect(decode({ features: many }).refusal?.errors).toHaveLength(16)
})

test('decodeRequest() refuses rows that would cost far more than they say', () => {
  const wide = planOf({
    inputs: [tensor('x', 'FP32', -1, 500)],
    features: Array.from({ length: 500 }, (_, column) =>
      feature({ name: `f${column}`, tensor: 'x', column, optional: true }),
    ),
  })
  const bodyOf = (count: number) => `{"instances":[${new Array(count).fill('{}').join()}]}`
  const rowsOf = (count: number) => decodeWith(decodeRequest, wide, bodyOf(count))
  let most = 1
  while ((most + 1) * 500 * 4 <= 64 * 1024 + 32 * bodyOf(most + 1).length) most++
  expect(rowsOf(most)).toMatchObject({ refusal: null, decoded: { rows: most } })
  expect(rowsOf(most + 1).refusal).toMatchObject({
    code: 'TENSOR_SHAPE_MISMATCH',
    errors: [{ pointer: `/instances/${most}` }],
  })
})

test('decodeRequest() refuses text that is not UTF-8', () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ features: VALID }))
  bytes[bytes.indexOf(0x45)] = 0xff
  expect(decodeWith(decodeRequest, flight, bytes).refusal?.code).toBe('REQUEST_MALFORMED')
})

test('decodeRequest() refuses depth beyond the limit, whatever the depth of the text', () => {
  const body = `{"features":${'['.repeat(100_000)}`
  expect(decode(body).refusal?.code).toBe('REQUEST_TOO_DEEP')
})
