/** Numbers as JSON may write them, of every shape that has ever been misread. */

import type { Random } from './random.ts'

const digits = (random: Random, count: number): string => {
  let text = ''
  for (let i = 0; i < count; i++) text += random.below(10)
  return text
}

const integer = (random: Random, digitsMax: number): string => {
  const count = 1 + random.below(digitsMax)
  return count === 1 ? digits(random, 1) : `${1 + random.below(9)}${digits(random, count - 1)}`
}

const cells = new DataView(new ArrayBuffer(8))

/** A double of any bits; of random ones most are of huge or tiny magnitude. */
const anyDouble = (random: Random): number => {
  cells.setUint32(0, random.below(2 ** 32))
  cells.setUint32(4, random.below(2 ** 32))
  const value = cells.getFloat64(0)
  return Number.isFinite(value) ? value : 0
}

/** Below the smallest normal double, as many digits as they need. */
const subnormal = (random: Random): number => {
  cells.setUint32(0, random.below(2 ** 20))
  cells.setUint32(4, random.below(2 ** 32))
  return cells.getFloat64(0)
}

const anyFloat = (random: Random): number => {
  cells.setUint32(0, random.below(2 ** 32))
  const value = cells.getFloat32(0)
  return Number.isFinite(value) ? value : 0
}

/** In the middle of two doubles, or beside it by as little as one digit far behind. */
const halfway = (random: Random): string => {
  const mantissa = 2n ** 53n + BigInt(random.below(2 ** 31)) * BigInt(1 + random.below(2 ** 21))
  const middle = (mantissa * 2n + 1n) * 2n ** BigInt(random.below(40))
  const zeros = '0'.repeat(random.below(30))
  const beside = random.pick(['', '', `.${zeros}1`, `.${zeros}0`])
  const offset = BigInt(random.below(3) - 1)
  return `${middle + offset}${beside}e${random.below(40) - 20}`
}

/** In the middle of two floats: their doubles are exact, and the rounding to FP32 decides. */
const halfwayFloat = (random: Random): string => {
  const exponent = random.below(60) - 30
  const middle = (2 ** 24 + random.below(2 ** 24) * 2 + 1) * 2 ** exponent
  return String(middle)
}

const exponent = (random: Random): string =>
  random.pick(['e', 'E', 'e+', 'e-', 'E-']) + String(random.below(random.pick([10, 40, 330, 5000])))

type Make = (random: Random) => string

const SHAPES: readonly Make[] = [
  (random) => integer(random, 9),
  (random) => integer(random, 25),
  (random) => `${integer(random, 9)}.${digits(random, 1 + random.below(9))}`,
  (random) => `${integer(random, 20)}.${digits(random, 1 + random.below(25))}`,
  (random) => integer(random, 18) + exponent(random),
  (random) => `${integer(random, 4)}.${digits(random, 1 + random.below(18))}${exponent(random)}`,
  (random) => `0.${'0'.repeat(random.below(30))}${digits(random, 1 + random.below(20))}`,
  (random) => `${integer(random, 400)}.${digits(random, 1 + random.below(400))}`,
  (random) => `0${exponent(random)}`,
  (random) => JSON.stringify(Math.abs(anyDouble(random))),
  (random) => JSON.stringify(anyDouble(random)),
  (random) => anyDouble(random).toExponential(random.below(20)).replace('+', ''),
  (random) => JSON.stringify(subnormal(random)),
  (random) => subnormal(random).toPrecision(1 + random.below(25)),
  (random) => JSON.stringify(Math.abs(anyFloat(random))),
  halfway,
  halfwayFloat,
  (random) => random.pick(['0', '0.0', '0e5', '1e400', '1e-400', '5e-324', '2.5e-324']),
]

/** A literal of a number, negative half of the time. */
export const numberLiteral = (random: Random): string => {
  const text = random.pick(SHAPES)(random)
  const unsigned = text.startsWith('-') ? text.slice(1) : text
  return random.once(2) ? `-${unsigned}` : unsigned
}
