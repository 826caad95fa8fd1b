import { expect, test } from 'vitest'
import { integerOf, isPlainInteger } from '../../../../src/server/json/integer-literal.ts'

test.each([
  ['0', 0n],
  ['-0', 0n],
  ['-0.000e99', 0n],
  ['0e-99999999999999999999', 0n],
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808.00', -9223372036854775808n],
  ['9007199254740993e0', 9007199254740993n],
  ['0.00012e5', 12n],
  ['12000E-3', 12n],
  ['1.5e+1', 15n],
  ['99999999999999999999', 99999999999999999999n],
  ['1e20', 10n ** 20n],
  ['-1e99999999999999999999', -(10n ** 20n)],
  [`${'9'.repeat(100_000)}`, 10n ** 20n],
  [`1${'0'.repeat(100_000)}e-100000`, 1n],
  ['1.00000000000000000001', null],
  ['9007199254740990.6', null],
  ['1e-400', null],
  ['15e-1', null],
  ['-0.1', null],
  [`0.${'0'.repeat(100_000)}1`, null],
])('integerOf() %s', (literal, integer) => {
  expect(integerOf(literal)).toBe(integer)
})

test.each([
  ['7', true],
  ['-0.0', true],
  ['999999999999999', true],
  ['1.5', false],
  ['1e-400', false],
  ['9007199254740990.6', false],
  ['12345678901e9', false],
  ['1e22', false],
])('isPlainInteger() of %s is %s', (literal, isPlain) => {
  expect(isPlainInteger(Number(literal), literal.length)).toBe(isPlain)
})
