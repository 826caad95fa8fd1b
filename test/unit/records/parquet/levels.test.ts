import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bitWidthOf,
  packedBytesMax,
  putDefinitionLevels,
  putPacked,
  putRun,
} from '../../../../src/records/parquet/levels.ts'

/** Reads what the format says: runs of one value, or packed groups of eight. */
const readHybrid = (bytes: Uint8Array, bitWidth: number, count: number): number[] => {
  const values: number[] = []
  let at = 0
  while (values.length < count) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      header |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    if ((header & 1) === 0) {
      const value = bitWidth === 0 ? 0 : bytes[at++]!
      for (let i = 0; i < header >> 1; i++) values.push(value)
      continue
    }
    const bits = bytes.subarray(at, at + (header >> 1) * bitWidth)
    at += bits.length
    for (let i = 0; i < (header >> 1) * 8; i++) {
      let value = 0
      for (let bit = 0; bit < bitWidth; bit++) {
        const place = i * bitWidth + bit
        value |= ((bits[place >> 3]! >> (place & 7)) & 1) << bit
      }
      values.push(value)
    }
  }
  expect(at).toBe(bytes.length)
  return values.slice(0, count)
}

test('putPacked() packs numbers of any width', () => {
  const anyNumbers = fc.integer({ min: 1, max: 24 }).chain((bitWidth) =>
    fc.array(fc.nat(2 ** bitWidth - 1), { minLength: 1, maxLength: 100 }).map((numbers) => ({
      ...{ bitWidth, numbers },
    })),
  )
  fc.assert(
    fc.property(anyNumbers, ({ bitWidth, numbers }) => {
      const bytes = new Uint8Array(packedBytesMax(numbers.length, bitWidth)).fill(0xff)
      const end = putPacked(bytes, 0, Int32Array.from(numbers), numbers.length, bitWidth)
      expect(readHybrid(bytes.subarray(0, end), bitWidth, numbers.length)).toEqual(numbers)
    }),
  )
})

test('putRun() repeats a value, also one without bits', () => {
  for (const [count, value, bitWidth] of [
    [1, 1, 1],
    [300, 0, 0],
    [2 ** 20, 7, 3],
  ] as const) {
    const bytes = new Uint8Array(packedBytesMax(8, bitWidth))
    const end = putRun(bytes, 0, count, { value, bitWidth })
    const found = readHybrid(bytes.subarray(0, end), bitWidth, count)
    expect(found.every((each) => each === value)).toBe(true)
  }
})

test('putDefinitionLevels() says where there is a value', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1), { minLength: 1, maxLength: 100 }), (nulls) => {
      const bytes = new Uint8Array(packedBytesMax(nulls.length, 1))
      const nullCount = nulls.filter((isNull) => isNull === 1).length
      const end = putDefinitionLevels(bytes, Uint8Array.from(nulls), nulls.length, nullCount)
      const levels = readHybrid(bytes.subarray(0, end), 1, nulls.length)
      expect(levels).toEqual(nulls.map((isNull) => 1 - isNull))
    }),
  )
})

test('bitWidthOf() counts the bits of the largest number', () => {
  expect([0, 1, 2, 3, 4, 255, 256, 65_535].map(bitWidthOf)).toEqual([0, 1, 2, 2, 3, 8, 9, 16])
})
