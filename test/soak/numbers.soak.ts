/**
 * Our numbers are those of JSON.parse to the bit, in FP64 and in FP32, for 10 million literals.
 *
 * SLUICE_TEST_RUNS_FACTOR=1000 makes it 10 million, SLUICE_TEST_SEED repeats those of another run.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { numberPlace, readNumbers } from '../../src/server/json/number-list.ts'
import { numberEnd, scanNumber } from '../../src/server/json/number-scanner.ts'
import { numberLiteral } from '../helpers/fuzz/numbers.ts'
import { randomOf } from '../helpers/fuzz/random.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const NUMBERS = propertyRuns(10_000)
const BATCH = 1000
const LINES = 10

const hex = ({ buffer }: Float32Array | Float64Array): string =>
  Buffer.from(buffer as ArrayBuffer).toString('hex')

const expectSame = (
  literals: readonly string[],
  found: Float32Array | Float64Array,
  wanted: Float32Array | Float64Array,
): void => {
  if (hex(found) === hex(wanted)) return
  const at = found.findIndex((value, i) => !Object.is(value, wanted[i]))
  expect(`${literals[at]}: ${found[at]}`).toBe(`${literals[at]}: ${wanted[at]}`)
}

/** By the inner loop of the decoders, as a list; its caller would refuse what is infinite. */
const readList = (
  literals: readonly string[],
  column: Float32Array | Float64Array,
): Float32Array | Float64Array => {
  const bytes = Buffer.from(`[${literals.join()}]`)
  const count = literals.length
  Object.assign(numberPlace, { column, base: 0, count, magnitudeMax: Number.POSITIVE_INFINITY })
  expect(readNumbers(bytes, 0, numberPlace)).toBe(bytes.length)
  return column
}

const scanEach = (literals: readonly string[]): Float64Array => {
  const bytes = Buffer.from(`${literals.join()},`)
  let at = 0
  return Float64Array.from(literals, (literal) => {
    const value = scanNumber(bytes, at)
    expect(numberEnd, literal).toBe(at + literal.length)
    at = numberEnd + 1
    return value
  })
}

test('numbers are read as JSON.parse reads them, bit for bit', () => {
  const { seed = 0 } = fc.readConfigureGlobal()
  console.log(`${NUMBERS} numbers, seed ${seed}`)
  const random = randomOf(seed)
  for (let done = 0; done < NUMBERS; done += BATCH) {
    const literals = Array.from({ length: BATCH }, () => numberLiteral(random))
    const wanted = Float64Array.from(JSON.parse(`[${literals.join()}]`) as number[])
    expectSame(literals, scanEach(literals), wanted)
    expectSame(literals, readList(literals, new Float64Array(BATCH)), wanted)
    const rounded = new Float32Array(wanted.map(Math.fround))
    expectSame(literals, readList(literals, new Float32Array(BATCH)), rounded)
    const isLine =
      Math.floor((done * LINES) / NUMBERS) !== Math.floor(((done + BATCH) * LINES) / NUMBERS)
    if (isLine) console.log(`${done + BATCH} numbers`)
  }
})
