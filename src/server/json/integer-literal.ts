/** Integers of JSON by their text: a double would round what does not fit it. */

/** Digits of the largest integer that a datatype holds. */
const DIGITS_MAX = 20
const BEYOND = 10n ** BigInt(DIGITS_MAX)

/** Bytes in which no number has more than 15 digits: as a double it is exact, or no integer. */
const EXACT_BYTES = 16
/** `-0.0`; what is longer and reads as zero may be `1e-999`. */
const ZERO_BYTES = 4

/**
 * Whether a literal of that many bytes, which reads as `value`, stands for this very integer. When
 * it says no, `integerOf` knows.
 */
export const isPlainInteger = (value: number, bytes: number): boolean =>
  Number.isSafeInteger(value) && bytes <= EXACT_BYTES && (value !== 0 || bytes <= ZERO_BYTES)

const isZero = (text: string, at: number): boolean => text.charCodeAt(at) === 0x30

/**
 * The integer that a literal of JSON stands for, with a point or an exponent too; null for a
 * fraction, however small. What has more digits than any datatype holds is given as +-10^20.
 */
export const integerOf = (literal: string): bigint | null => {
  const isNegative = literal.startsWith('-')
  const exponentAt = literal.search(/[eE]/)
  const mantissa = literal.slice(isNegative ? 1 : 0, exponentAt < 0 ? undefined : exponentAt)
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  let from = 0
  while (from < digits.length && isZero(digits, from)) from++
  if (from === digits.length) return 0n
  let to = digits.length
  while (isZero(digits, to - 1)) to--
  const exponent = exponentAt < 0 ? 0 : Number(literal.slice(exponentAt + 1))
  /** Zeros that follow the last digit; fewer than none where a digit is left behind the point. */
  const zeros = exponent - fraction.length + digits.length - to
  if (zeros < 0) return null
  const isBeyond = to - from + zeros > DIGITS_MAX
  const value = isBeyond ? BEYOND : BigInt(digits.slice(from, to) + '0'.repeat(zeros))
  return isNegative ? -value : value
}
