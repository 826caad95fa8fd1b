import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/oip/oip-json.ts'
import { decodeWith, emptyDecoded, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const pair = planOf({
  inputs: [tensor('x', 'FP32', -1, 2), tensor('c', 'BYTES', -1, 1)],
  outputs: [tensor('label', 'INT64', -1), tensor('p', 'FP32', -1, 2)],
})

const decode = (body: unknown) =>
  decodeWith(decodeRequest, pair, typeof body === 'string' ? body : JSON.stringify(body))

const X = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2.5, -3, 4e2] }
const C = { name: 'c', shape: [2, 1], datatype: 'BYTES', data: ['EWR', 'é😀'] }

/** title, body, code, pointer */
const REFUSED: readonly (readonly [string, unknown, string, string?])[] = [
  ['nothing', '', 'REQUEST_MALFORMED'],
  ['a list', [], 'REQUEST_MALFORMED', ''],
  ['no inputs', {}, 'REQUEST_MALFORMED', '/inputs'],
  ['inputs that are no list', { inputs: {} }, 'REQUEST_MALFORMED', '/inputs'],
  ['an empty list of inputs', { inputs: [] }, 'INPUT_MISSING', '/inputs'],
  ['a missing input', { inputs: [X] }, 'INPUT_MISSING', '/inputs'],
  [
    'an input without name',
    { inputs: [{ ...X, name: undefined }, C] },
    'REQUEST_MALFORMED',
    '/inputs/0',
  ],
  ['an input that is null', { inputs: [X, null] }, 'REQUEST_MALFORMED', '/inputs/1'],
  ['an unknown input', { inputs: [X, C, { ...C, name: 'd' }] }, 'INPUT_UNKNOWN', '/inputs/2'],
  ['an input twice', { inputs: [X, C, X] }, 'REQUEST_MALFORMED', '/inputs/2'],
  ['a number as id', { id: 1, inputs: [X, C] }, 'REQUEST_MALFORMED', '/id'],
  [
    'parameters that are a list',
    { parameters: [], inputs: [X, C] },
    'REQUEST_MALFORMED',
    '/parameters',
  ],
  ['no shape', { inputs: [{ ...X, shape: undefined }, C] }, 'REQUEST_MALFORMED', '/inputs/0/shape'],
  ['no data', { inputs: [X, { ...C, data: undefined }] }, 'REQUEST_MALFORMED', '/inputs/1/data'],
  [
    'another datatype',
    { inputs: [{ ...X, datatype: 'FP64' }, C] },
    'TENSOR_DATATYPE_MISMATCH',
    '/inputs/0/datatype',
  ],
  [
    'a datatype that is not there',
    { inputs: [{ ...X, datatype: 'FP16' }, C] },
    'TENSOR_DATATYPE_MISMATCH',
    '/inputs/0/datatype',
  ],
  [
    'another rank',
    { inputs: [{ ...X, shape: [4] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'another width',
    { inputs: [{ ...X, shape: [1, 4] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'a negative size',
    { inputs: [{ ...X, shape: [-2, 2] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'half a size',
    { inputs: [{ ...X, shape: [1.5, 2] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'nearly a size',
    `{"inputs":[{"name":"x","shape":[2,2.00000000000000000001],"datatype":"FP32","data":[]}]}`,
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'a size in text',
    { inputs: [{ ...X, shape: ['2', 2] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'a product of 2^33',
    { inputs: [{ ...X, shape: [4294967296, 2] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/shape',
  ],
  [
    'a shape larger than its data',
    { inputs: [{ ...X, shape: [1000000000, 2] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  [
    'too little data',
    { inputs: [{ ...X, data: [1, 2, 3] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  [
    'too much data',
    { inputs: [{ ...X, data: [1, 2, 3, 4, 5] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  [
    'ragged data',
    { inputs: [{ ...X, data: [[1, 2, 3], [4]] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  [
    'ragged data of the right number',
    { inputs: [{ ...X, shape: [3, 2], data: [[1, 2], [3, 4, 5], [6]] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  [
    'data nested otherwise',
    { inputs: [{ ...X, data: [[1, 2, 3, 4]] }, C] },
    'TENSOR_SHAPE_MISMATCH',
    '/inputs/0/data',
  ],
  ['unequal rows', { inputs: [X, { ...C, shape: [1, 1], data: ['a'] }] }, 'TENSOR_SHAPE_MISMATCH'],
  [
    'no row',
    {
      inputs: [
        { ...X, shape: [0, 2], data: [] },
        { ...C, shape: [0, 1], data: [] },
      ],
    },
    'TENSOR_SHAPE_MISMATCH',
  ],
  [
    'a bad value in nested data',
    {
      inputs: [
        {
          ...X,
          data: [
            [1, 2],
            [3, '4'],
          ],
        },
        C,
      ],
    },
    'TENSOR_DATATYPE_MISMATCH',
    '/inputs/0/data/1/1',
  ],
  [
    'an unknown output',
    { inputs: [X, C], outputs: [{ name: 'labels' }] },
    'OUTPUT_UNKNOWN',
    '/outputs/0',
  ],
  [
    'an output twice',
    { inputs: [X, C], outputs: [{ name: 'p' }, { name: 'p' }] },
    'OUTPUT_UNKNOWN',
    '/outputs/1',
  ],
  ['outputs that are no list', { inputs: [X, C], outputs: {} }, 'REQUEST_MALFORMED', '/outputs'],
  [
    'shared memory',
    { inputs: [{ ...X, parameters: { shared_memory_region: 'r' } }, C] },
    'EXTENSION_UNSUPPORTED',
    '/inputs/0/parameters/shared_memory_region',
  ],
  ['a key twice', '{"inputs":[],"inputs":[]}', 'DUPLICATE_KEY'],
  ['more text', `${JSON.stringify({ inputs: [X, C] })},`, 'REQUEST_MALFORMED'],
]

test.each(REFUSED)('decodeRequest() refuses %s', (_title, body, code, pointer) => {
  const { refusal } = decode(body)
  expect(refusal?.code).toBe(code)
  expect(refusal?.errors?.[0]?.pointer).toBe(pointer)
})

const rowsOfNothing = planOf({ inputs: [tensor('x', 'FP32', -1, -1)] })
const noWidth = planOf({ inputs: [tensor('x', 'FP32', -1, 0)], rowsMax: 100_000 })

test.each([
  ['a free width', rowsOfNothing],
  ['a width of 0', noWidth],
])('decodeRequest() refuses more rows without elements than were paid for: %s', (_what, plan) => {
  const ask = (rows: number, room: number, sentBytes = -1) => {
    const body = JSON.stringify({
      inputs: [{ name: 'x', shape: [rows, 0], datatype: 'FP32', data: [] }],
    })
    const decoded = { ...emptyDecoded(), sentBytes }
    const target = { columns: [new Float32Array(0)], row: 0, room }
    const bytes = new TextEncoder().encode(body)
    return decodeRequest(bytes, plan, target, decoded, () => {})?.code ?? decoded.rows
  }
  for (const room of plan.rowStrides === null ? [0] : [0, 100_000]) {
    expect(ask(8192, room)).toBe(8192)
    expect(ask(8192 + 10 * 4, room, 10)).toBe(8192 + 10 * 4)
    expect(ask(8192 + 10 * 4 + 1, room, 10)).toBe('TENSOR_SHAPE_MISMATCH')
    expect(ask(2_000_000_000, room)).toBe('TENSOR_SHAPE_MISMATCH')
  }
})
