/**
 * Whether a whole body is JSON: RFC 8259, strict, over bytes, in one pass that builds nothing. What
 * reads a body afterwards (json-reader.ts) need not look for faults of the text any more, and may
 * stop at the first thing it does not want.
 */

import { isUtf8 } from 'node:buffer'
import { type ErrorCode, type Refusal, refuse } from '../../shared/errors.ts'
import { numberEnd, scanNumber } from './number-scanner.ts'
import { skipBlanks } from './text-scanner.ts'

class Fault extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const malformed = (what: string, offset: number): Fault =>
  new Fault('REQUEST_MALFORMED', `The body is not valid JSON: ${what} at byte ${offset}`)

const WORDS: Readonly<Record<number, Uint8Array>> = Object.fromEntries(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
)

/** Bytes that may follow a backslash: `"\/bfnrtu`. */
const ESCAPABLE = new Set(Buffer.from('"\\/bfnrtu'))

/** What a hexadecimal digit stands for; -1 for any other byte. */
const hexDigit = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

class Checker {
  readonly #bytes: Uint8Array
  readonly #depthMax: number
  /** Offset of the first string that holds half of a surrogate pair; -1: there is none. */
  surrogateAt = -1

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes
    this.#depthMax = depthMax
  }

  document(): void {
    const end = skipBlanks(this.#bytes, this.#value(skipBlanks(this.#bytes, 0), 0))
    if (end < this.#bytes.length) throw malformed('more text after the value', end)
  }

  /** Offset behind the value at `at`. `depth`: containers around it; recursion is bounded by it. */
  #value(at: number, depth: number): number {
    const byte = this.#bytes[at]
    switch (byte) {
      case 0x7b:
        return this.#object(at, this.#deeper(depth))
      case 0x5b:
        return this.#list(at, this.#deeper(depth))
      case 0x22:
        return this.#string(at)
      case 0x74:
      case 0x66:
      case 0x6e:
        return this.#word(at, WORDS[byte]!)
      default:
        return this.#number(at)
    }
  }

  #deeper(depth: number): number {
    if (depth < this.#depthMax) return depth + 1
    throw new Fault('REQUEST_TOO_DEEP', `The body nests deeper than ${this.#depthMax} levels`)
  }

  #word(at: number, word: Uint8Array): number {
    for (let i = 1; i < word.length; i++) {
      if (this.#bytes[at + i] !== word[i]) throw malformed('an unknown word', at)
    }
    return at + word.length
  }

  #number(at: number): number {
    if (at >= this.#bytes.length) throw malformed('it ends too early', at)
    scanNumber(this.#bytes, at)
    if (numberEnd < 0) throw malformed('an unexpected character', at)
    return numberEnd
  }

  #list(from: number, depth: number): number {
    const bytes = this.#bytes
    let at = skipBlanks(bytes, from + 1)
    if (bytes[at] === 0x5d) return at + 1
    for (;;) {
      at = skipBlanks(bytes, this.#value(at, depth))
      if (bytes[at] === 0x5d) return at + 1
      if (bytes[at] !== 0x2c) throw malformed("a ',' or a bracket is missing", at)
      at = skipBlanks(bytes, at + 1)
    }
  }

  #object(from: number, depth: number): number {
    const bytes = this.#bytes
    let at = skipBlanks(bytes, from + 1)
    if (bytes[at] === 0x7d) return at + 1
    for (;;) {
      if (bytes[at] !== 0x22) throw malformed('a key must be a string', at)
      at = skipBlanks(bytes, this.#string(at))
      if (bytes[at] !== 0x3a) throw malformed("a ':' is missing", at)
      at = skipBlanks(bytes, this.#value(skipBlanks(bytes, at + 1), depth))
      if (bytes[at] === 0x7d) return at + 1
      if (bytes[at] !== 0x2c) throw malformed("a ',' or a bracket is missing", at)
      at = skipBlanks(bytes, at + 1)
    }
  }

  #string(from: number): number {
    const bytes = this.#bytes
    let at = from + 1
    for (;;) {
      const byte = bytes[at]
      if (byte === 0x22) return at + 1
      if (byte === undefined) throw malformed('a string has no end', from)
      if (byte < 0x20) throw malformed('a control character in a string', at)
      at = byte === 0x5c ? this.#escape(at, from) : at + 1
    }
  }

  /** Offset behind the escape at `at`, or behind both halves of a pair. */
  #escape(at: number, stringAt: number): number {
    const kind = this.#bytes[at + 1]
    if (kind === undefined || !ESCAPABLE.has(kind)) throw malformed('an unknown escape', at)
    if (kind !== 0x75) return at + 2
    const unit = this.#hex(at)
    if (unit < 0xd800 || unit > 0xdfff) return at + 6
    const hasSecond = this.#bytes[at + 6] === 0x5c && this.#bytes[at + 7] === 0x75
    const second = hasSecond && unit < 0xdc00 ? this.#hex(at + 6) : 0
    if (second >= 0xdc00 && second <= 0xdfff) return at + 12
    if (this.surrogateAt < 0) this.surrogateAt = stringAt
    return at + 6
  }

  /** The code unit of `\uXXXX` at `at`. */
  #hex(at: number): number {
    let unit = 0
    for (let i = at + 2; i < at + 6; i++) {
      const digit = hexDigit(this.#bytes[i]!)
      if (digit < 0) throw malformed('an unknown escape', at)
      unit = unit * 16 + digit
    }
    return unit
  }
}

/**
 * The fault of a body's text, or null. `depthMax`: most containers inside each other. Half of a
 * surrogate pair is a fault only where everything else is right: the text is JSON, but no Unicode.
 */
export const findFault = (bytes: Uint8Array, depthMax: number): Refusal | null => {
  const checker = new Checker(bytes, depthMax)
  try {
    checker.document()
  } catch (thrown) {
    if (thrown instanceof Fault) return refuse(thrown.code, thrown.message)
    throw thrown
  }
  if (!isUtf8(bytes)) {
    return refuse('REQUEST_MALFORMED', 'The body is not valid JSON: it is not UTF-8')
  }
  if (checker.surrogateAt < 0) return null
  const detail = `The string at byte ${checker.surrogateAt} holds half of a surrogate pair`
  return refuse('INPUT_VALUE_INVALID', detail)
}
