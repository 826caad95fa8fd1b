/**
 * Buckets of numbers by widths as people write them: the double that is called 0.1 is a little
 * more, 0.3 is a little less than three of it, and belongs to the bucket from 0.3 all the same.
 */

import { BIGINT_BOUNDS, type Datatype, INTEGER_BOUNDS } from '../../shared/tensor.ts'

/** Powers of ten that a double holds exactly. */
const EXACT_POWER_MAX = 22

/** How far off a quotient may be: by its own rounding, that of the width, and of a multiple. */
const QUOTIENT_ERROR_MAX = 3

/** Of less a double has not all its digits. */
const WIDTH_MIN = 2 ** -1022

/** The largest number of 32 bits. */
const FLOAT_MAX = (2 - 2 ** -23) * 2 ** 127

/** Lower bounds of buckets of one width, for the values of one datatype. */
export class Buckets {
  readonly #width: number
  /** The width is `#digits` times ten to the `#exponent`. */
  readonly #digits: bigint
  readonly #fewDigits: number
  readonly #exponent: number
  readonly #power: number
  readonly #isSingle: boolean
  /** With as many widths or more a value is a multiple itself, as exactly as its type tells. */
  readonly #quotientMax: number
  readonly #lowest: number
  readonly #lowestWide: bigint

  /** Of integers the width is the nearest whole one, at least 1. */
  constructor(datatype: Datatype, width: number) {
    const isInteger =
      INTEGER_BOUNDS[datatype] !== undefined || BIGINT_BOUNDS[datatype] !== undefined
    this.#width = isInteger ? Math.max(1, Math.round(width)) : Math.max(WIDTH_MIN, width)
    const [mantissa, exponent] = this.#width.toExponential().split('e') as [string, string]
    const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
    this.#digits = BigInt(whole + fraction)
    this.#fewDigits = Number(this.#digits)
    this.#exponent = Number(exponent) - fraction.length
    this.#power = 10 ** Math.abs(this.#exponent)
    this.#isSingle = datatype === 'FP32'
    this.#quotientMax = this.#isSingle ? 2 ** 24 : 2 ** 53
    const lowest = this.#isSingle ? -FLOAT_MAX : -Number.MAX_VALUE
    this.#lowest = INTEGER_BOUNDS[datatype]?.[0] ?? lowest
    this.#lowestWide = BIGINT_BOUNDS[datatype]?.[0] ?? 0n
  }

  /** The largest multiple that, as the type has it, is not above; of what is not finite: itself. */
  lowerBound(value: number): number {
    const quotient = value / this.#width
    if (!Number.isFinite(value) || Math.abs(quotient) >= this.#quotientMax) return value
    let times = Math.floor(quotient) + QUOTIENT_ERROR_MAX
    let bound = this.#multiple(times)
    while (bound > value) bound = this.#multiple(--times)
    return bound
  }

  /** The same of a 64-bit integer. */
  lowerBoundWide(value: bigint): bigint {
    const width = BigInt(this.#width)
    const rest = value % width
    const bound = value - (rest < 0n ? rest + width : rest)
    return bound < this.#lowestWide ? this.#lowestWide : bound
  }

  /** The multiple as its type has it, as far as that goes down. */
  #multiple(times: number): number {
    const exact = this.#exactMultiple(times)
    return Math.max(this.#lowest, this.#isSingle ? Math.fround(exact) : exact)
  }

  /** The double that is nearest to the multiple. */
  #exactMultiple(times: number): number {
    const digits = times * this.#fewDigits
    if (!Number.isSafeInteger(digits) || Math.abs(this.#exponent) > EXACT_POWER_MAX) {
      return Number(`${BigInt(times) * this.#digits}e${this.#exponent}`)
    }
    return this.#exponent < 0 ? digits / this.#power : digits * this.#power
  }
}
