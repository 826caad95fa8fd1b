import { describe, expect, test } from 'vitest'
import {
  checkBytes,
  elementBytes,
  readBytes,
  sizeInBytes,
  writeBytes,
} from '../../../../../src/server/protocols/oip/tensor-bytes.ts'
import { allocate, DATATYPES, type Datatype } from '../../../../../src/shared/tensor.ts'
import { tensorBytes, textBytes } from '../../../../helpers/binary-tensors.ts'

test.each(DATATYPES.filter((datatype) => datatype !== 'BYTES'))(
  'elementBytes() of %s is what an array of it takes',
  (datatype) => {
    const array = allocate(datatype, 0) as Uint8Array
    expect(elementBytes(datatype)).toBe(array.BYTES_PER_ELEMENT)
  },
)

/** datatype, elements, bytes, whether they may be such a tensor */
const SIZES: readonly (readonly [Datatype, number, number, boolean])[] = [
  ['FP32', 2, 8, true],
  ['FP32', 2, 7, false],
  ['FP32', 2, 12, false],
  ['FP32', 0, 0, true],
  ['INT8', 0, 1, false],
  ['BYTES', 2, 8, true],
  ['BYTES', 2, 7, false],
  ['BYTES', 2, 9000, true],
  ['BYTES', 0, 0, true],
  ['BYTES', 0, 4, false],
  ['BYTES', 2 ** 31 - 1, 4000, false],
]

test.each(SIZES)(
  'checkBytes() of %s, %i elements in %i bytes: %s',
  (datatype, count, bytes, ok) => {
    const fault = checkBytes(datatype, count, bytes)
    expect(fault?.code).toBe(ok ? undefined : 'TENSOR_SHAPE_MISMATCH')
  },
)

describe('texts', () => {
  const read = (parts: readonly Uint8Array[], count: number) => {
    const target = ['kept', ...new Array<string>(count).fill('')]
    return readBytes(Buffer.concat(parts), 'BYTES', target, 1, count) ?? target
  }
  const long = 'ü'.repeat(40)

  test('readBytes() takes text of any length, \\ufffd too', () => {
    const texts = ['', 'EWR', 'é', long, 'a'.repeat(33), '\ufffd', '\u0001\u007f']
    expect(
      read(
        texts.map((text) => textBytes(text)),
        texts.length,
      ),
    ).toEqual(['kept', ...texts])
  })

  /** what, its bytes, elements, code */
  const bad: readonly (readonly [string, Uint8Array, number, string])[] = [
    ['a NUL', textBytes('a\0b'), 1, 'INPUT_VALUE_INVALID'],
    ['a NUL in a long text', textBytes(`${long}\0`), 1, 'INPUT_VALUE_INVALID'],
    ['bytes that are no UTF-8', textBytes(Uint8Array.of(0xff)), 1, 'INPUT_VALUE_INVALID'],
    ['half a surrogate pair', textBytes(Uint8Array.of(0xed, 0xa0, 0x80)), 1, 'INPUT_VALUE_INVALID'],
    ['a length beyond the end', textBytes('ab', 3), 1, 'REQUEST_MALFORMED'],
    ['a length of 2^32 - 1', textBytes('ab', 2 ** 32 - 1), 1, 'REQUEST_MALFORMED'],
    ['half a length', Buffer.concat([textBytes('ab'), Buffer.of(1, 0)]), 2, 'REQUEST_MALFORMED'],
    ['too few', textBytes('abcd'), 2, 'TENSOR_SHAPE_MISMATCH'],
    ['too many', Buffer.concat([textBytes(''), textBytes('')]), 1, 'TENSOR_SHAPE_MISMATCH'],
    ['a length too small', textBytes('ab', 1), 1, 'TENSOR_SHAPE_MISMATCH'],
  ]

  test.each(bad)('readBytes() refuses %s', (_what, bytes, count, code) => {
    expect(read([bytes], count)).toMatchObject({ code })
  })
})

test('readBytes() refuses a BOOL that is neither 0 nor 1', () => {
  const target = new Uint8Array(3)
  expect(readBytes(Uint8Array.of(1, 0, 1), 'BOOL', target, 0, 3)).toBeNull()
  expect([...target]).toEqual([1, 0, 1])
  expect(readBytes(Uint8Array.of(1, 2, 1), 'BOOL', target, 0, 3)).toEqual({
    code: 'INPUT_VALUE_INVALID',
    detail: 'wants bytes of 0 or 1, element 1 is 2',
  })
})

test.each([0, 1, 2, 3])('readBytes() takes floats that lie %i bytes off their alignment', (off) => {
  const values = [1.5, Number.NaN, Number.NEGATIVE_INFINITY, -0]
  const bytes = Buffer.concat([Buffer.alloc(off), tensorBytes('FP32', values)]).subarray(off)
  const target = new Float32Array(6).fill(7)
  expect(readBytes(bytes, 'FP32', target, 1, 4)).toBeNull()
  expect([...target]).toEqual([7, ...values, 7])
})

test('writeBytes() writes some elements as a client reads them, and no more than their size', () => {
  const texts = ['left out', 'é', '', 'x', 'left out']
  const target = Buffer.alloc(20, 0xee)
  const size = sizeInBytes(texts, 1, 4)
  expect(writeBytes(target, 2, texts, 1, 4)).toBe(2 + size)
  const wanted = [
    Buffer.alloc(2, 0xee),
    tensorBytes('BYTES', ['é', '', 'x']),
    Buffer.alloc(3, 0xee),
  ]
  expect(target).toEqual(Buffer.concat(wanted))
  const numbers = BigInt64Array.of(1n, -2n, 3n)
  expect(sizeInBytes(numbers, 1, 2)).toBe(8)
  expect(writeBytes(target, 0, numbers, 1, 2)).toBe(8)
  expect(target.subarray(0, 8)).toEqual(Buffer.from(tensorBytes('INT64', [-2n])))
})
