import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CHECK_AT,
  checkEntry,
  ENTRY_DOUBLE,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  ENTRY_WORD,
  entryCheck,
  entrySequence,
  GAP_BASE_DOUBLE,
  GAP_HEADER_BYTES,
  KIND_AT,
  LENGTH_AT,
  padded,
} from '../../../src/records/entry.ts'

/** An entry of `length` bytes with something in every word. */
const entryOf = (length: number, kind: number = ENTRY_KIND.RECORD): Int32Array => {
  const words = Int32Array.from({ length: length / 4 }, (_, i) => Math.imul(i, 0x9e3779b1))
  words[LENGTH_AT] = length
  words[KIND_AT] = kind
  words[CHECK_AT] = entryCheck(words, 0, length)
  return words
}

test('padded() is the next multiple of 8', () => {
  expect([0, 1, 8, 9, 144].map(padded)).toEqual([0, 8, 8, 16, 144])
})

test('words and doubles of a header do not overlap, and fill it', () => {
  const wordsEnd = (ENTRY_WORD.TRACE + 4) * 4
  expect(Math.min(...Object.values(ENTRY_DOUBLE)) * 8).toBe(wordsEnd)
  expect((Math.max(...Object.values(ENTRY_DOUBLE)) + 1) * 8).toBe(ENTRY_HEADER_BYTES)
})

test('checkEntry() agrees with what was written, and finds a flipped bit of a small entry', () => {
  const small = fc.integer({ min: 3, max: 128 }).map((units) => units * 8)
  fc.assert(
    fc.property(small, fc.nat(), fc.nat(31), (length, at, bit) => {
      const words = entryOf(length)
      expect(checkEntry(words, 0, length)).toBe(true)
      words[at % words.length]! ^= 1 << bit
      expect(checkEntry(words, 0, length)).toBe(false)
    }),
  )
})

test('checkEntry() of a long entry looks at its header and samples the rest', () => {
  const length = 1024 * 1024
  const words = entryOf(length)
  expect(checkEntry(words, 0, length)).toBe(true)
  words[ENTRY_WORD.LAYOUT]! ^= 1
  expect(checkEntry(words, 0, length)).toBe(false)
  words[ENTRY_WORD.LAYOUT]! ^= 1
  words.fill(0, words.length / 2)
  expect(checkEntry(words, 0, length)).toBe(false)
})

test('checkEntry() refuses a length that is not that of the entry', () => {
  const words = entryOf(64)
  expect(checkEntry(words, 0, 56)).toBe(false)
  expect(checkEntry(words, 8, 64)).toBe(false)
})

test('entrySequence() is that of a record, and the base of gaps', () => {
  const words = new Int32Array(100)
  const doubles = new Float64Array(words.buffer)
  words[KIND_AT] = ENTRY_KIND.RECORD
  doubles[ENTRY_DOUBLE.SEQUENCE] = 7
  const unit = ENTRY_HEADER_BYTES / 8
  words[unit * 2 + KIND_AT] = ENTRY_KIND.GAP
  doubles[unit + GAP_BASE_DOUBLE] = 2 ** 40
  expect([0, unit].map((at) => entrySequence(words, doubles, at))).toEqual([7, 2 ** 40])
  expect(GAP_HEADER_BYTES).toBe((GAP_BASE_DOUBLE + 1) * 8)
})
