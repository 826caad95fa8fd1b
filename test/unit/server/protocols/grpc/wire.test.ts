import { describe, expect, test } from 'vitest'
import {
  damagedMessage,
  field,
  isText,
  matches,
  readField,
  readVarint,
  textOf,
  varint,
} from '../../../../../src/server/protocols/grpc/wire.ts'

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** hex, low and high half. Values of the guide: 1 and 150 (encoding.md). */
const VARINTS: readonly (readonly [string, number, number])[] = [
  ['01', 1, 0],
  ['9601', 150, 0],
  ['00', 0, 0],
  ['8000', 0, 0],
  ['ffffffff0f', 0xffffffff, 0],
  ['ffffffff1f', 0xffffffff, 1],
  ['8080808010', 0, 1],
  ['ffffffffffffffffff01', 0xffffffff, 0xffffffff],
  ['fbffffffffffffffff01', 0xfffffffb, 0xffffffff],
  ['80808080808080808001', 0, 0x80000000],
  // Of ten bytes only 64 bits count.
  ['ffffffffffffffffff7f', 0xffffffff, 0xffffffff],
]

test.each(VARINTS)('readVarint() reads %s', (hex, low, high) => {
  const bytes = bytesOf(`ff${hex}ff`)
  expect(readVarint(bytes, 1, bytes.length)).toBe(bytes.length - 1)
  expect(varint).toEqual({ low, high })
})

test.each(['', '80', 'ffffffffffffffffff', 'ffffffffffffffffffff01', '8080808080808080808000'])(
  'readVarint() finds none in "%s"',
  (hex) => {
    const bytes = bytesOf(hex)
    expect(readVarint(bytes, 0, bytes.length)).toBe(-1)
    expect(damagedMessage('thing').code).toBe('REQUEST_MALFORMED')
  },
)

test('readVarint() does not read behind the end of a message', () => {
  expect(readVarint(bytesOf('9601'), 0, 1)).toBe(-1)
})

/** hex, number, type, payload */
const FIELDS: readonly (readonly [string, number, number, string])[] = [
  ['08 9601', 1, 0, '9601'],
  ['12 07 74657374696e67', 2, 2, '74657374696e67'],
  ['1a 00', 3, 2, ''],
  ['15 01020304', 2, 5, '01020304'],
  ['11 0102030405060708', 2, 1, '0102030405060708'],
  ['8201 00', 16, 2, ''],
  ['faffffff0f 01 61', 2 ** 29 - 1, 2, '61'],
  ['0a 8100 61', 1, 2, '61'],
]

test.each(FIELDS)('readField() reads %s', (hex, number, type, payload) => {
  const bytes = bytesOf(hex)
  expect(readField(bytes, 0, bytes.length)).toBe(bytes.length)
  expect(field).toMatchObject({ number, type })
  expect(Buffer.from(bytes.subarray(field.from, field.to)).toString('hex')).toBe(payload)
})

describe('what is no field', () => {
  /** what, hex */
  const damages: readonly (readonly [string, string])[] = [
    ['number 0', '00'],
    ['a group', '0b 0c'],
    ['the end of a group', '0c'],
    ['wire type 6', '0e'],
    ['wire type 7', '0f 00'],
    ['a tag of more than 32 bits', 'faffffff1f 00'],
    ['a tag of six bytes', '8a8080808000 00'],
    ['no length', '0a'],
    ['half a length', '0a 80'],
    ['a length over the end', '0a 02 61'],
    ['a length of 4 GiB', '0a ffffffff0f'],
    ['a length of 2^64 - 1', '0a ffffffffffffffffff01'],
    ['half a number', '08 80'],
    ['half a float', '15 010203'],
    ['half a double', '11 01020304050607'],
  ]

  test.each(damages)('readField() refuses %s', (_what, hex) => {
    const bytes = bytesOf(hex)
    expect(readField(bytes, 0, bytes.length)).toBe(-1)
    expect(damagedMessage('thing').detail).toMatch(/^The thing is damaged: ./)
  })

  test('readField() does not read behind the end of a message', () => {
    const bytes = bytesOf('0a 02 6161')
    expect(readField(bytes, 0, 4)).toBe(4)
    expect([1, 2, 3].map((end) => readField(bytes, 0, end))).toEqual([-1, -1, -1])
  })
})

test('textOf() and isText() know UTF-8', () => {
  const text = Buffer.from('-aé😀-')
  expect(textOf(text, 1, text.length - 1)).toBe('aé😀')
  expect(isText(text, 0, text.length)).toBe(true)
  expect(textOf(text, 1, 1)).toBe('')
  // Half a character, a surrogate, an overlong NUL.
  for (const hex of ['61c3', 'eda080', 'c080', 'ff']) {
    const bytes = bytesOf(hex)
    expect(textOf(bytes, 0, bytes.length)).toBeNull()
    expect(isText(bytes, 0, bytes.length)).toBe(false)
  }
})

test('matches() compares all bytes, and no others', () => {
  const bytes = Buffer.from('xabcx')
  const abc = Buffer.from('abc')
  expect(matches(bytes, 1, 4, abc)).toBe(true)
  expect(matches(bytes, 1, 3, abc)).toBe(false)
  expect(matches(bytes, 1, 5, abc)).toBe(false)
  expect(matches(bytes, 0, 3, abc)).toBe(false)
})
