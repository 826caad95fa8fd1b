/**
 * A text that holds the id of one request in two places, kept as bytes: from request to request
 * nothing changes but the last digits of the sequence number. As strings, head and body of an
 * answer are joined, flattened and copied every time: 4 % of the CPU per request (128 connections,
 * 30 floats; lowest of interleaved runs).
 */

const ZERO = 0x30
/** So many digits are written each time; the text is laid out anew when one before them changes. */
const DIGITS = 3
const SPAN = 10 ** DIGITS

export interface IdTemplateParts {
  readonly before: string
  readonly between: string
  readonly after: string
  /** Bytes to be kept free in front of the text and behind it. */
  readonly frontBytes: number
  readonly backBytes: number
}

export class IdTemplate {
  readonly #parts: IdTemplateParts
  /** The whole of it, with what is kept free. Another array when the ids become longer. */
  bytes: Uint8Array = new Uint8Array(0)
  /** Where the text ends; it starts behind `frontBytes`. */
  end = 0
  /** Sequence numbers that fit what is laid out: from, and below. */
  #from = 0
  #below = 0
  /** What the digits that change are counted from, and how many there are. */
  #base = 0
  #digits = 0
  /** Places of the last digit of both ids. */
  #first = 0
  #second = 0
  /** By where they start, and how far behind `end` they end. A new one costs 40 ns. */
  #views: Uint8Array[][] = []

  constructor(parts: IdTemplateParts) {
    this.#parts = parts
  }

  /** Writes the id `prefix`, `sequence` into both places. `prefix` is the same at every call. */
  write(prefix: string, sequence: number): void {
    if (sequence < this.#from || sequence >= this.#below) this.#layOut(prefix, sequence)
    const { bytes } = this
    let first = this.#first
    let second = this.#second
    let rest = sequence - this.#base
    for (let left = this.#digits; left > 0; left--) {
      const tens = (rest / 10) | 0
      const digit = rest - tens * 10 + ZERO
      bytes[first--] = digit
      bytes[second--] = digit
      rest = tens
    }
  }

  /** The bytes `from .. to - 1`. `to` lies behind the text. */
  view(from: number, to: number): Uint8Array {
    this.#views[from] ??= []
    const views = this.#views[from]
    views[to - this.end] ??= this.bytes.subarray(from, to)
    return views[to - this.end]!
  }

  #layOut(prefix: string, sequence: number): void {
    const { before, between, after, frontBytes, backBytes } = this.#parts
    const id = prefix + sequence
    const start = Buffer.from(before + id)
    const middle = Buffer.from(between + id)
    const text = Buffer.concat([start, middle, Buffer.from(after)])
    const length = frontBytes + text.length + backBytes
    if (this.bytes.length !== length) {
      this.bytes = new Uint8Array(length)
      this.#views = []
    }
    this.bytes.set(text, frontBytes)
    this.end = frontBytes + text.length
    this.#first = frontBytes + start.length - 1
    this.#second = this.#first + middle.length
    const digits = String(sequence).length
    this.#base = sequence - (sequence % SPAN)
    this.#digits = Math.min(digits, DIGITS)
    this.#from = Math.max(this.#base, 10 ** (digits - 1))
    this.#below = Math.min(this.#base + SPAN, 10 ** digits)
  }
}
