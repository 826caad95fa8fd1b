import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readField, readVarint, varint } from '../../../../../src/server/protocols/grpc/wire.ts'
import {
  fieldBytes,
  longVarintBytes,
  putBytes,
  putHead,
  putLongVarint,
  putVarint,
  textField,
  varintBytes,
} from '../../../../../src/server/protocols/grpc/wire-write.ts'
import { varint as plainVarint } from '../../../../helpers/onnx-writer.ts'
import { propertyRuns } from '../../../../helpers/seeds.ts'

const half = fc.oneof(
  fc.nat({ max: 0xffffffff }),
  fc.constantFrom(0, 1, 127, 128, 0x7fffffff, 0x80000000, 0xffffffff),
)

test('putVarint() and putLongVarint() write what a plain writer writes, and is read back', () => {
  const property = fc.property(half, half, (low, high) => {
    const wanted = plainVarint((BigInt(high) << 32n) | BigInt(low))
    const target = new Uint8Array(12).fill(0xee)
    const end = putLongVarint(target, 1, low, high)
    expect(end - 1).toBe(longVarintBytes(low, high))
    expect(target.subarray(1, end)).toEqual(wanted)
    expect(target.subarray(end).every((byte) => byte === 0xee)).toBe(true)
    expect(readVarint(target, 1, end)).toBe(end)
    expect(varint).toEqual({ low, high })
    const short = putVarint(target, 0, low)
    expect(short).toBe(varintBytes(low))
    expect(target.subarray(0, short)).toEqual(plainVarint(low))
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test.each([0, 1, 127, 128, 2 ** 14, 2 ** 21, 2 ** 28, 2 ** 32, 2 ** 53])(
  'varintBytes() of %i',
  (value) => {
    expect(varintBytes(value)).toBe(plainVarint(value).length)
  },
)

test.each(['', 'clicks', 'é'.repeat(100)])('textField() is a field of its text: "%s"', (text) => {
  const bytes = textField(3, text)
  expect(bytes.length).toBe(fieldBytes(Buffer.byteLength(text)))
  expect(readField(bytes, 0, bytes.length)).toBe(bytes.length)
  expect(Buffer.from(bytes).toString().endsWith(text)).toBe(true)
})

test('putHead() and putBytes() end where the next bytes belong', () => {
  const target = new Uint8Array(8)
  const at = putHead(target, 1, 7, 300)
  expect([at, ...target]).toEqual([4, 0, 0x3a, 0xac, 0x02, 0, 0, 0, 0])
  expect(putBytes(target, at, Uint8Array.of(9, 8))).toBe(6)
  expect([...target]).toEqual([0, 0x3a, 0xac, 0x02, 9, 8, 0, 0])
})
