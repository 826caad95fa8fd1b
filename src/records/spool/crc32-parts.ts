/**
 * CRC-32 of a part of something that was summed up as a whole.
 *
 * A CRC is the remainder of a polynomial over GF(2), so it is linear: what bytes add to it does not
 * hang on what was before them, and what was before is multiplied by x once for each bit. With `s`
 * for the state before `n` bytes, `t` for that behind them, and another state `s'` before them,
 * `t' = t + x^(8n) (s + s')`, where + is an exclusive or. This is how zlib combines checksums
 * (crc32_combine() and multmodp() in its crc32.c).
 *
 * States are those of the algorithm, inverted as against a checksum. Of a polynomial the highest
 * bit is the coefficient of x^0.
 */

const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

/** The product of two polynomials, modulo that of CRC-32. */
const times = (a: number, b: number): number => {
  let [product, factor] = [0, b]
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor
    factor = (factor >>> 1) ^ (POLYNOMIAL & -(factor & 1))
  }
  return product
}

/** What `count` zero bytes make of each value that a byte can have. */
const tableOf = (count: number): Int32Array =>
  Int32Array.from({ length: 256 }, (_, value) => {
    let state = value
    for (let bit = 0; bit < 8 * count; bit++) {
      state = (state >>> 1) ^ (POLYNOMIAL & -(state & 1))
    }
    return state
  })

const [FOURTH, THIRD, SECOND, FIRST] = [1, 2, 3, 4].map(tableOf) as [
  ...[Int32Array, Int32Array, Int32Array, Int32Array],
]

/** State behind a word of four little-endian bytes, given that before it. */
export const stateBehind = (state: number, word: number): number => {
  const mixed = state ^ word
  return (
    FIRST[mixed & 255]! ^
    SECOND[(mixed >>> 8) & 255]! ^
    THIRD[(mixed >>> 16) & 255]! ^
    FOURTH[mixed >>> 24]!
  )
}

/** Of POWERS ** 2 times 8 bytes a CRC can be moved: 128 MiB. */
const POWERS = 4096

/** 1, `step`, its square, and so on. */
const powersOf = (step: number): Int32Array => {
  const powers = new Int32Array(POWERS).fill(ONE, 0, 1)
  for (let i = 1; i < POWERS; i++) powers[i] = times(powers[i - 1]!, step)
  return powers
}

/** x^64, that is 8 bytes: x, squared six times. */
const EIGHT_BYTES = [1, 2, 3, 4, 5, 6].reduce((power) => times(power, power), ONE >>> 1)
const LOW = powersOf(EIGHT_BYTES)
const HIGH = powersOf(times(LOW[POWERS - 1]!, EIGHT_BYTES))

/** What becomes of a state, or of the difference of two, by `count` times 8 bytes. */
export const stateMoved = (state: number, count: number): number => {
  const moved = times(LOW[count % POWERS]!, state)
  return count < POWERS ? moved : times(HIGH[Math.floor(count / POWERS)]!, moved)
}
