/**
 * Reads one JSON number from bytes, equal to `JSON.parse` bit for bit, without making a string.
 *
 * Up to 15 significant digits and powers of ten up to 10^22 are exact in doubles, so that one
 * multiplication or division rounds once, correctly (Clinger, "How to read floating point numbers
 * accurately", PLDI 1990). Up to 18 digits, the same is done with pairs of doubles (Dekker, "A
 * floating-point technique for extending the available precision", 1971), and the result is taken
 * where no error of the pair can change its rounding (Ziv's test). The rest goes through `Number`.
 */

const POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** Digits that fit a signed 32-bit integer; the first chunk, and the second, of a mantissa. */
const CHUNK = 9
/** Digits of an exponent that cannot overflow an integer. */
const EXPONENT_DIGITS_MAX = 6

/** Offset behind the number that `scanNumber` read last; -1 when there was none. */
export let numberEnd = -1

const fail = (): number => {
  numberEnd = -1
  return Number.NaN
}

/**
 * The number at `start`; `numberEnd` is then the offset behind it. NaN with `numberEnd` -1 when no
 * number of JSON stands there. What follows the number is for the caller to check. Fastest when no
 * number stands at the very end of `bytes`.
 */
export const scanNumber = (bytes: Uint8Array, start: number): number => {
  let at = start
  let byte = bytes[at]!
  const isNegative = byte === 0x2d
  if (isNegative) byte = bytes[++at]!
  const first = at
  let mantissa = 0
  // A byte from 0 to 9 after this exclusive or is a digit.
  while ((byte ^ 0x30) <= 9) {
    mantissa = (Math.imul(mantissa, 10) + (byte ^ 0x30)) | 0
    byte = bytes[++at]!
  }
  let digits = at - first
  if (digits === 0 || (digits > 1 && bytes[first] === 0x30)) return fail()
  let fraction = 0
  if (byte === 0x2e) {
    const point = at
    byte = bytes[++at]!
    while ((byte ^ 0x30) <= 9) {
      mantissa = (Math.imul(mantissa, 10) + (byte ^ 0x30)) | 0
      byte = bytes[++at]!
    }
    fraction = at - point - 1
    if (fraction === 0) return fail()
    digits += fraction
  }
  const hasExponent = byte === 0x65 || byte === 0x45
  if (digits > CHUNK || hasExponent) {
    const long = hasExponent ? Number.NaN : plainDigits(bytes, first, digits, fraction)
    if (Number.isNaN(long)) return scanLong(bytes, start, first, isNegative)
    numberEnd = at
    return isNegative ? -long : long
  }
  numberEnd = at
  const value = fraction === 0 ? mantissa : mantissa / POWERS[fraction]!
  return isNegative ? -value : value
}

/**
 * The number of so many digits from `first` on, the last `fraction` of them behind a point and no
 * other byte between; NaN where it is not certain. Knowing how many there are saves asking of each
 * byte what it is: 80 becomes 30 ns for 12 digits.
 */
export const plainDigits = (
  bytes: Uint8Array,
  first: number,
  digits: number,
  fraction: number,
): number => {
  if (digits <= CHUNK || digits > 2 * CHUNK) return Number.NaN
  let at = first
  let head = 0
  for (let left = CHUNK; left > 0; at++) {
    const digit = bytes[at]! ^ 0x30
    if (digit > 9) continue // the point
    head = (Math.imul(head, 10) + digit) | 0
    left--
  }
  let tail = 0
  for (let left = digits - CHUNK; left > 0; at++) {
    const digit = bytes[at]! ^ 0x30
    if (digit > 9) continue
    tail = (Math.imul(tail, 10) + digit) | 0
    left--
  }
  return combine(head, tail, digits, -fraction)
}

/** More digits, or an exponent. The integer part at `first` has been checked by `scanNumber`. */
const scanLong = (bytes: Uint8Array, start: number, first: number, isNegative: boolean): number => {
  let at = first
  let head = 0
  let tail = 0
  let digits = 0
  let point = -1
  for (;;) {
    const byte = bytes[at]!
    const digit = byte ^ 0x30
    if (digit <= 9) {
      if (digits < CHUNK) head = (Math.imul(head, 10) + digit) | 0
      else if (digits < 2 * CHUNK) tail = (Math.imul(tail, 10) + digit) | 0
      if (digits > 0 || digit > 0) digits++
    } else if (byte === 0x2e && point < 0) point = at
    else break
    at++
  }
  const fraction = point < 0 ? 0 : at - point - 1
  const exponent = scanExponent(bytes, at)
  if (numberEnd < 0) return Number.NaN
  const scale = exponent - fraction
  const isKnown = digits <= 2 * CHUNK && scale >= -22 && scale <= 22
  const value = isKnown ? combine(head, tail, digits, scale) : Number.NaN
  if (!Number.isNaN(value)) return isNegative ? -value : value
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, numberEnd - start)
  return Number(text.toString('latin1'))
}

/** The exponent at `from`, 0 if there is none; sets `numberEnd`. Large ones give +-Infinity. */
const scanExponent = (bytes: Uint8Array, from: number): number => {
  numberEnd = from
  if (bytes[from] !== 0x65 && bytes[from] !== 0x45) return 0
  let at = from + 1
  const isNegative = bytes[at] === 0x2d
  if (isNegative || bytes[at] === 0x2b) at++
  const first = at
  let exponent = 0
  while ((bytes[at]! ^ 0x30) <= 9) exponent = (Math.imul(exponent, 10) + (bytes[at++]! ^ 0x30)) | 0
  if (at === first) return fail()
  numberEnd = at
  if (at - first > EXPONENT_DIGITS_MAX) exponent = Number.POSITIVE_INFINITY
  return isNegative ? -exponent : exponent
}

/** `(head then tail) * 10^scale`, correctly rounded; NaN where that is not certain. */
const combine = (head: number, tail: number, digits: number, scale: number): number => {
  const tailPower = digits > CHUNK ? POWERS[digits - CHUNK]! : 1
  const high = head * tailPower
  if (digits <= 15) {
    const mantissa = high + tail
    return scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!
  }
  // The mantissa is below 10^18 < 2^60: sum + rest holds it exactly.
  const sum = high + tail
  const rest = high - sum + tail + productError(head, tailPower, high)
  const power = POWERS[scale < 0 ? -scale : scale]!
  if (scale < 0) {
    const quotient = sum / power
    const product = quotient * power
    const remainder = sum - product - productError(quotient, power, product) + rest
    return roundSurely(quotient, remainder / power)
  }
  const product = sum * power
  return roundSurely(product, productError(sum, power, product) + rest * power)
}

/** 2^27 + 1: splits a double into halves of 26 bits (Veltkamp). */
const SPLITTER = 134217729

/** What rounding took from `a * b = product`, exactly (Dekker). */
const productError = (a: number, b: number, product: number): number => {
  const scaledA = SPLITTER * a
  const highA = scaledA - (scaledA - a)
  const lowA = a - highA
  const scaledB = SPLITTER * b
  const highB = scaledB - (scaledB - b)
  const lowB = b - highB
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB)
}

/** The double nearest to `high + low`, or NaN when an error of 2^-20 in `low` could change it. */
const roundSurely = (high: number, low: number): number => {
  const rounded = high + low
  const left = high - rounded + low
  return rounded === rounded + left * 1.000001 ? rounded : Number.NaN
}
