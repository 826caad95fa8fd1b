import { expect, test } from 'vitest'
import { numberEnd, scanNumber } from '../../../../src/server/json/number-scanner.ts'

/** What is read from text in which the number starts at byte 1, and where it ends. */
const scan = (text: string): [number, number] => {
  const value = scanNumber(new TextEncoder().encode(`[${text}]`), 1)
  return [value, numberEnd - 1]
}

/** Literals at the edges of the three ways a number is computed, and known hard ones. */
const LITERALS = [
  ['0', '-0', '0.0', '-0.0', '7', '-12', '123456789', '1234567890', '0.123456789', '0.1', '1.0'],
  ['123456789012345', '1234567890123456', '999999999999999999', '1234567890123456789'],
  ['9007199254740993', '9007199254740993.0', '9007199254740991e1', '0.30000000000000004'],
  ['0.000000000000000000000000', '0.0000000000000000000001', '1e22', '1e23', '1e-22', '1e-23'],
  // Clinger's and Gay's hard cases, and the one that stopped PHP and Java (CVE-2010-4476).
  ['8.41e21', '9.5367431640625e-7', '2.2250738585072012e-308', '2.2250738585072011e-308'],
  ['4.9e-324', '2.4703282292062327e-324', '2.4703282292062328e-324', '1.7976931348623157e308'],
  [
    '1.7976931348623159e308',
    '1e309',
    '-1e309',
    '1e-400',
    '1e99999999999',
    '1e-99999999999',
    '0e999999999',
  ],
  ['5e-324', '6.02214076E+23', '1E5', '1e05', '179769313486231580793e289', '0.5e-00000000001'],
  ['9007199254740992.5', '9007199254740993.5', '4503599627370497.5', '4503599627370496.5'],
  [`${'1'.repeat(400)}e-399`, `0.${'0'.repeat(400)}1e401`, `0.${'3'.repeat(100)}`],
].flat()

test.each(LITERALS)('scanNumber() equals JSON.parse for %s', (text) => {
  expect(scan(text)).toEqual([JSON.parse(text), text.length])
})

test.each([
  '',
  '-',
  '+1',
  '.5',
  '1.',
  '1.x',
  '01',
  '-01',
  '00',
  '1e',
  '1e+',
  '1.5e-',
  'x',
  'NaN',
  '１',
])('scanNumber() finds no number in %j', (text) => {
  expect(scan(text)).toEqual([Number.NaN, -2])
})

test('scanNumber() stops where the number does', () => {
  expect(scan('12.5,3')).toEqual([12.5, 4])
  expect(scan('0x1')).toEqual([0, 1])
  expect(scan('1.2.3')).toEqual([1.2, 3])
  expect(scan('12345678901234567 8')).toEqual([Number('12345678901234567'), 17])
})

test('scanNumber() reads a number at the very end of the bytes', () => {
  for (const text of ['7', '-1.5', '1234567890.5', '1e5']) {
    expect(scanNumber(new TextEncoder().encode(text), 0)).toBe(Number(text))
    expect(numberEnd).toBe(text.length)
  }
})
