/**
 * Reads one JSON number from bytes, equal to `JSON.parse` bit for bit, without making a string.
 *
 * Up to 15 significant digits and a power of ten up to 10^22 are exact in doubles, so one
 * multiplication or division rounds once, correctly (Clinger, "How to read floating point numbers
 * accurately", PLDI 1990). Everything else goes through `Number`.
 */

const EXACT_POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => 10 ** i)
const DIGITS_MAX = 15

/** Offset behind the number that `scanNumber` read last; -1 when there was none. */
export let numberEnd = -1

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= 0x30 && byte <= 0x39

/** End of the digits from `at`, or -1 when there is none. */
const digitsEnd = (bytes: Uint8Array, at: number): number => {
  let end = at
  while (isDigit(bytes[end])) end++
  return end === at ? -1 : end
}

/** Validates the grammar of RFC 8259 §6 and leaves the rest to `Number`. */
const scanSlowly = (bytes: Uint8Array, start: number): number => {
  let at = bytes[start] === 0x2d ? start + 1 : start
  const integerEnd = digitsEnd(bytes, at)
  if (integerEnd < 0 || (bytes[at] === 0x30 && integerEnd > at + 1)) return fail()
  at = integerEnd
  if (bytes[at] === 0x2e) {
    at = digitsEnd(bytes, at + 1)
    if (at < 0) return fail()
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    at = digitsEnd(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
    if (at < 0) return fail()
  }
  numberEnd = at
  let text = ''
  for (let i = start; i < at; i++) text += String.fromCharCode(bytes[i]!)
  return Number(text)
}

const fail = (): number => {
  numberEnd = -1
  return Number.NaN
}

/**
 * The number at `start`; `numberEnd` is then the offset behind it. NaN with `numberEnd` -1 when no
 * number of JSON stands there. What follows the number is for the caller to check.
 */
export const scanNumber = (bytes: Uint8Array, start: number): number => {
  let at = start
  const isNegative = bytes[at] === 0x2d
  if (isNegative) at++
  const first = at
  let mantissa = 0
  let byte = bytes[at]!
  while (byte >= 0x30 && byte <= 0x39) {
    mantissa = mantissa * 10 + (byte - 0x30)
    byte = bytes[++at]!
  }
  let digits = at - first
  if (digits === 0 || (digits > 1 && bytes[first] === 0x30)) return fail()
  let fraction = 0
  if (byte === 0x2e) {
    const point = at
    byte = bytes[++at]!
    while (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30)
      byte = bytes[++at]!
    }
    fraction = at - point - 1
    if (fraction === 0) return fail()
    digits += fraction
  }
  if (digits > DIGITS_MAX || byte === 0x65 || byte === 0x45) return scanSlowly(bytes, start)
  numberEnd = at
  const value = fraction === 0 ? mantissa : mantissa / EXACT_POWERS[fraction]!
  return isNegative ? -value : value
}
