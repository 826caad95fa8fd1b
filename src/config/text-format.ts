/**
 * Protobuf text format to a tree with places, without a schema: which fields there may be, and of
 * which types, is for the reader of the tree. After the "Text Format Language Specification" of
 * protobuf.dev; where the C++ parser takes more than that, this one does not, but for surrogate
 * pairs written as two `\u` escapes.
 */

import { placeAt } from './json-text.ts'
import { shortened } from './schema-text.ts'
import { Scanner, TextFormatFault, type Token } from './text-format-scanner.ts'

/** A value, and where in the text it begins. */
export type PbValue = { readonly offset: number } & (
  | { readonly kind: 'integer'; readonly value: bigint }
  /** Of `-inf` and `-nan` too; without a sign they are words, since an enum may have them. */
  | { readonly kind: 'float'; readonly value: number }
  /** Adjacent strings in one. Of a `string` field the bytes are UTF-8, of `bytes` they need not. */
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  /** `true`, `inf`, `TYPE_FP32` */
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'message'; readonly fields: readonly PbField[] }
)

/** One mention of a field; what is repeated may be mentioned again. */
export interface PbField {
  /** `max_batch_size`, `[a.b]` of an extension, `[a.b/c.d]` of an Any. */
  readonly name: string
  readonly offset: number
  /** `[a, b]`, which only repeated fields may have. */
  readonly isList: boolean
  readonly values: readonly PbValue[]
}

/** What is wrong with a text, and where; line and column from 1. */
export interface PbFault {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Messages within messages. Triton's deepest has seven. */
const DEPTH_MAX = 64
/** Digits of a number beyond this say nothing, and would take long to read. */
const DIGITS_MAX = 1000

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '<': '>' }
const NOT_FINITE: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  nan: Number.NaN,
}

const isOpening = ({ kind, text }: Token): boolean =>
  kind === 'sign' && (text === '{' || text === '<')

class Parser {
  readonly #scanner: Scanner
  #depth = 0

  constructor(text: string) {
    this.#scanner = new Scanner(text)
  }

  file(): PbField[] {
    return this.#fields(null)
  }

  /** Fields up to `closing`, which is taken; up to the end of the text, where it is null. */
  #fields(closing: string | null): PbField[] {
    const fields: PbField[] = []
    for (;;) {
      const { kind } = this.#scanner.token
      if (closing === null ? kind === 'end' : this.#takeSign(closing)) return fields
      if (kind !== 'word' && !this.#isSign('[')) {
        throw this.#wanted(closing === null ? 'the name of a field' : `a field or '${closing}'`)
      }
      fields.push(this.#field())
    }
  }

  #field(): PbField {
    const { offset } = this.#scanner.token
    const name = this.#takeSign('[') ? this.#extensionName() : this.#takeWord('the name of a field')
    const isPlain = this.#takeSign(':')
    if (!isPlain && !this.#isSign('[') && !isOpening(this.#scanner.token)) {
      throw this.#wanted(`':' or '{' after '${shortened(name)}'`)
    }
    const isList = this.#isSign('[')
    const values = isList ? this.#list(isPlain) : [this.#value()]
    if (!this.#takeSign(',')) this.#takeSign(';')
    return { name, offset, isList, values }
  }

  /** `a.b]` or `a.b/c.d]`, the bracket before it being taken. */
  #extensionName(): string {
    let name = this.#takeWord('a name')
    let hasSlash = false
    while (!this.#takeSign(']')) {
      const isSlash: boolean = !hasSlash && this.#takeSign('/')
      if (!isSlash && !this.#takeSign('.')) {
        throw this.#wanted(hasSlash ? `'.' or ']'` : `'.', '/' or ']'`)
      }
      hasSlash ||= isSlash
      name += `${isSlash ? '/' : '.'}${this.#takeWord('a name')}`
    }
    return `[${name}]`
  }

