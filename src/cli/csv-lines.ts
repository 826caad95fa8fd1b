/** Bytes of a text file as its lines, whatever the encoding and the end of lines. */

import { isUtf8 } from 'node:buffer'

export interface TextLine {
  /** From 1. */
  readonly number: number
  /** Without its end, but for the CR before a LF. */
  readonly text: string
  /** What lines are joined by. */
  readonly end: '\n' | '\r'
  /** Of the file: what is more than LINE_BYTES_MAX of them is not in the text. */
  readonly bytes: number
  /** Its bytes are no UTF-8, and its text a guess for people. */
  readonly isGuess: boolean
}

/** Bounds what is kept of one line. */
export const LINE_BYTES_MAX = 1024 * 1024

const LF = 10
const CR = 13

/** The stream, whose first part is as long as is wanted of it, or is all. */
async function* withHead(
  stream: AsyncIterable<Buffer>,
  isEnough: (head: Buffer) => boolean,
): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of stream) {
    if (head === null) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (!isEnough(head)) continue
    yield head
    head = null
  }
  if (head !== null) yield head
}

const encodingOf = ([first, second]: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' => {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}

const BOM = Buffer.from('\ufeff')
const hasBom = (head: Buffer): boolean => head.subarray(0, BOM.length).equals(BOM)

/** The same text in UTF-8, without a byte order mark; what has none is taken as it is. */
async function* utf8Of(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let decoder: InstanceType<typeof TextDecoder> | null = null
  let isBegun = false
  for await (const chunk of withHead(stream, (head) => head.length >= BOM.length)) {
    const encoding = encodingOf(chunk)
    if (!isBegun && encoding !== 'utf-8') decoder = new TextDecoder(encoding, { fatal: true })
    const isMarked = !isBegun && hasBom(chunk)
    isBegun = true
    if (decoder === null) yield isMarked ? chunk.subarray(BOM.length) : chunk
    else yield Buffer.from(decoder.decode(chunk, { stream: true }))
  }
  if (decoder !== null) yield Buffer.from(decoder.decode())
}

/** Where the first line ends, with what is needed to tell how; -1: not seen. */
const firstEnd = (head: Buffer): number =>
  head.findIndex((byte, at) => byte === LF || (byte === CR && at + 1 < head.length))

const endOf = (head: Buffer): typeof LF | typeof CR => {
  const at = firstEnd(head)
  return head[at] === CR && head[at + 1] !== LF ? CR : LF
}

/** What most files are in that are no UTF-8. */
const GUESS = new TextDecoder('windows-1252')

class Splitter {
  readonly #end: typeof LF | typeof CR
  #parts: Buffer[] = []
  #kept = 0
  #bytes = 0
  #number = 0

  constructor(end: typeof LF | typeof CR) {
    this.#end = end
  }

  *take(chunk: Buffer): Generator<TextLine> {
    let from = 0
    for (let at = chunk.indexOf(this.#end); at !== -1; at = chunk.indexOf(this.#end, from)) {
      this.#keep(chunk.subarray(from, at))
      yield this.#line()
      from = at + 1
    }
    this.#keep(chunk.subarray(from))
  }

  *rest(): Generator<TextLine> {
    if (this.#bytes > 0) yield this.#line()
  }

  #keep(part: Buffer): void {
    const more = part.subarray(0, LINE_BYTES_MAX - this.#kept)
    if (more.length > 0) this.#parts.push(more)
    this.#kept += more.length
    this.#bytes += part.length
  }

  #line(): TextLine {
    const whole = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    const bytes = this.#bytes
    this.#parts = []
    this.#kept = 0
    this.#bytes = 0
    this.#number++
    const isGuess = bytes === whole.length && !isUtf8(whole)
    const text = isGuess ? GUESS.decode(whole) : whole.toString('utf8')
    return { number: this.#number, text, end: this.#end === LF ? '\n' : '\r', bytes, isGuess }
  }
}

/**
 * Lines of a text in UTF-8, or in UTF-16 with its mark. They end as the first of them does.
 *
 * @throws TypeError: a text in UTF-16 is none; what the stream throws
 */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  let splitter: Splitter | null = null
  const isEnough = (head: Buffer) => firstEnd(head) !== -1 || head.length > LINE_BYTES_MAX
  for await (const chunk of withHead(utf8Of(stream), isEnough)) {
    splitter ??= new Splitter(endOf(chunk))
    for (const line of splitter.take(chunk)) yield line
  }
  for (const line of splitter?.rest() ?? []) yield line
}
