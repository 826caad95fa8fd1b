import fc from 'fast-check'
import { expect, test } from 'vitest'
import { numberEnd, scanNumber } from '../../src/server/json/number-scanner.ts'
import { type JsonValue, parseJson } from '../../src/server/json/parser.ts'
import { numberText, perhapsDamaged } from '../helpers/damaged-json.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const encoder = new TextEncoder()

test('scanNumber() equals JSON.parse bit for bit', () => {
  fc.assert(
    fc.property(numberText, (text) => {
      const value = scanNumber(encoder.encode(`${text},`), 0)
      expect(Object.is(value, JSON.parse(text))).toBe(true)
      expect(numberEnd).toBe(text.length)
    }),
    { numRuns: propertyRuns(2000) },
  )
})

test('scanNumber() rounds right beside the middle of two doubles', () => {
  const middles = fc.tuple(
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }),
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: -2, max: 2 }),
    fc.integer({ min: -25, max: 25 }),
  )
  fc.assert(
    fc.property(middles, ([mantissa, shift, offset, exponent]) => {
      const text = `${(mantissa * 2n + 1n) * 2n ** BigInt(shift) + BigInt(offset)}e${exponent}`
      expect(scanNumber(encoder.encode(`${text},`), 0)).toBe(Number(text))
    }),
    { numRuns: propertyRuns(1000) },
  )
})

test('scanNumber() takes of any text what the grammar takes', () => {
  const characters = fc.constantFrom(...'0123456789.eE+-')
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      const value = scanNumber(encoder.encode(text), 0)
      const taken = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(text)?.[0] ?? ''
      // What cannot go on as a number may be refused at once: the caller would refuse it next.
      if (numberEnd < 0)
        expect(text === '' || !/^[-0-9.eE+]*$/.test(text) || taken !== text).toBe(true)
      else {
        expect(text.slice(0, numberEnd)).toBe(taken)
        expect(value).toBe(Number(taken))
      }
    }),
    { numRuns: propertyRuns(2000) },
  )
})

/** A value as JSON.parse gives it, in our form. */
const ours = (value: unknown): JsonValue => {
  if (Array.isArray(value)) return value.map(ours)
  if (typeof value !== 'object' || value === null) return value as JsonValue
  return new Map(Object.entries(value).map(([key, each]) => [key, ours(each)]))
}

/** Large integers as doubles, as JSON.parse reads them. */
const rounded = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(rounded)
  if (value instanceof Map) {
    // JSON.parse orders keys that look like indices first.
    const plain = Object.fromEntries([...value].map(([key, each]) => [key, rounded(each)]))
    return new Map(Object.entries(plain))
  }
  return typeof value === 'bigint' ? Number(value) : value
}

const parseNatively = (bytes: Uint8Array): { value: JsonValue } | null => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { value: ours(JSON.parse(text)) }
  } catch {
    return null
  }
}

/** Faults of text that JSON.parse takes. */
const STRICTER = ['DUPLICATE_KEY', 'REQUEST_TOO_DEEP', 'INPUT_VALUE_INVALID']

const json = fc.oneof(fc.json({ maxDepth: 4 }), numberText, fc.json({ stringUnit: 'binary' }))

test('parseJson() reads what JSON.parse reads and refuses what it refuses', () => {
  fc.assert(
    fc.property(perhapsDamaged(json), (bytes) => {
      const parsed = parseJson(bytes, 100)
      const native = parseNatively(bytes)
      if (!('code' in parsed)) expect({ value: rounded(parsed.value) }).toEqual(native)
      else if (native !== null) {
        const isStricter = STRICTER.includes(parsed.code) || parsed.detail.includes('surrogate')
        expect(isStricter, parsed.detail).toBe(true)
      }
    }),
    { numRuns: propertyRuns(1000) },
  )
})
