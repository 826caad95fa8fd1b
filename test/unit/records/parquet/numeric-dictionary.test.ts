import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findDictionary } from '../../../../src/records/parquet/numeric-dictionary.ts'

test('findDictionary() numbers doubles by their bits', () => {
  const odd = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...odd), { minLength: 16, maxLength: 3000 }), (values) => {
      const doubles = Float64Array.from(values)
      const words = new Int32Array(doubles.buffer)
      const found = findDictionary(words, doubles.length, 2)!
      const distinct = new Float64Array(found.words.slice().buffer)
      expect(distinct.length).toBe(found.count)
      expect(Array.from(found.indices, (index) => distinct[index])).toEqual(values)
      expect(new Set(Array.from(distinct, (value) => `${value} ${1 / value}`)).size).toBe(
        found.count,
      )
    }),
  )
})

test('findDictionary() numbers 32-bit values', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 16 }), (values) => {
      const found = findDictionary(Int32Array.from(values), values.length, 1)!
      expect(Array.from(found.indices, (index) => found.words[index])).toEqual(values)
    }),
  )
})

test('findDictionary() gives up where most values differ, and on a handful', () => {
  const many = Int32Array.from({ length: 5000 }, (_, i) => i * 7919)
  expect(findDictionary(many, many.length, 1)).toBeNull()
  // Alike where it is sampled, different where it is not.
  const late = Int32Array.from({ length: 10_000 }, (_, i) => (i % 20 === 0 ? 0 : i))
  expect(findDictionary(late, late.length, 1)).toBeNull()
  expect(findDictionary(Int32Array.of(1, 1, 1), 3, 1)).toBeNull()
})
