/**
 * The texts of one column as UTF-8, each distinct one once, by number. A column of texts that
 * hardly ever repeat (ids of clients) keeps them all as they come: looking for them would be work
 * for nothing.
 */

const FIRST_BYTES = 1024
const FIRST_TEXTS = 64
/** Longer texts are not looked for: they hardly repeat, and hashing them costs. */
const SOUGHT_BYTES_MAX = 256

/** Of a safe integer. */
const DIGITS_MAX = 16

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const hashOf = (bytes: Uint8Array, from: number, to: number): number => {
  let hash = 0x811c9dc5
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash ^ (hash >>> 15)
}

export class TextPool {
  /** All texts, one behind the other. */
  bytes = new Uint8Array(FIRST_BYTES)
  /** Where text `i` starts; where it ends, the next one starts. */
  starts = new Int32Array(FIRST_TEXTS + 1)
  count = 0
  readonly #isDistinct: boolean
  /** Open addressing: number of a text and 1, or 0. */
  #table = new Int32Array(0)
  /** Texts of this process, such as names, that were looked up before. */
  readonly #known = new Map<string, number>()

  constructor(isDistinct = true) {
    this.#isDistinct = isDistinct
    if (isDistinct) this.#table = new Int32Array(4 * FIRST_TEXTS)
  }

  /** Bytes that the texts take. */
  get usedBytes(): number {
    return this.count === 0 ? 0 : this.starts[this.count]! + 8 * this.count
  }

  /** Number of the text that `bytes` hold from `from` to `to`. */
  put(bytes: Uint8Array, from: number, to: number): number {
    if (!this.#isDistinct || to - from > SOUGHT_BYTES_MAX) return this.#append(bytes, from, to)
    const mask = this.#table.length - 1
    let at = hashOf(bytes, from, to) & mask
    for (; ; at = (at + 1) & mask) {
      const found = this.#table[at]!
      if (found === 0) break
      if (this.#isSame(found - 1, bytes, from, to)) return found - 1
    }
    const index = this.#append(bytes, from, to)
    this.#table[at] = index + 1
    if (this.count * 2 > this.#table.length) this.#rehash()
    return index
  }

  /** The same for a text of JavaScript; an unpaired surrogate becomes U+FFFD. */
  putText(text: string): number {
    if (!this.#isDistinct || text.length > SOUGHT_BYTES_MAX) return this.#putEncoded(text)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const index = this.#putEncoded(text)
    if (this.#known.size < 4096) this.#known.set(text, index)
    return index
  }

  /** Number of `prefix` with a safe integer behind it, which is not negative, in digits. */
  putNumbered(prefix: Uint8Array, value: number): number {
    const start = this.#reserve(prefix.length + DIGITS_MAX)
    this.bytes.set(prefix, start)
    let digits = 1
    for (let power = 10; power <= value; power *= 10) digits++
    const end = start + prefix.length + digits
    let rest = value
    for (let at = end - 1; at >= start + prefix.length; at--) {
      const tenth = Math.floor(rest / 10)
      this.bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    return this.#end(start, end)
  }

  /** Number of a text, -1: it is not here. Looks at all: for pools of few. */
  find(text: string): number {
    for (let index = 0; index < this.count; index++) if (this.textAt(index) === text) return index
    return -1
  }

  textAt(index: number): string {
    return decoder.decode(this.bytes.subarray(this.starts[index], this.starts[index + 1]))
  }

  clear(): void {
    this.count = 0
    this.#table.fill(0)
    this.#known.clear()
  }

  #putEncoded(text: string): number {
    if (this.#isDistinct) {
      const bytes = encoder.encode(text)
      return this.put(bytes, 0, bytes.length)
    }
    // Straight into the pool: half the time of a copy of its own for each text.
    const start = this.#reserve(3 * text.length)
    let end = start
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) {
        end = start + encoder.encodeInto(text, this.bytes.subarray(start)).written
        break
      }
      this.bytes[end++] = code
    }
    return this.#end(start, end)
  }

  #isSame(index: number, bytes: Uint8Array, from: number, to: number): boolean {
    let at = this.starts[index]!
    if (this.starts[index + 1]! - at !== to - from) return false
    for (let i = from; i < to; i++, at++) if (this.bytes[at] !== bytes[i]) return false
    return true
  }

  #append(bytes: Uint8Array, from: number, to: number): number {
    const start = this.#reserve(to - from)
    if (to - from > 64) this.bytes.set(bytes.subarray(from, to), start)
    else for (let i = from, at = start; i < to; i++, at++) this.bytes[at] = bytes[i]!
    return this.#end(start, start + to - from)
  }

  /** Where the next text starts, with room for so many bytes. */
  #reserve(length: number): number {
    const start = this.count === 0 ? 0 : this.starts[this.count]!
    if (start + length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.bytes.length, start + length))
      larger.set(this.bytes.subarray(0, start))
      this.bytes = larger
    }
    return start
  }

  /** Number of the text that was written to there. */
  #end(start: number, end: number): number {
    if (this.count + 2 > this.starts.length) {
      const larger = new Int32Array(2 * this.starts.length)
      larger.set(this.starts)
      this.starts = larger
    }
    this.starts[this.count] = start
    this.starts[this.count + 1] = end
    return this.count++
  }

  #rehash(): void {
    const table = new Int32Array(2 * this.#table.length)
    const mask = table.length - 1
    for (let index = 0; index < this.count; index++) {
      const start = this.starts[index]!
      const end = this.starts[index + 1]!
      if (end - start > SOUGHT_BYTES_MAX) continue
      let at = hashOf(this.bytes, start, end) & mask
      while (table[at] !== 0) at = (at + 1) & mask
      table[at] = index + 1
    }
    this.#table = table
  }
}
