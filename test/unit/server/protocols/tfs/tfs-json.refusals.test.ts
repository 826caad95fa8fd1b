import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/tfs/tfs-json.ts'
import type { VariantPlan } from '../../../../../src/server/protocols/variant-plan.ts'
import { decodeWith, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const decode = (plan: VariantPlan, body: unknown) =>
  decodeWith(decodeRequest, plan, typeof body === 'string' ? body : JSON.stringify(body))

const matrix = planOf({ inputs: [tensor('x', 'FP32', -1, 2)] })
const pair = planOf({ inputs: [tensor('a', 'FP32', -1), tensor('b', 'FP32', -1)] })

/** title, body, code, pointer, detail */
const REFUSED: readonly (readonly [string, unknown, string, string, RegExp])[] = [
  ['neither', {}, 'REQUEST_MALFORMED', '', /either 'instances' or 'inputs'/],
  [
    'both',
    { instances: [[1, 2]], inputs: [[1, 2]] },
    'REQUEST_MALFORMED',
    '',
    /either 'instances' or 'inputs'/,
  ],
  ['a list', [[1, 2]], 'REQUEST_MALFORMED', '', /must be an object, not a list/],
  ['no instance', { instances: [] }, 'REQUEST_MALFORMED', '/instances', /list of rows, got none/],
  ['instances that are no list', { instances: 1 }, 'REQUEST_MALFORMED', '/instances', /a number/],
  ['no rows', { inputs: [] }, 'TENSOR_SHAPE_MISMATCH', '/inputs', /wants \[-1,2\], got \[0\]/],
  [
    'another signature',
    { signature_name: 'classify', instances: [[1, 2]] },
    'REQUEST_MALFORMED',
    '/signature_name',
    /^No signature has the name 'classify'; known: serving_default$/,
  ],
  [
    'a number as signature',
    { signature_name: 1, instances: [[1, 2]] },
    'REQUEST_MALFORMED',
    '/signature_name',
    /must be a string, got a number/,
  ],
  [
    'an unknown key',
    { instance: [[1, 2]] },
    'REQUEST_MALFORMED',
    '/instance',
    /did you mean 'instances'\?/,
  ],
  ['a key twice', '{"instances":[[1,2]],"instances":[[1,2]]}', 'DUPLICATE_KEY', '', /twice/],
  ['NaN', '{"instances":[[1,NaN]]}', 'REQUEST_MALFORMED', '', /not valid JSON/],
  ['infinity', '{"inputs":[[-Infinity,1]]}', 'REQUEST_MALFORMED', '', /not valid JSON/],
  [
    'too long a row',
    {
      instances: [
        [1, 2],
        [1, 2, 3],
      ],
    },
    'TENSOR_SHAPE_MISMATCH',
    '/instances/1',
    /wants rows of shape \[2\], got \[3\]/,
  ],
  ['a text', { instances: [['a', 1]] }, 'TENSOR_DATATYPE_MISMATCH', '/instances/0', /a number/],
  [
    'Base64',
    { instances: [[{ b64: '' }, 1]] },
    'TENSOR_DATATYPE_MISMATCH',
    '/instances/0',
    /a num/,
  ],
  ['1e39', { inputs: [[1, 1e39]] }, 'INPUT_VALUE_INVALID', '/inputs', /range of FP32/],
  [
    'a bare value',
    { instances: [5] },
    'TENSOR_SHAPE_MISMATCH',
    '/instances/0',
    /wants rows of shape \[2\], got a value outside any list/,
  ],
  [
    'a text among numbers',
    '{"inputs":[[1,2],[3,"4"]]}',
    'TENSOR_DATATYPE_MISMATCH',
    '/inputs',
    /^Element 3 of input 'x' wants a number, got a string$/,
  ],
  ['null', { instances: [null] }, 'INPUT_MISSING', '/instances/0', /'x' is missing/],
  ['an empty row', { instances: [{}] }, 'INPUT_MISSING', '/instances/0/x', /'x' is missing/],
  ['no input', { inputs: {} }, 'INPUT_MISSING', '/inputs/x', /'x' is missing/],
  [
    'another name',
    { inputs: { x: [[1, 2]], z: 1 } },
    'INPUT_UNKNOWN',
    '/inputs/z',
    /'z' is no input of this model; did you mean 'x'\?/,
  ],
]

test.each(REFUSED)('decodeRequest() refuses %s', (_title, body, code, pointer, detail) => {
  const { refusal } = decode(matrix, body)
  expect(refusal?.code).toBe(code)
  expect(refusal?.detail).toMatch(detail)
  expect(refusal?.errors?.[0]?.pointer ?? '').toBe(pointer)
  // An answer of this format has the text alone.
  const [, row] = /^\/instances\/(\d+)/.exec(pointer) ?? []
  expect(/ \(row (\d+)\)$/.exec(refusal?.detail ?? '')?.[1]).toBe(row)
})

test.each([
  ['inputs without names', { inputs: [[1]] }, 'REQUEST_MALFORMED', '/inputs'],
  ['a row without names', { instances: [[1]] }, 'REQUEST_MALFORMED', '/instances/0'],
  ['other lists', { inputs: { a: [1], b: [[1]] } }, 'TENSOR_SHAPE_MISMATCH', '/inputs/b'],
])('decodeRequest() refuses of several tensors %s', (_title, body, code, pointer) => {
  expect(decode(pair, body).refusal).toMatchObject({ code, errors: [{ pointer }] })
})

test('decodeRequest() refuses inputs whose numbers of rows differ', () => {
  expect(decode(pair, { inputs: { a: [1, 2], b: [1] } }).refusal).toMatchObject({
    code: 'TENSOR_SHAPE_MISMATCH',
    detail: 'The inputs have different numbers of rows',
  })
  expect(decode(pair, { inputs: { a: [], b: [] } }).refusal?.detail).toBe('The request has no row')
})
