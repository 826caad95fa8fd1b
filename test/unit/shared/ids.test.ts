import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isEchoable,
  isModelName,
  isPredictionId,
  parseVersion,
  predictionIdPrefix,
} from '../../../src/shared/ids.ts'

test('predictionIdPrefix() names gateway, replica, thread and incarnation', () => {
  expect(predictionIdPrefix('k3x9qa', 1, 0, 12)).toBe('k3x9qa.1.0-12-')
})

test('isPredictionId() takes what gateways give, and nothing like it', () => {
  const numbers = fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.integer({ min: 1 }))
  const property = fc.property(fc.stringMatching(/^[a-z0-9]{6}$/), numbers, (gateway, all) => {
    const [replica, thread, incarnation, sequence] = all.map((each) => each % 10 ** 9)
    const prefix = predictionIdPrefix(gateway, replica!, thread!, incarnation!)
    expect(isPredictionId(`${prefix}${sequence! || 1}`)).toBe(true)
    for (const end of ['', '0', '01', 'other-1', '-1', '1 ', '1\n', '1.0', '1'.repeat(16)]) {
      expect(isPredictionId(prefix + end)).toBe(false)
    }
  })
  fc.assert(property)
  for (const text of ['', 'a', '1-2', 'K3X9QA.1.0-12-1', 'k3x9q.1.0-12-1', 'k3x9qa.1-12-1']) {
    expect(isPredictionId(text)).toBe(false)
  }
})

test('isEchoable() takes 1 to 128 of the characters that cannot split a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (id) => {
      expect(isEchoable(id)).toBe(/^[A-Za-z0-9._~-]{1,128}$/.test(id) && !id.includes('\n'))
    }),
  )
  expect(isEchoable('x'.repeat(128))).toBe(true)
  expect(isEchoable('x'.repeat(129))).toBe(false)
})

test.each([
  ['flight-delay', true],
  ['a', true],
  ['2024', true],
  ['A.b_c-d', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['', false],
  ['.hidden', false],
  ['_private', false],
  ['a..b', false],
  ['a/b', false],
  ['a b', false],
  ['ä', false],
  ['a\n', false],
])('isModelName() of %j is %j', (name, expected) => {
  expect(isModelName(name)).toBe(expected)
})

test('parseVersion() keeps every number of up to 15 digits exact', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 15 - 1 }), (version) => {
      expect(parseVersion(String(version))).toBe(version)
      expect(String(parseVersion(String(version)))).toBe(String(version))
    }),
  )
})

test.each([
  ['1', 1],
  ['1700000000', 1_700_000_000],
  ['999999999999999', 999_999_999_999_999],
  ['0', 0],
  ['01', 0],
  ['-1', 0],
  ['1.0', 0],
  ['1e3', 0],
  ['1000000000000000', 0],
  ['', 0],
  [' 1', 0],
  ['1\n', 0],
  ['latest', 0],
])('parseVersion() of %j is %i', (text, expected) => {
  expect(parseVersion(text)).toBe(expected)
})
