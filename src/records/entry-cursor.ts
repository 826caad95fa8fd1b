/**
 * One entry at a time, to be read: copied to where typed views can be laid over it, and checked, so
 * that whatever was on disk, nothing outside of the entry is read.
 */

import {
  checkEntry,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  GAP_HEADER_BYTES,
  KIND_AT,
  LENGTH_AT,
  padded,
} from './entry.ts'

/** What was read is no entry, or none that its layout explains. */
export class EntryInvalid extends Error {
  constructor(detail: string) {
    super(`No valid entry: ${detail}`)
    this.name = 'EntryInvalid'
  }
}

const BYTES_MIN = 4096

export class EntryCursor {
  /** The entry begins at 0 of all views; behind `length` they hold what was there before. */
  bytes: Buffer = Buffer.alloc(0)
  words: Int32Array = new Int32Array(0)
  doubles: Float64Array = new Float64Array(0)
  length = 0

  /** Takes the whole of `entry`, which must be one; throws EntryInvalid where it is none. */
  open(entry: Uint8Array): void {
    const { length } = entry
    if (length % 8 !== 0 || length < GAP_HEADER_BYTES) throw new EntryInvalid(`${length} bytes`)
    this.#reserve(length)
    this.bytes.set(entry)
    this.length = length
    const { words } = this
    if (words[LENGTH_AT] !== length) throw new EntryInvalid('its length is another')
    if (!checkEntry(words, 0, length)) throw new EntryInvalid('its check does not agree')
    const kind = words[KIND_AT]
    if (kind === ENTRY_KIND.GAP) return
    if (kind !== ENTRY_KIND.RECORD) throw new EntryInvalid(`kind ${kind}`)
    if (length < ENTRY_HEADER_BYTES) throw new EntryInvalid('its header is cut')
  }

  get isGap(): boolean {
    return this.words[KIND_AT] === ENTRY_KIND.GAP
  }

  /** Where a section begins, by its word of the header; 0: there is none. */
  section(word: number): number {
    const at = this.words[word]!
    if (at === 0) return 0
    if (at % 8 !== 0 || at < ENTRY_HEADER_BYTES || at > this.length) {
      throw new EntryInvalid(`a section at ${at}`)
    }
    return at
  }

  /** Throws EntryInvalid unless `count` times `size` bytes from `at` on are of the entry. */
  within(at: number, count: number, size: number): void {
    if (!(count >= 0 && at + count * size <= this.length)) {
      throw new EntryInvalid(`${count} elements of ${size} bytes at ${at}`)
    }
  }

  /** The word at byte `at`. */
  word(at: number): number {
    this.within(at, 1, 4)
    return this.words[at >> 2]!
  }

  /** The characters from byte `at` on, by their text word. */
  characters(at: number, textWord: number): string {
    const bytes = textWord >> 1
    this.within(at, bytes, 1)
    const encoding = (textWord & 1) === 0 ? 'latin1' : 'utf16le'
    return this.bytes.toString(encoding, at, at + bytes)
  }

  /** The text of a section that holds one. */
  text(at: number): string {
    return this.characters(at + 4, this.word(at))
  }

  #reserve(length: number): void {
    if (this.bytes.length >= length) return
    const buffer = new ArrayBuffer(Math.max(BYTES_MIN, padded(length), 2 * this.bytes.length))
    this.bytes = Buffer.from(buffer)
    this.words = new Int32Array(buffer)
    this.doubles = new Float64Array(buffer)
  }
}
