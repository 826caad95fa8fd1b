import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskPatterns, maskText } from '../../../../src/records/redact/values.ts'
import { anyText } from '../../../helpers/record-cases.ts'

const BOTH = ['email', 'phone'] as const

test('maskText() leaves punctuation, and the length in UTF-16', () => {
  expect(maskText('Ann-Marie, 42 (ПЁТР) 𝒜é')).toBe('***-*****, ** (****) ***')
  expect(maskText('\ud800!')).toBe('*!')
  fc.assert(
    fc.property(anyText, (text) => {
      expect(maskText(text)).toHaveLength(text.length)
      expect(maskText(text)).not.toMatch(/[\p{L}\p{N}]/u)
    }),
  )
})

test('addresses are masked wherever they stand', () => {
  expect(maskPatterns('to: ann.lee+x@mail.example.org!', BOTH)).toBe(
    'to: ***.***+*@****.*******.***!',
  )
  expect(maskPatterns('пётр@почта.рф', BOTH)).toBe('****@*****.**')
  expect(maskPatterns("o'neil@a.io,b@c.de", ['email'])).toBe("*'****@*.**,*@*.**")
  // The accent is a character of its own.
  expect(maskPatterns('mu\u0308ller@ku\u0308.de', ['email'])).toBe('*******@***.**')
})

test('phone numbers are masked as people write them', () => {
  const plain = ['+1 415-555-2671', '+442071838750', '(030) 123456', '415.555.2671', '415 555 2671']
  const bound = plain.flatMap((phone) =>
    ['\u00a0', '\u2009', '\u202f'].map((space) => phone.replaceAll(' ', space)),
  )
  for (const phone of [...plain, ...bound]) {
    expect(maskPatterns(`call ${phone}, please`, BOTH)).toBe(`call ${maskText(phone)}, please`)
  }
})

test('what is no address and no phone number stays as it is', () => {
  const others = [
    ...['550e8400-e29b-41d4-a716-446655440000', '2026-11-27T04:22:35.123Z', '1234567890'],
    ...['a@b', '@home', 'gw.1.0-7-123456', '10.0.0.17', '3.14159265', '-12345.678', ''],
    ...['415-555-26711', 'x415-555-2671', '415-555.2671', '1e+1234567'],
  ]
  for (const text of others) expect(maskPatterns(text, BOTH)).toBe(text)
  expect(maskPatterns('ann@example.org +1 415-555-2671', [])).toBe(
    'ann@example.org +1 415-555-2671',
  )
})

test('patterns keep the length of a text, and take no time that grows with its square', () => {
  fc.assert(
    fc.property(anyText, anyText, (before, after) => {
      const text = `${before}a@b.example ${after}`
      expect(maskPatterns(text, BOTH)).toHaveLength(text.length)
    }),
  )
  const long = [
    `${'a'.repeat(1e6)}@`,
    `${'a.'.repeat(5e5)}@`,
    '+1'.repeat(5e5),
    '(12) '.repeat(2e5),
  ]
  for (const text of long) expect(maskPatterns(text, BOTH)).toHaveLength(text.length)
})

test('one address costs a long text little more than none', () => {
  const letters = 'a'.repeat(1e6)
  const msOf = (text: string): number => {
    const times = [1, 2, 3].map(() => {
      const startedMs = performance.now()
      maskPatterns(text, BOTH)
      return performance.now() - startedMs
    })
    return Math.min(...times)
  }
  // It was a thousand times as much.
  expect(msOf(`${letters} ann@example.org`)).toBeLessThan(20 + 20 * msOf(letters))
})
