/** A flat list of JSON numbers, straight into a float tensor. The inner loop of the data plane. */

import { numberEnd, scanNumber } from './number-scanner.ts'
import { skipBlanks } from './text-scanner.ts'

/** Where numbers go: `count` elements of `column` from `base`, none larger than `magnitudeMax`. */
interface NumberPlace {
  column: Float32Array | Float64Array
  base: number
  count: number
  magnitudeMax: number
}

/** For `readNumbers`; reused, since one request is decoded at a time. */
export const numberPlace: NumberPlace = {
  column: new Float32Array(0),
  base: 0,
  count: 0,
  magnitudeMax: 0,
}

/**
 * Reads a list of exactly `count` numbers whose bracket stands at `from`. The offset behind the
 * list; -1 when anything else stands there, or a number exceeds the bound.
 */
export const readNumbers = (bytes: Uint8Array, from: number, place: NumberPlace): number => {
  const { column, base, count, magnitudeMax } = place
  if (bytes[from] !== 0x5b || count === 0) return -1
  let at = from + 1
  const last = base + count - 1
  for (let i = base; i <= last; i++) {
    const value = scanNumber(bytes, bytes[at] === 0x20 ? skipBlanks(bytes, at) : at)
    if (numberEnd < 0 || !(value <= magnitudeMax && value >= -magnitudeMax)) return -1
    column[i] = value
    at = numberEnd
    if (bytes[at] !== 0x2c && bytes[at] !== 0x5d) at = skipBlanks(bytes, at)
    if (bytes[at] !== (i === last ? 0x5d : 0x2c)) return -1
    at++
  }
  return at
}
