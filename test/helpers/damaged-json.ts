/** JSON text as clients write it, with blanks of any kind, and the same text damaged. */

import fc from 'fast-check'

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t\r ', '  ')

/** A literal of a number: what printers write, and what the grammar also allows. */
export const numberText: fc.Arbitrary<string> = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.option(fc.stringMatching(/^[0-9]{1,20}$/)),
      fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.integer({ min: 0, max: 330 }))),
    )
    .map(
      ([sign, whole, fraction, exponent]) =>
        `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : exponent.join('')}`,
    ),
)

/** An object or a list with blanks between its parts. */
export const listText = (
  open: '[' | '{',
  items: readonly string[],
  blanks: readonly string[],
): string => {
  const space = (i: number) => blanks[i % Math.max(1, blanks.length)] ?? ''
  const inner = items.map((item, i) => `${space(i)}${item}${space(i + 1)}`).join(',')
  return `${open}${inner}${open === '[' ? ']' : '}'}`
}

export const blanks: fc.Arbitrary<string[]> = fc.array(blank, { minLength: 1, maxLength: 5 })

/** Bytes that matter to a JSON parser, and others. */
const byte = fc.oneof(
  fc.constantFrom(...new TextEncoder().encode('[]{}:,"\\ \n0123456789.-+eEtfnu/'), 0, 0xc3, 0xff),
  fc.nat({ max: 255 }),
)

type Bytes = Uint8Array<ArrayBuffer>
type Damage = (bytes: Bytes) => Bytes

const damage: fc.Arbitrary<Damage> = fc
  .tuple(fc.constantFrom('replace', 'insert', 'remove', 'cut'), fc.nat(), byte)
  .map(
    ([kind, place, value]): Damage =>
      (bytes) => {
        const at = place % (bytes.length + 1)
        const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
        if (kind === 'cut') return head
        const rest = kind === 'insert' ? tail : tail.subarray(1)
        return Uint8Array.of(...head, ...(kind === 'remove' ? [] : [value]), ...rest)
      },
  )

/** The bytes of `text`: unchanged half of the time, else damaged at up to three places. */
export const perhapsDamaged = (text: fc.Arbitrary<string>): fc.Arbitrary<Bytes> =>
  fc
    .tuple(text, fc.oneof(fc.constant([]), fc.array(damage, { minLength: 1, maxLength: 3 })))
    .map(([whole, damages]) =>
      damages.reduce((bytes, apply) => apply(bytes), new TextEncoder().encode(whole)),
    )
