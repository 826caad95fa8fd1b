/**
 * Protobuf text format, from characters to tokens. No pattern here goes over more than one token,
 * and none can backtrack: the time is linear in the length of the text.
 */

/** What is not text format, and where it ends to be. */
export class TextFormatFault extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

export interface Token {
  readonly kind: 'word' | 'integer' | 'float' | 'string' | 'sign' | 'end'
  readonly offset: number
  /** As it is written; of a string ''. */
  readonly text: string
  /** Of a string, what it stands for. */
  readonly bytes: Uint8Array
}

const NOTHING = new Uint8Array(0)
const SPACE = ' \t\n\v\f\r'
const SIGNS = '{}<>[]:;,.-/'
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const HEX_INTEGER = /0[xX][0-9a-fA-F]+/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fF]?/y
const DIGITS_ONLY = /^\d+$/
/** What a number may not be followed by, so that `10bar`, `1.2.3` and `0xg` are seen as slips. */
const NUMBER_GOES_ON = /[A-Za-z0-9_.]/
const PLAIN = /[^"'\\\n\0]+/y
const OCTAL = /[0-7]{1,3}/y
const HEX_BYTE = /[0-9a-fA-F]{1,2}/y
const SHORT_CODE = /[0-9a-fA-F]{4}/y
const LONG_CODE = /00(?:10|0[0-9a-fA-F])[0-9a-fA-F]{4}/y
const LOW_SURROGATE = /\\u[dD][c-fC-F][0-9a-fA-F]{2}/y

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '?': 63,
  '\\': 92,
  "'": 39,
  '"': 34,
}

const BYTE_MAX = 255
/** Bytes of UTF-8 that one unit of a JavaScript string may take. */
const UNIT_BYTES_MAX = 3

const encoder = new TextEncoder()

/** Bytes of one string while it is read. */
class StringBytes {
  readonly #room: Uint8Array
  #length = 0

  /** `units`: length of its source, which no escape exceeds. */
  constructor(units: number) {
    this.#room = new Uint8Array(units * UNIT_BYTES_MAX)
  }

  addByte(byte: number): void {
    this.#room[this.#length++] = byte
  }

  addText(text: string): void {
    this.#length += encoder.encodeInto(text, this.#room.subarray(this.#length)).written
  }

  take(): Uint8Array {
    return this.#room.slice(0, this.#length)
  }
}

export class Scanner {
  readonly #text: string
  #at = 0
  /** The present token. */
  token: Token

  /** Stands on the first token. */
  constructor(text: string) {
    this.#text = text
    this.token = this.#read()
  }

  next(): void {
    this.token = this.#read()
  }

  /** What a sticky pattern matches here, taken; null, nothing taken. */
  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }

  #skipSpace(): void {
    for (;;) {
      const sign = this.#text[this.#at]
      if (sign === undefined) return
      if (sign === '#') {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end < 0 ? this.#text.length : end
      } else if (!SPACE.includes(sign)) return
      else this.#at++
    }
  }

  #read(): Token {
    this.#skipSpace()
    const offset = this.#at
    const first = this.#text[offset]
    if (first === undefined) return { kind: 'end', offset, text: '', bytes: NOTHING }
    const word = this.#take(WORD)
    if (word !== null) return { kind: 'word', offset, text: word, bytes: NOTHING }
    if (first === '"' || first === "'") {
      return { kind: 'string', offset, text: '', bytes: this.#string(first) }
    }
    const hex = this.#take(HEX_INTEGER)
    const number = hex ?? this.#take(NUMBER)
    if (number !== null) return this.#number(offset, number, hex !== null)
    if (!SIGNS.includes(first)) throw new TextFormatFault(offset, strange(first))
    this.#at++
    return { kind: 'sign', offset, text: first, bytes: NOTHING }
  }

  #number(offset: number, text: string, isHex: boolean): Token {
    if (!isHex && /^0\d/.test(text) && !/^[0-7]+$/.test(text)) {
      const message = 'a number that begins with 0 is octal: digits 0 to 7 only'
      throw new TextFormatFault(offset, message)
    }
    if (NUMBER_GOES_ON.test(this.#text[this.#at] ?? '')) {
      throw new TextFormatFault(this.#at, 'wanted a space or a sign after a number')
    }
    const kind = isHex || DIGITS_ONLY.test(text) ? 'integer' : 'float'
    return { kind, offset, text, bytes: NOTHING }
  }

  /** The string that begins here; `quote` ends it. */
  #string(quote: string): Uint8Array {
    const start = this.#at++
    const bytes = new StringBytes(this.#end(quote) - start)
    while (this.#text[this.#at] !== quote) {
      const plain = this.#take(PLAIN)
      if (plain !== null) bytes.addText(plain)
      else if (this.#text[this.#at] === '\\') this.#escape(bytes)
      else bytes.addText(this.#text[this.#at++]!) // the other quote
    }
    this.#at++
    return bytes.take()
  }

  /** Where the string that was begun ends. */
  #end(quote: string): number {
    let at = this.#at
    for (;;) {
      const sign = this.#text[at]
      if (sign === quote) return at
      if (sign === '\0') throw new TextFormatFault(at, strange(sign))
      if (sign === undefined || sign === '\n') {
        throw new TextFormatFault(at, `wanted ${quote} before the end of the line`)
      }
      if (sign !== '\\') at++
      else if ((this.#text[at + 1] ?? '\n') === '\n') at++
      else at += 2 // what is escaped ends no string, but a line it does
    }
  }

  #escape(bytes: StringBytes): void {
    const offset = this.#at++
    const wanted = (what: string) => new TextFormatFault(offset, `wanted ${what} in an escape`)
    const octal = this.#take(OCTAL)
    if (octal !== null) {
      const byte = Number.parseInt(octal, 8)
      if (byte > BYTE_MAX) throw wanted('an octal number up to 377')
      bytes.addByte(byte)
      return
    }
    const letter = this.#text[this.#at++] ?? ''
    const byte = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
    if (byte !== undefined) bytes.addByte(byte)
    else if (letter === 'x') {
      const digits = this.#take(HEX_BYTE)
      if (digits === null) throw wanted('one or two hexadecimal digits')
      bytes.addByte(Number.parseInt(digits, 16))
    } else if (letter === 'u') {
      const digits = this.#take(SHORT_CODE)
      if (digits === null) throw wanted('four hexadecimal digits')
      this.#addCode(bytes, Number.parseInt(digits, 16), offset)
    } else if (letter === 'U') {
      const digits = this.#take(LONG_CODE)
      if (digits === null) throw wanted('eight hexadecimal digits up to 0010ffff')
      this.#addCode(bytes, Number.parseInt(digits, 16), offset)
    } else throw wanted('one of a b f n r t v ? \\ \' " x u U or an octal number')
  }

  #addCode(bytes: StringBytes, code: number, offset: number): void {
    const isHigh = code >= 0xd800 && code < 0xdc00
    const low = isHigh ? this.#take(LOW_SURROGATE) : null
    if (low !== null) {
      bytes.addText(String.fromCharCode(code, Number.parseInt(low.slice(2), 16)))
      return
    }
    if (code >= 0xd800 && code < 0xe000) {
      throw new TextFormatFault(offset, 'half of a surrogate pair stands for no character')
    }
    bytes.addText(String.fromCodePoint(code))
  }
}

/** The sign itself only where it can be seen; it may be of another file. */
const strange = (sign: string): string => {
  const code = sign.charCodeAt(0)
  const shown = code > 32 && code < 127 ? `'${sign}'` : 'a character outside ASCII or of control'
  return `${shown} has no meaning here`
}
