/**
 * Reads a body step by step, building only what its reader asks for. The text must have been found
 * to be JSON before (grammar.ts): nothing here looks for faults of it again.
 *
 * ```
 * for (let more = reader.open(); more; more = reader.more()) reader.skip()
 * ```
 *
 * Between two steps the reader stands on the first byte of a value, or of what follows one.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { integerOf, isPlainInteger } from './integer-literal.ts'
import { numberEnd, scanNumber } from './number-scanner.ts'
import { quote } from './pointer.ts'
import { scanText, skipBlanks, textEnd } from './text-scanner.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Most keys of one object of which not every key is known before. */
const KEYS_MAX = 65_536

const isDelimiter = (byte: number | undefined): boolean =>
  byte === undefined || byte <= 0x20 || byte === 0x2c || byte === 0x5d || byte === 0x7d

export const duplicateKey = (key: string): Refusal =>
  refuse('DUPLICATE_KEY', `The key ${quote(key)} stands twice in one object`)

export class JsonReader {
  readonly bytes: Uint8Array
  /** Offset at which it stands. May be set to one where it stood before. */
  at: number
  readonly #text: Buffer

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = skipBlanks(bytes, 0)
  }

  get isObject(): boolean {
    return this.bytes[this.at] === 0x7b
  }

  get isList(): boolean {
    return this.bytes[this.at] === 0x5b
  }

  get isText(): boolean {
    return this.bytes[this.at] === QUOTE
  }

  get isNull(): boolean {
    return this.bytes[this.at] === 0x6e
  }

  get isTrue(): boolean {
    return this.bytes[this.at] === 0x74
  }

  get isBoolean(): boolean {
    return this.isTrue || this.bytes[this.at] === 0x66
  }

  get isNumber(): boolean {
    const byte = this.bytes[this.at]!
    return byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
  }

  /** What the value is, in a client's words. */
  get kind(): string {
    if (this.isObject) return 'an object'
    if (this.isList) return 'a list'
    if (this.isText) return 'a string'
    if (this.isNull) return 'null'
    return this.isBoolean ? 'a boolean' : 'a number'
  }

  /** Goes into an object or a list; false when it is empty, and then stands behind it. */
  open(): boolean {
    const close = this.bytes[this.at]! + 2 // '[' and ']', '{' and '}'
    this.goTo(this.at + 1)
    if (this.bytes[this.at] !== close) return true
    this.goTo(this.at + 1)
    return false
  }

  /** Behind a value: whether another follows; else stands behind its list or object. */
  more(): boolean {
    const isMore = this.bytes[this.at] === 0x2c
    this.goTo(this.at + 1)
    return isMore
  }

  key(): string {
    const key = this.text()
    this.goTo(this.at + 1)
    return key
  }

  text(): string {
    const from = this.at
    const short = scanText(this.bytes, from)
    if (textEnd >= 0) {
      this.goTo(textEnd)
      return short
    }
    const end = this.#stringEnd(from)
    const isPlain = end > 0
    const to = isPlain ? end : -end
    this.goTo(to)
    if (isPlain) return this.#text.toString('utf8', from + 1, to - 1)
    return JSON.parse(this.#text.toString('utf8', from, to)) as string
  }

  boolean(): boolean {
    const { isTrue } = this
    this.goTo(this.at + (isTrue ? 4 : 5))
    return isTrue
  }

  /** The nearest double; infinite beyond its range. */
  number(): number {
    const value = scanNumber(this.bytes, this.at)
    this.goTo(numberEnd)
    return value
  }

  /** A number as the integer that its text stands for; null for a fraction. */
  integer(): number | bigint | null {
    const from = this.at
    const value = scanNumber(this.bytes, from)
    const to = numberEnd
    this.goTo(to)
    return isPlainInteger(value, to - from)
      ? value
      : integerOf(this.#text.toString('latin1', from, to))
  }

  skip(): void {
    const { bytes } = this
    let { at } = this
    let depth = 0
    do {
      const byte = bytes[at]!
      if (byte === QUOTE) at = Math.abs(this.#stringEnd(at))
      else {
        if (byte === 0x7b || byte === 0x5b) depth++
        else if (byte === 0x7d || byte === 0x5d) depth--
        else if (depth === 0) while (!isDelimiter(bytes[at + 1])) at++
        at++
      }
    } while (depth > 0)
    this.goTo(at)
  }

  /** Skips the rest of a list, standing on one of its values; how many there were. */
  skipRest(): number {
    let count = 0
    for (let more = true; more; more = this.more()) {
      this.skip()
      count++
    }
    return count
  }

  /**
   * Calls `read` for every key of an object; it must read or skip the value. Ends with its first
   * refusal, or with that of a key that stands twice.
   */
  eachEntry(read: (key: string) => Refusal | null): Refusal | null {
    let more = this.open()
    if (!more) return null
    const keys = new Set<string>()
    for (; more; more = this.more()) {
      const key = this.key()
      if (keys.has(key)) return duplicateKey(key)
      if (keys.size === KEYS_MAX) {
        return refuse('REQUEST_MALFORMED', `An object has more than ${KEYS_MAX} keys`)
      }
      keys.add(key)
      const refusal = read(key)
      if (refusal !== null) return refusal
    }
    return null
  }

  /** Skips a value that nobody wants; its objects too may name no key twice. */
  ignore(): Refusal | null {
    if (this.isObject) return this.eachEntry(() => this.ignore())
    if (!this.isList) {
      this.skip()
      return null
    }
    for (let more = this.open(); more; more = this.more()) {
      const refusal = this.ignore()
      if (refusal !== null) return refusal
    }
    return null
  }

  /** Goes to the first byte from `to` on that counts. */
  goTo(to: number): void {
    this.at = skipBlanks(this.bytes, to)
  }

  /** Offset behind the string at `from`; negative when it holds an escape. */
  #stringEnd(from: number): number {
    const { bytes } = this
    let hasEscape = false
    let at = from + 1
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
      const isEscape = byte === BACKSLASH
      if (isEscape) hasEscape = true
      at += isEscape ? 2 : 1
    }
    return hasEscape ? -at - 1 : at + 1
  }
}
