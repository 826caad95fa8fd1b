import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findFault } from '../../src/server/json/grammar.ts'
import { integerOf, isPlainInteger } from '../../src/server/json/integer-literal.ts'
import { JsonReader } from '../../src/server/json/json-reader.ts'
import { numberEnd, scanNumber } from '../../src/server/json/number-scanner.ts'
import { numberText, perhapsDamaged } from '../helpers/damaged-json.ts'
import { readAll } from '../helpers/json-values.ts'
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

const parseNatively = (bytes: Uint8Array): { value: unknown } | null => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

const json = fc.oneof(fc.json({ maxDepth: 4 }), numberText, fc.json({ stringUnit: 'binary' }))

test('findFault() finds one where JSON.parse does, and else the reader reads what it reads', () => {
  fc.assert(
    fc.property(perhapsDamaged(json), (bytes) => {
      const fault = findFault(bytes, 100)
      const native = parseNatively(bytes)
      if (fault === null) expect({ value: readAll(new JsonReader(bytes)) }).toEqual(native)
      else if (native !== null) expect(fault.code).toBe('INPUT_VALUE_INVALID')
    }),
    { numRuns: propertyRuns(1000) },
  )
})

test('skip() ends where reading ends', () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 3 }), (texts) => {
      const [reader, skipper] = [0, 1].map(
        () => new JsonReader(encoder.encode(`[${texts.join()}]`)),
      )
      reader!.open()
      skipper!.open()
      for (const _ of texts) {
        readAll(reader!)
        skipper!.skip()
        expect(skipper!.at).toBe(reader!.at)
        expect(skipper!.more()).toBe(reader!.more())
      }
    }),
    { numRuns: propertyRuns(300) },
  )
})

/** The integer of a literal by arithmetic alone; null for a fraction. */
const integerByArithmetic = (literal: string): bigint | null => {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal)!
  const scale = Number(exponent) - fraction.length
  const digits = BigInt(`${sign}${whole}${fraction}`)
  if (scale >= 0) return digits * 10n ** BigInt(scale)
  const divisor = 10n ** BigInt(-scale)
  return digits % divisor === 0n ? digits / divisor : null
}

const BEYOND = 10n ** 20n
const isBeyond = (value: bigint) => value >= BEYOND || value <= -BEYOND

test('integerOf() is the integer that the digits say, and isPlainInteger() never lies', () => {
  const digits = fc.stringMatching(/^[0-9]{1,12}$/)
  const small = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 17n }),
      digits,
      fc.integer({ min: -20, max: 20 }),
    )
    .map(
      ([isNegative, whole, fraction, exponent]) =>
        `${isNegative ? '-' : ''}${whole}.${fraction}e${exponent}`,
    )
  fc.assert(
    fc.property(fc.oneof(numberText, small), (literal) => {
      const wanted = integerByArithmetic(literal)
      const found = integerOf(literal)
      if (wanted === null || found === null) expect(found).toBe(wanted)
      else if (isBeyond(wanted)) expect(isBeyond(found)).toBe(true)
      else expect(found).toBe(wanted)
      if (isPlainInteger(Number(literal), literal.length)) {
        expect(BigInt(Number(literal))).toBe(wanted)
      }
    }),
    { numRuns: propertyRuns(1000) },
  )
})
