import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Buckets } from '../../../../src/records/redact/buckets.ts'
import type { Datatype } from '../../../../src/shared/tensor.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const bound = (value: number, width: number, datatype: Datatype = 'FP64') =>
  new Buckets(datatype, width).lowerBound(value)
const boundWide = (value: bigint, width: number, datatype: Datatype = 'INT64') =>
  new Buckets(datatype, width).lowerBoundWide(value)

test('a bucket begins at a multiple of its width', () => {
  expect([0, 9.9, 10, -0.1, -10].map((value) => bound(value, 10))).toEqual([0, 0, 10, -10, -10])
  expect(bound(0.7, 0.25)).toBe(0.5)
  for (const value of [Number.NaN, 1 / 0, -1 / 0]) expect(bound(value, 1)).toBe(value)
  expect([19n, 20n, -1n].map((value) => boundWide(value, 10))).toEqual([10n, 20n, -10n])
})

test('widths and values are the decimals that they are written as', () => {
  expect([0.3, 0.7, -0.05, -0.3, 0.29].map((value) => bound(value, 0.1))).toEqual([
    ...[0.3, 0.7, -0.1, -0.3, 0.2],
  ])
  const single = [0.3, 0.7, -0.05].map((value) => bound(Math.fround(value), 0.1, 'FP32'))
  expect(single).toEqual([0.3, 0.7, -0.1].map(Math.fround))
})

test('a width of which a double has not all digits is the least of which it has', () => {
  const width = 2 ** -1022
  expect(bound(2.5 * width, 5e-324)).toBe(bound(2.5 * width, width))
})

test('of integers the width is the nearest whole one, at least 1', () => {
  expect(boundWide(7n, 0.3)).toBe(7n)
  expect([7, -7].map((value) => bound(value, 0.3, 'INT32'))).toEqual([7, -7])
  expect([7, -7].map((value) => bound(value, 2.7, 'INT8'))).toEqual([6, -9])
})

test('a bucket does not begin below what its type can hold', () => {
  expect(bound(-128, 100, 'INT8')).toBe(-128)
  expect(boundWide(-(2n ** 63n), 1000)).toBe(-(2n ** 63n))
  expect(bound(-1.7e308, 1e308)).toBe(-Number.MAX_VALUE)
  const lowest = -(2 - 2 ** -23) * 2 ** 127
  expect(bound(lowest, 1e38, 'FP32')).toBe(lowest)
})

/** `digits` times ten to the `exponent`, as it is written. */
const decimal = (digits: bigint, exponent: number) => Number(`${digits}e${exponent}`)

const floorDiv = (a: bigint, b: bigint) => a / b - (a % b < 0n ? 1n : 0n)

test.each([['FP64', 10n ** 15n, 290] as const, ['FP32', 10n ** 6n, 30] as const])(
  'of decimals, however small or large, the bucket is that of their digits: %s',
  (datatype, most, exponents) => {
    const rounded = datatype === 'FP32' ? Math.fround : (value: number) => value
    const numbers = fc.record({
      value: fc.oneof(fc.bigInt(-most, most), fc.bigInt(-999n, 999n)),
      width: fc.oneof(fc.bigInt(1n, most), fc.bigInt(1n, 999n)),
      exponent: fc.oneof(
        fc.integer({ min: -exponents, max: exponents }),
        fc.integer({ min: -3, max: 3 }),
      ),
    })
    fc.assert(
      fc.property(numbers, ({ value, width, exponent }) => {
        const found = bound(rounded(decimal(value, exponent)), decimal(width, exponent), datatype)
        expect(found).toBe(rounded(decimal(floorDiv(value, width) * width, exponent)) + 0)
      }),
      { numRuns: propertyRuns(2000) },
    )
  },
)

/** A finite double as a fraction of two integers. */
const exactly = (value: number): readonly [bigint, bigint] => {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!
  const power = Number((bits >> 52n) & 0x7ffn)
  const digits = (bits & (2n ** 52n - 1n)) | (power === 0 ? 0n : 2n ** 52n)
  const shift = Math.max(power, 1) - 1075
  const signed = value < 0 ? -digits : digits
  return shift < 0 ? [signed, 2n ** BigInt(-shift)] : [signed * 2n ** BigInt(shift), 1n]
}

test('of any doubles the bound is not above, nor as much as a width and a rounding below', () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true })
  const width = fc.double({ min: 2 ** -1022, noNaN: true, noDefaultInfinity: true })
  // Where the quotient is near the limit of what a double can tell.
  const near = fc
    .tuple(width, fc.double({ min: 2 ** 48, max: 2 ** 54, noNaN: true }))
    .map(([each, times]) => [each * times, each] as const)
    .filter(([each]) => Number.isFinite(each))
  fc.assert(
    fc.property(fc.oneof(fc.tuple(value, width), near), ([each, wide]) => {
      const found = bound(each, wide)
      expect(found).toBeLessThanOrEqual(each)
      const [[a, b], [c, d], [e, f]] = [exactly(each), exactly(found), exactly(wide)]
      // each - found < wide * (1 + 2 ** -52) + |found| * 2 ** -52, times all that is below lines.
      const size = c < 0n ? -c : c
      const most = e * b * d * (2n ** 52n + 1n) + size * b * f
      expect((a * d - c * b) * f * 2n ** 52n < most || found === -Number.MAX_VALUE).toBe(true)
      expect(bound(found, wide)).toBe(found)
    }),
    { numRuns: propertyRuns(2000) },
  )
})
