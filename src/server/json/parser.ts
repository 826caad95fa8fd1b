/**
 * The complete JSON parser: RFC 8259, strict, over bytes. It knows what `JSON.parse` cannot say:
 * duplicate keys, depth, exact 64-bit integers, where a fault is. Objects are Maps, so `__proto__`
 * is a key like any other. The fast decoders leave everything unusual to it.
 */

import { type ErrorCode, type Refusal, refuse } from '../../shared/errors.ts'
import { numberEnd, scanNumber } from './number-scanner.ts'
import { quote } from './pointer.ts'

export type JsonObject = Map<string, JsonValue>
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject

class Fault extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const malformed = (what: string, offset: number): Fault =>
  new Fault('REQUEST_MALFORMED', `The body is not valid JSON: ${what} at byte ${offset}`)

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const ESCAPES: Readonly<Record<number, string>> = {
  34: '"',
  92: '\\',
  47: '/',
  98: '\b',
  102: '\f',
  110: '\n',
  114: '\r',
  116: '\t',
}

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

class Parser {
  readonly #bytes: Uint8Array
  readonly #depthMax: number
  #at = 0

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes
    this.#depthMax = depthMax
  }

  document(): JsonValue {
    const value = this.#value(0)
    this.#skipBlanks()
    if (this.#at < this.#bytes.length) throw malformed('more text after the value', this.#at)
    return value
  }

  #skipBlanks(): void {
    while (isBlank(this.#bytes[this.#at])) this.#at++
  }

  /** `depth`: containers around this value. Recursion is bounded by depthMax. */
  #value(depth: number): JsonValue {
    this.#skipBlanks()
    const byte = this.#bytes[this.#at]
    switch (byte) {
      case 0x7b:
        return this.#object(this.#deeper(depth))
      case 0x5b:
        return this.#array(this.#deeper(depth))
      case 0x22:
        return this.#string()
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #deeper(depth: number): number {
    if (depth < this.#depthMax) return depth + 1
    throw new Fault('REQUEST_TOO_DEEP', `The body nests deeper than ${this.#depthMax} levels`)
  }

  #word<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) {
        throw malformed('an unknown word', this.#at)
      }
    }
    this.#at += word.length
    return value
  }

  #number(): number | bigint {
    const start = this.#at
    if (start >= this.#bytes.length) throw malformed('it ends too early', start)
    const value = scanNumber(this.#bytes, start)
    if (numberEnd < 0) throw malformed('an unexpected character', start)
    this.#at = numberEnd
    if (!Number.isFinite(value)) {
      const detail = `A number is beyond the range of a double at byte ${start}`
      throw new Fault('INPUT_VALUE_INVALID', detail)
    }
    if (Number.isSafeInteger(value) || !Number.isInteger(value)) return value
    const text = utf8.decode(this.#bytes.subarray(start, numberEnd))
    return /^-?[0-9]+$/.test(text) ? BigInt(text) : value
  }

  #array(depth: number): JsonValue[] {
    const values: JsonValue[] = []
    this.#at++
    this.#skipBlanks()
    if (this.#bytes[this.#at] === 0x5d) {
      this.#at++
      return values
    }
    for (;;) {
      values.push(this.#value(depth))
      if (this.#isLast(0x5d)) return values
    }
  }

  #object(depth: number): JsonObject {
    const entries: JsonObject = new Map()
    this.#at++
    this.#skipBlanks()
    if (this.#bytes[this.#at] === 0x7d) {
      this.#at++
      return entries
    }
    for (;;) {
      this.#skipBlanks()
      const keyAt = this.#at
      if (this.#bytes[keyAt] !== 0x22) throw malformed('a key must be a string', keyAt)
      const key = this.#string()
      this.#skipBlanks()
      if (this.#bytes[this.#at++] !== 0x3a) throw malformed("a ':' is missing", this.#at - 1)
      // First the value: text that is no JSON at all is called that.
      const value = this.#value(depth)
      if (entries.has(key)) {
        const detail = `The key ${quote(key)} stands twice in one object`
        throw new Fault('DUPLICATE_KEY', detail)
      }
      entries.set(key, value)
      if (this.#isLast(0x7d)) return entries
    }
  }

  /** Consumes ',' (false) or the closing bracket (true). */
  #isLast(close: number): boolean {
    this.#skipBlanks()
    const byte = this.#bytes[this.#at]
    if (byte !== 0x2c && byte !== close) throw malformed("a ',' or a bracket is missing", this.#at)
    this.#at++
    return byte === close
  }

  #string(): string {
    const start = ++this.#at
    let text = ''
    let runStart = start
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw malformed('a string has no end', start - 1)
      if (byte < 0x20) throw malformed('a control character in a string', this.#at)
      if (byte !== 0x22 && byte !== 0x5c) {
        this.#at++
        continue
      }
      text += this.#decode(runStart, this.#at)
      if (byte === 0x22) break
      text += this.#escape()
      runStart = this.#at
    }
    this.#at++
    if (!text.isWellFormed()) throw malformed('an unpaired surrogate in a string', start - 1)
    return text
  }

  #decode(from: number, to: number): string {
    if (from === to) return ''
    try {
      return utf8.decode(this.#bytes.subarray(from, to))
    } catch {
      throw malformed('text that is not UTF-8', from)
    }
  }

  #escape(): string {
    const at = this.#at
    const kind = this.#bytes[at + 1] ?? 0
    const simple = ESCAPES[kind]
    if (simple !== undefined) {
      this.#at += 2
      return simple
    }
    const hex = kind === 0x75 ? String.fromCharCode(...this.#bytes.subarray(at + 2, at + 6)) : ''
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw malformed('an unknown escape', at)
    this.#at += 6
    return String.fromCharCode(Number.parseInt(hex, 16))
  }
}

/** Parses a whole body. `depthMax`: most containers inside each other. */
export const parseJson = (bytes: Uint8Array, depthMax: number): { value: JsonValue } | Refusal => {
  try {
    return { value: new Parser(bytes, depthMax).document() }
  } catch (thrown) {
    if (thrown instanceof Fault) return refuse(thrown.code, thrown.message)
    throw thrown
  }
}