  #list(isPlainAllowed: boolean): PbValue[] {
    const { offset } = this.#scanner.token
    this.#takeSign('[')
    const values: PbValue[] = []
    if (this.#takeSign(']')) return values
    if (!isPlainAllowed && !isOpening(this.#scanner.token)) {
      throw new TextFormatFault(offset, `wanted ':' before a list of plain values`)
    }
    do {
      if (this.#isSign(']')) throw this.#wanted('a value: no comma stands before the end of a list')
      const isMessage = isOpening(this.#scanner.token)
      const isFirst = values.length === 0
      if (!isFirst && isMessage !== (values[0]?.kind === 'message')) {
        throw this.#wanted(isMessage ? 'a plain value like those before it' : `'{'`)
      }
      values.push(this.#value())
    } while (this.#takeSign(','))
    if (!this.#takeSign(']')) throw this.#wanted(`',' or ']'`)
    return values
  }

  #value(): PbValue {
    const { token } = this.#scanner
    const { kind, offset, text } = token
    if (isOpening(token)) return this.#message()
    if (kind === 'string') return this.#string()
    if (kind === 'word') {
      this.#scanner.next()
      return { kind, offset, word: text }
    }
    const isNegative = this.#takeSign('-')
    if (isNegative && this.#scanner.token.kind === 'word') return this.#negativeWord(offset)
    const number = this.#scanner.token
    if (number.kind !== 'integer' && number.kind !== 'float') {
      throw this.#wanted(isNegative ? `a number after '-'` : 'a value')
    }
    this.#scanner.next()
    return numberOf(number, offset, isNegative)
  }

  #negativeWord(offset: number): PbValue {
    const value = NOT_FINITE[this.#scanner.token.text.toLowerCase()]
    if (value === undefined) throw this.#wanted(`a number after '-'`)
    this.#scanner.next()
    return { kind: 'float', offset, value: -value }
  }

  #message(): PbValue {
    const { offset, text } = this.#scanner.token
    if (++this.#depth > DEPTH_MAX) {
      throw new TextFormatFault(offset, `messages nest deeper than ${DEPTH_MAX}`)
    }
    this.#scanner.next()
    const fields = this.#fields(CLOSING[text]!)
    this.#depth--
    return { kind: 'message', offset, fields }
  }

  #string(): PbValue {
    const { offset } = this.#scanner.token
    const parts: Uint8Array[] = []
    while (this.#scanner.token.kind === 'string') {
      parts.push(this.#scanner.token.bytes)
      this.#scanner.next()
    }
    const bytes = parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts))
    return { kind: 'string', offset, bytes }
  }

  #takeWord(what: string): string {
    const { kind, text } = this.#scanner.token
    if (kind !== 'word') throw this.#wanted(what)
    this.#scanner.next()
    return text
  }

  #isSign(sign: string): boolean {
    const { kind, text } = this.#scanner.token
    return kind === 'sign' && text === sign
  }

  #takeSign(sign: string): boolean {
    if (!this.#isSign(sign)) return false
    this.#scanner.next()
    return true
  }

  #wanted(what: string): TextFormatFault {
    const { kind, offset, text } = this.#scanner.token
    const found = kind === 'sign' ? `'${text}'` : FOUND[kind]
    return new TextFormatFault(offset, `wanted ${what}; found ${found}`)
  }
}

const FOUND: Readonly<Record<Exclude<Token['kind'], 'sign'>, string>> = {
  end: 'the end of the file',
  word: 'a name',
  integer: 'a number',
  float: 'a number',
  string: 'a string',
}

const OCTAL = /^0[0-7]+$/

const numberOf = ({ kind, text }: Token, offset: number, isNegative: boolean): PbValue => {
  if (text.length > DIGITS_MAX) {
    throw new TextFormatFault(offset, `a number has more than ${DIGITS_MAX} digits`)
  }
  if (kind === 'float') {
    const value = Number(text.replace(/[fF]$/, ''))
    return { kind, offset, value: isNegative ? -value : value }
  }
  const value = BigInt(OCTAL.test(text) ? `0o${text.slice(1)}` : text)
  return { kind: 'integer', offset, value: isNegative ? -value : value }
}

/** Parses a whole text; in time linear in its length. */
export const parseTextFormat = (text: string): readonly PbField[] | PbFault => {
  try {
    return new Parser(text).file()
  } catch (thrown) {
    if (!(thrown instanceof TextFormatFault)) throw thrown
    return { ...placeAt(text, thrown.offset), message: thrown.message }
  }
}
