/** Literals of JSON in every spelling that the grammar allows, each with what it stands for. */

import fc from 'fast-check'
import { BIGINT_BOUNDS, type Datatype, INTEGER_BOUNDS } from '../../src/shared/tensor.ts'
import { blanks, numberText } from './damaged-json.ts'

/** An element of a tensor, as its array gives it back. */
export type Value = number | bigint | string

export interface Spelled<T = Value> {
  readonly text: string
  readonly value: T
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

const hexEscape = (unit: string, isUpper: boolean): string => {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
  return `\\u${isUpper ? hex.toUpperCase() : hex}`
}

/** 0: as it is where that is allowed; 1: the short escape; 2 and 3: hexadecimal. */
type Style = 0 | 1 | 2 | 3

const spellCharacter = (character: string, style: Style): string => {
  const isPlain = character >= ' ' && character !== '"' && character !== '\\'
  if (style === 0 && isPlain) return character
  const short = SHORT_ESCAPES[character]
  if (style <= 1 && short !== undefined) return short
  return [...Array(character.length).keys()]
    .map((i) => hexEscape(character.charAt(i), style === 3))
    .join('')
}

const styles: fc.Arbitrary<Style[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Style[]>([0]) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom<Style>(0, 0, 1, 2, 3), { minLength: 1, maxLength: 5 }),
  },
)

/** The usual value seven times of eight, else one of the others. */
export const mostly = <T>(usual: T, others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 7, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )

/** A string of JSON for the given text. */
export const spelled = (texts: fc.Arbitrary<string>): fc.Arbitrary<Spelled<string>> =>
  fc.tuple(texts, styles).map(([value, chosen]) => {
    const parts = [...value].map((each, i) => spellCharacter(each, chosen[i % chosen.length]!))
    return { text: `"${parts.join('')}"`, value }
  })

/** Valid Unicode: short ASCII most of the time, as categories are, without NUL. */
export const unicodeText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replaceAll('\0', '')),
  },
  { weight: 1, arbitrary: fc.constantFrom('', 'é😀', '\u2028\u007f', '__proto__', 'EWR', 'null') },
)

/** How a client writes JSON. */
export interface Manner {
  readonly isPlain: boolean
  /** Text for categories and ids. */
  readonly texts: fc.Arbitrary<string>
  readonly blanks: fc.Arbitrary<string[]>
  readonly spell: (texts: fc.Arbitrary<string>) => fc.Arbitrary<Spelled<string>>
}

/** Printable ASCII without quotes and backslashes. */
export const plainText: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[ !#-[\]-~]{1,8}$/),
  fc.constantFrom('EWR', 'EWR1', 'EWR12', 'null', '1', ' '),
)

/** As printers do: what the fast decoders are made for. */
const PLAIN: Manner = {
  isPlain: true,
  texts: plainText,
  blanks: fc.constantFrom([''], [' '], ['', ' ']),
  spell: (texts) => texts.map((value) => ({ text: JSON.stringify(value), value })),
}

/** As nobody does, but may. */
const WILD: Manner = { isPlain: false, texts: unicodeText, blanks, spell: spelled }

export const manner: fc.Arbitrary<Manner> = fc.constantFrom(PLAIN, PLAIN, WILD)

/** Doubles as other printers write them: 16 or 17 digits, exponents, fixed places. */
const printed = fc
  .tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat({ max: 3 }))
  .map(([value, style]) => {
    if (style === 0) return value.toPrecision(17)
    if (style === 1) return value.toPrecision(16)
    return style === 2 ? value.toExponential().replace('e+', 'E') : value.toFixed(6)
  })

const zeros = fc.constantFrom('0', '-0', '-0.0', '0e9', '-0E-5', '0.000000000000000000000')

const FLOAT32_MAX_TEXTS = fc.constantFrom('3.4028234663852886e38', '-3.4028235e38', '1e-46')

const floatText = fc.oneof(
  { weight: 3, arbitrary: numberText },
  { weight: 2, arbitrary: printed },
  { weight: 1, arbitrary: fc.integer({ min: -999, max: 999 }).map((each) => `${each / 100}`) },
  { weight: 1, arbitrary: fc.oneof(zeros, FLOAT32_MAX_TEXTS) },
)

const spelledFloat = (datatype: 'FP32' | 'FP64'): fc.Arbitrary<Spelled<number>> =>
  floatText
    .map((text) => {
      const value = Number(text)
      return { text, value: datatype === 'FP32' ? Math.fround(value) : value }
    })
    .filter(({ value }) => Number.isFinite(value))

const integerSpellings = (value: bigint): string[] => {
  const plain = `${value}`
  const others = [`${plain}.0`, `${plain}.000e0`, `${plain}e0`, `${plain}E+00`, `${plain}0e-1`]
  if (value === 0n) return [plain, '-0', '-0.0', '0e7']
  return value % 10n === 0n ? [plain, `${value / 10n}e1`, ...others] : [plain, ...others]
}

/** Integers from `low` to `high`, small ones and the bounds often. */
export const spelledInteger = (low: bigint, high: bigint): fc.Arbitrary<Spelled<bigint>> => {
  const near = { min: low > -9n ? low : -9n, max: high < 9n ? high : 9n }
  const values = fc.oneof(
    fc.bigInt(near),
    fc.bigInt({ min: low, max: high }),
    fc.constantFrom(low, high),
  )
  return fc.tuple(values, fc.nat()).map(([value, style]) => {
    const texts = integerSpellings(value)
    return { text: style % 3 === 0 ? texts[style % texts.length]! : `${value}`, value }
  })
}

const boundsOf = (datatype: Datatype): readonly [bigint, bigint] => {
  const big = BIGINT_BOUNDS[datatype]
  if (big !== undefined) return big
  const [low, high] = INTEGER_BOUNDS[datatype] ?? [0, 1]
  return [BigInt(low), BigInt(high)]
}

/** An integer as an array of the datatype holds it; null where it holds no such integer. */
export const integerAs = (value: bigint, datatype: Datatype): number | bigint | null => {
  if (datatype === 'FP32') return Math.fround(Number(value))
  if (datatype === 'FP64') return Number(value)
  const [low, high] = boundsOf(datatype)
  if (value < low || value > high) return null
  return BIGINT_BOUNDS[datatype] === undefined ? Number(value) : value
}

/** What JSON can say that a tensor of the datatype holds. */
export const spelledFor = (datatype: Datatype, { texts, spell }: Manner): fc.Arbitrary<Spelled> => {
  if (datatype === 'FP32' || datatype === 'FP64') return spelledFloat(datatype)
  if (datatype === 'BYTES') return spell(texts)
  if (datatype === 'BOOL') {
    return fc.boolean().map((value) => ({ text: `${value}`, value: Number(value) }))
  }
  return spelledInteger(...boundsOf(datatype)).map(({ text, value }) => ({
    text,
    value: integerAs(value, datatype)!,
  }))
}

/** Any value, and what clients write by mistake. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  numberText,
  spelled(unicodeText).map(({ text }) => text),
  fc.constantFrom('true', 'false', 'null', '[]', '[1]', '[[1],[2]]', '{}', '{"a":1}', '""'),
  fc.constantFrom('NaN', 'Infinity', '-', '1e999', '01', '.5', '1.', '"\\u0000"', '"\\ud800"'),
)
