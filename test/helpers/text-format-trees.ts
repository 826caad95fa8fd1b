/** Random trees of protobuf text format, and how they may be written. */

import fc from 'fast-check'

export type Tree = readonly Field[]

export interface Field {
  readonly name: string
  readonly isList: boolean
  readonly values: readonly Value[]
}

export type Value =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'message'; readonly fields: Tree }

const word = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,6}$/)
const typeName = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('.'))
const fieldName = fc.oneof(
  { weight: 8, arbitrary: word },
  typeName.map((name) => `[${name}]`),
  fc.tuple(typeName, typeName).map(([domain, name]) => `[${domain}/${name}]`),
)

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => new Uint8Array(Buffer.from(text))),
)
const float = fc.oneof(
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.constant(Number.NEGATIVE_INFINITY),
)

const scalar = fc.oneof(
  fc.bigInt(-(2n ** 64n), 2n ** 64n).map((value): Value => ({ kind: 'integer', value })),
  float.map((value): Value => ({ kind: 'float', value })),
  bytes.map((some): Value => ({ kind: 'string', bytes: some })),
  word.map((text): Value => ({ kind: 'word', word: text })),
)

/** Messages of at most four levels. */
export const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree; message: Value }>((tie) => ({
  message: tie('tree').map((fields) => ({ kind: 'message', fields })),
  tree: fc.array(
    fc.oneof(
      fc
        .tuple(fieldName, fc.oneof({ maxDepth: 4 }, scalar, tie('message')))
        .map(([name, value]) => ({ name, isList: false, values: [value] })),
      fc
        .tuple(
          fieldName,
          fc.oneof(
            { maxDepth: 4 },
            fc.array(scalar, { maxLength: 3 }),
            fc.array(tie('message'), { maxLength: 3 }),
          ),
        )
        .map(([name, values]) => ({ name, isList: true, values })),
    ),
    { maxLength: 4, depthIdentifier: 'pb' },
  ),
})).tree

/** Which of several ways of writing to take; asked again and again. */
export type Choose = (ways: number) => number

const SPACES = ['', ' ', '\n', '\t \r\n', ' # a comment: { "\n', '\v\f']
const GAPS = SPACES.slice(1)

class Printer {
  readonly #choose: Choose

  constructor(choose: Choose) {
    this.#choose = choose
  }

  #one<T>(ways: readonly T[]): T {
    return ways[this.#choose(ways.length)]!
  }

  /** Space that may be left out. */
  #space(): string {
    return this.#one(SPACES)
  }

  tree(fields: Tree): string {
    return fields.map((field) => this.#field(field)).join('')
  }

  #field({ name, isList, values }: Field): string {
    const isOfMessages = values[0]?.kind === 'message' || (isList && values.length === 0)
    const colon = isOfMessages ? this.#one([':', '']) : ':'
    const text = isList ? this.#list(values) : this.#value(values[0]!)
    const end = this.#one([...GAPS, ',', ';', ' , '])
    const spaced = name.replaceAll(/[./[\]]/g, (sign) => `${sign}${this.#space()}`)
    return `${this.#space()}${spaced}${this.#space()}${colon}${this.#space()}${text}${end}`
  }

  #list(values: readonly Value[]): string {
    const inside = values.map((value) => `${this.#space()}${this.#value(value)}${this.#space()}`)
    return `[${inside.join(',')}${this.#space()}]`
  }

  #value(value: Value): string {
    if (value.kind === 'word') return value.word
    if (value.kind === 'string') return this.#string(value.bytes)
    if (value.kind === 'message') {
      const [open, close] = this.#one(['{}', '<>'])
      return `${open}${this.tree(value.fields)}${this.#space()}${close}`
    }
    const isNegative = value.value < 0 || Object.is(value.value, -0)
    const sign = isNegative ? `-${this.#space()}` : ''
    return value.kind === 'float'
      ? `${sign}${this.#float(Math.abs(value.value))}`
      : `${sign}${this.#integer(isNegative ? -value.value : value.value)}`
  }

  #float(value: number): string {
    if (value === Number.POSITIVE_INFINITY) return this.#one(['inf', 'Infinity', '1e999'])
    const text = String(value).replace('e+', this.#one(['e', 'E', 'e+']))
    return /[.e]/i.test(text) ? this.#one([text, `${text}f`, `${text}F`]) : `${text}f`
  }

  #integer(value: bigint): string {
    const octal = `0${value.toString(8)}`
    return this.#one([String(value), `0x${value.toString(16)}`, octal])
  }

  #string(bytes: Uint8Array): string {
    const text = Buffer.from(bytes).toString()
    const isText = Buffer.from(text).equals(bytes)
    const parts = isText && this.#choose(2) === 0 ? [...text].map(codeOf) : [...bytes].map(byteOf)
    let quote = this.#one(['"', "'"])
    let written = quote
    for (const part of parts) {
      written += this.#one(part.filter((way) => way !== quote))
      if (this.#choose(6) > 0) continue
      const next = this.#one(['"', "'"])
      written += `${quote}${this.#space()}${next}`
      quote = next
    }
    return `${written}${quote}`
  }
}

const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '"': '\\"' }

/** The ways of writing a byte that no digit after it changes. */
const byteOf = (byte: number): string[] => [
  `\\${byte.toString(8).padStart(3, '0')}`,
  `\\x${byte.toString(16).padStart(2, '0')}`,
]

/** The ways of writing a character. */
const codeOf = (sign: string): string[] => {
  const code = sign.codePointAt(0)!
  const hex = code.toString(16)
  const isPlain = !'\n\0\\'.includes(sign)
  const pair = [...Array(sign.length).keys()].map((i) => sign.charCodeAt(i).toString(16))
  return [
    `\\U${hex.padStart(8, '0')}`,
    pair.map((unit) => `\\u${unit.padStart(4, '0')}`).join(''),
    ...(isPlain ? [sign] : []),
    ...(LETTERS[sign] === undefined ? [] : [LETTERS[sign]]),
  ]
}

/** A tree as text. */
export const printTree = (tree: Tree, choose: Choose): string => new Printer(choose).tree(tree)
