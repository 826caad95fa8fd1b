/** What redaction makes of one value: functions of the value alone. */

import type { TextPattern } from '../../shared/record-policy.ts'

const SPOKEN_ASCII = /[A-Za-z0-9]/g
const SPOKEN = /[\p{L}\p{N}\p{M}\p{Cs}]/gu
const ASCII = /^[\0-\x7f]*$/

/** Every letter and digit is `*`; the text keeps its length and its punctuation. */
export const maskText = (text: string): string =>
  ASCII.test(text)
    ? text.replaceAll(SPOKEN_ASCII, '*')
    : text.replaceAll(SPOKEN, (character) => '*'.repeat(character.length))

/**
 * An address as mail servers take it: `local@domain.top`, with letters of any script. Parts are
 * bounded, so that a text of a megabyte without an address takes no longer than a look at it.
 */
const EMAIL = /[\p{L}\p{N}._%+'-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}\p{N}-]{2,63}/gu

/**
 * A number as people write it: with a country code or an area code in brackets, or in groups of
 * three, three and four. Digits alone are none: that would be every id and amount.
 */
const PHONE =
  /(?<![\w.-])(?:\+\d[\d .()/-]{5,18}\d|\(\d{2,5}\) ?\d[\d .-]{4,12}\d|\d{3}([-. ])\d{3}\1\d{4})(?![\w-])/g

const maskEmails = (text: string): string =>
  text.includes('@') ? text.replace(EMAIL, maskText) : text

/** Each pattern of `patterns` is masked wherever it stands; a text without one is the same text. */
export const maskPatterns = (text: string, patterns: readonly TextPattern[]): string => {
  let masked = text
  if (patterns.includes('email')) masked = maskEmails(masked)
  if (patterns.includes('phone')) masked = masked.replace(PHONE, (found) => maskText(found))
  return masked
}

/** Lower bound of the bucket that a number is in: a multiple of `width`; not finite: itself. */
export const bucketOf = (value: number, width: number): number =>
  Number.isFinite(value) ? Math.floor(value / width) * width : value

/** The same of a 64-bit integer, by the nearest whole width, at least 1. */
export const bucketOfBigint = (value: bigint, width: number): bigint => {
  const whole = BigInt(Math.max(1, Math.round(width)))
  const rest = value % whole
  return value - (rest < 0n ? rest + whole : rest)
}
