/**
 * Rows of a file of CSV (RFC 4180), whose faults cost nothing but the lines that have them: where
 * a quote is not closed, its line alone is none, and the next line is looked at by itself.
 */

import { LINE_BYTES_MAX, type TextLine } from './csv-lines.ts'

export interface CsvRow {
  /** Of the file, from 1; of the first line of the row, if a value has several. */
  readonly line: number
  /** Values; if there is a fault, the text of the row. */
  readonly cells: readonly string[]
  /** Why it is none; '': it is one. */
  readonly fault: string
}

/** How far the end of a quote is looked for. */
const OPEN_BYTES_MAX = LINE_BYTES_MAX

/** What is put aside of a line that is longer than any. */
const CUT_CHARACTERS = 1024

const NOT_CLOSED = 'a quote is not closed'
const TOO_LONG = `a line of more than ${LINE_BYTES_MAX} bytes, whose beginning this is`
const NO_UTF8 = 'it is no UTF-8: save the file in UTF-8'

type Step = { readonly kind: 'whole' | 'open' } | { readonly kind: 'fault'; readonly why: string }

const WHOLE: Step = { kind: 'whole' }
const OPEN: Step = { kind: 'open' }
const fault = (why: string): Step => ({ kind: 'fault', why })

/** Values of a row, as far as its lines are known. */
class Values {
  readonly cells: string[] = []
  readonly #delimiter: string
  /** Of a value whose quote is open: what it is so far. */
  #quoted: string | null = null

  constructor(delimiter: string) {
    this.#delimiter = delimiter
  }

  add({ text, end }: TextLine): Step {
    if (this.#quoted !== null) this.#quoted += end
    // The end of a line outside of quotes may be CR and LF.
    const length = text.endsWith('\r') ? text.length - 1 : text.length
    for (let at = 0; ; at += this.#delimiter.length) {
      const isQuoted = this.#quoted !== null || text[at] === '"'
      const next = isQuoted ? this.#addQuoted(text, at) : this.#addPlain(text.slice(0, length), at)
      if (next === null) return isQuoted ? OPEN : fault('a quote inside of a value without quotes')
      if (next >= length) return WHOLE
      if (!text.startsWith(this.#delimiter, next)) return fault('a value goes on behind its quotes')
      at = next
    }
  }

  /** Returns where a value without quotes ends; null: it has one. */
  #addPlain(text: string, at: number): number | null {
    const found = text.indexOf(this.#delimiter, at)
    const end = found === -1 ? text.length : found
    const value = text.slice(at, end)
    if (value.includes('"')) return null
    this.cells.push(value)
    return end
  }

  /** Returns where a value with quotes, or the rest of it, ends; null: not in this line. */
  #addQuoted(text: string, at: number): number | null {
    let from = this.#quoted === null ? at + 1 : at
    let value = this.#quoted ?? ''
    for (;;) {
      const quote = text.indexOf('"', from)
      if (quote === -1) {
        this.#quoted = value + text.slice(from)
        return null
      }
      value += text.slice(from, quote)
      from = quote + 2
      if (text[quote + 1] === '"') value += '"'
      else {
        this.#quoted = null
        this.cells.push(value)
        return quote + 1
      }
    }
  }
}

class Reader {
  readonly #delimiter: string
  #values: Values
  /** Of the row that is open. */
  #lines: TextLine[] = []
  #bytes = 0

  constructor(delimiter: string) {
    this.#delimiter = delimiter
    this.#values = new Values(delimiter)
  }

  take(line: TextLine): CsvRow[] {
    return this.#takeAll([line])
  }

  end(): CsvRow[] {
    const rows: CsvRow[] = []
    while (this.#lines.length > 0) {
      const behind = this.#putAside(NOT_CLOSED, rows)
      rows.push(...this.#takeAll(behind.reverse()))
    }
    return rows
  }

  /** `lines`: the last comes first. Each is looked at twice at most: odd quotes end a row. */
  #takeAll(lines: TextLine[]): CsvRow[] {
    const rows: CsvRow[] = []
    for (let line = lines.pop(); line !== undefined; line = lines.pop()) {
      const again = this.#add(line, rows)
      for (let index = again.length - 1; index >= 0; index--) lines.push(again[index]!)
    }
    return rows
  }

  /** Returns the lines that have to be looked at again. */
  #add(line: TextLine, rows: CsvRow[]): readonly TextLine[] {
    const isFirst = this.#lines.length === 0
    if (isFirst && (line.text === '' || line.text === '\r')) return []
    this.#lines.push(line)
    this.#bytes += line.bytes + 1
    const isTooLong = line.bytes > LINE_BYTES_MAX
    if (isTooLong) return this.#putAside(isFirst ? TOO_LONG : NOT_CLOSED, rows)
    const step = this.#values.add(line)
    if (step.kind === 'fault') return this.#putAside(isFirst ? step.why : NOT_CLOSED, rows)
    if (step.kind === 'open') {
      return this.#bytes > OPEN_BYTES_MAX ? this.#putAside(NOT_CLOSED, rows) : []
    }
    rows.push(this.#whole())
    this.#reset()
    return []
  }

  #whole(): CsvRow {
    const { number: line, end } = this.#lines[0]!
    if (this.#lines.every(({ isGuess }) => !isGuess)) {
      return { line, cells: this.#values.cells, fault: '' }
    }
    return { line, cells: [this.#lines.map(({ text }) => text).join(end)], fault: NO_UTF8 }
  }

  /** The first of the lines alone is to blame; returns the others. */
  #putAside(why: string, rows: CsvRow[]): TextLine[] {
    const [first, ...others] = this.#lines
    const { number: line, text, bytes } = first!
    const kept = bytes > LINE_BYTES_MAX ? text.slice(0, CUT_CHARACTERS) : text.replace(/\r$/, '')
    rows.push({ line, cells: [kept], fault: why })
    this.#reset()
    return others
  }

  #reset(): void {
    this.#values = new Values(this.#delimiter)
    this.#lines = []
    this.#bytes = 0
  }
}

/** Rows of a file; lines without anything are none. */
export async function* csvRows(
  lines: AsyncIterable<TextLine>,
  delimiter: string,
): AsyncGenerator<CsvRow> {
  const reader = new Reader(delimiter)
  // A loop: `yield*` of what is there already would wait for each row three times.
  for await (const line of lines) for (const row of reader.take(line)) yield row
  for (const row of reader.end()) yield row
}
