import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/oip/oip-json.ts'
import type { Datatype } from '../../../../../src/shared/tensor.ts'
import { tensorBytes } from '../../../../helpers/binary-tensors.ts'
import type { Value } from '../../../../helpers/spellings.ts'
import { decodeWith, type PlanParts, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const raw = (parts: PlanParts, body: Uint8Array, room = 4) => {
  const plan = planOf(parts)
  return decodeWith(decodeRequest, plan, body, {
    jsonBytes: 0,
    room: plan.rowStrides === null ? 0 : room,
  })
}

const one = (datatype: Datatype, rowsMax: number, ...shape: number[]): PlanParts => ({
  inputs: [tensor('x', datatype, ...shape)],
  outputs: [tensor('y', 'FP32', -1, 1), tensor('z', 'BYTES', -1)],
  rowsMax,
})

/** input, its values, the shape that they make */
const TAKEN: readonly (readonly [PlanParts, Datatype, readonly Value[], readonly number[]])[] = [
  [one('FP32', 8, -1, 2), 'FP32', [1.5, Number.NaN], [1, 2]],
  [one('FP32', 8, -1, 2), 'FP32', [1, 2, 3, 4, 5, 6], [3, 2]],
  [one('FP32', 8, -1, 2, -1), 'FP32', [1, 2, 3, 4, 5, 6], [1, 2, 3]],
  [one('INT64', 8, -1), 'INT64', [2n ** 63n - 1n], [1]],
  [one('UINT16', 0, -1), 'UINT16', [1, 2, 3], [3]],
  [one('UINT16', 0, -1), 'UINT16', [], [0]],
  [one('FP64', 0), 'FP64', [-0], []],
  [one('BOOL', 0, 2, -1), 'BOOL', [1, 0, 0, 1], [2, 2]],
]

test.each(TAKEN)('decodeOipRaw() takes one tensor: %j', (parts, datatype, values, shape) => {
  const { refusal, decoded, values: read } = raw(parts, tensorBytes(datatype, values), 0)
  expect(refusal).toBeNull()
  expect(decoded.tensors?.[0]?.shape).toEqual(shape)
  expect(read).toEqual([values])
  expect(decoded).toMatchObject({
    rows: parts.rowsMax === 0 ? 1 : shape[0],
    isBatch: true,
    bodyId: null,
    outputs: [
      { index: 0, isBinary: true },
      { index: 1, isBinary: true },
    ],
  })
})

test.each([
  ['a row', 8, [-1]],
  ['a row of one', 8, [-1, 1]],
  ['a scalar', 0, []],
  ['a tensor of one', 0, [1]],
])('decodeOipRaw() takes the body for the text itself: %s', (_title, rowsMax, shape) => {
  const text = new TextEncoder().encode('é\n')
  expect(raw(one('BYTES', rowsMax, ...shape), text).values).toEqual([['é\n']])
})

test('decodeOipRaw() puts its row into the batch', () => {
  const { decoded, values } = raw(one('FP32', 8, -1, 2), tensorBytes('FP32', [1, 2]))
  expect(decoded.tensors).toBeNull()
  expect(values).toEqual([[1, 2]])
})

const two = { inputs: [tensor('x', 'FP32', -1), tensor('w', 'FP32', -1)] }

/** title, model, bytes of the body, code, part of the text */
const REFUSED: readonly (readonly [string, PlanParts, number, string, string])[] = [
  ['two inputs', two, 8, 'REQUEST_MALFORMED', 'Raw request must only have 1 input'],
  [
    'two free sizes',
    one('FP32', 0, -1, -1),
    8,
    'REQUEST_MALFORMED',
    'more than one variable-sized',
  ],
  [
    'two free sizes in a row',
    one('FP32', 8, -1, -1, -1),
    8,
    'REQUEST_MALFORMED',
    'can not be deduced',
  ],
  [
    'texts of a free number',
    one('BYTES', 0, -1),
    8,
    'REQUEST_MALFORMED',
    'must have input shape [1]',
  ],
  ['several texts', one('BYTES', 8, -1, 2), 8, 'REQUEST_MALFORMED', 'must have input shape [1]'],
  ['half a row', one('FP32', 8, -1, 2), 12, 'TENSOR_SHAPE_MISMATCH', 'expected 16, got 12'],
  ['no row', one('FP32', 8, -1, 2), 0, 'TENSOR_SHAPE_MISMATCH', 'has no row'],
  ['half an element', one('FP32', 0, -1), 6, 'TENSOR_SHAPE_MISMATCH', 'expected 8, got 6'],
  ['less than a row', one('FP32', 8, -1, 2), 4, 'TENSOR_SHAPE_MISMATCH', 'expected 8, got 4'],
  [
    'bytes where none can be',
    one('FP32', 0, 0, -1),
    4,
    'TENSOR_SHAPE_MISMATCH',
    'expected 0, got 4',
  ],
  ['a text of NUL', one('BYTES', 8, -1, 1), 1, 'INPUT_VALUE_INVALID', 'NUL'],
]

test.each(REFUSED)('decodeOipRaw() refuses %s', (_title, parts, bytes, code, text) => {
  const { refusal } = raw(parts, new Uint8Array(bytes))
  expect(refusal?.code).toBe(code)
  expect(refusal?.detail).toContain(text)
})
