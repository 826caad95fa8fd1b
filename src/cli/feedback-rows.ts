/** Labels in a file of CSV, as items of `POST /feedback`. */

import type { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { GatewayError } from '../shared/errors.ts'

const COLUMNS = ['prediction_id', 'request_id', 'label', 'row', 'observed_at', 'endpoint'] as const
type Column = (typeof COLUMNS)[number]

/** What a file of rejected rows has beside: so that it can be mended and imported as it is. */
export const REJECTED_COLUMNS = ['line', 'reason'] as const

export interface FeedbackRow {
  /** Of the file, from 1; of the last line of the row, if a value has several. */
  readonly line: number
  readonly cells: readonly string[]
  /** The item as JSON; null: the row is none, and `fault` says why. */
  readonly item: string | null
  readonly fault: string
}

export interface RowTerms {
  readonly delimiter: string
  /** Labels are texts, whatever they look like. */
  readonly textLabels: boolean
  /** Of rows that name none. */
  readonly endpoint: string | undefined
}

/** Bytes of one row; what is longer is a quote that is never closed. */
const ROW_BYTES_MAX = 65_536

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const BOOLEAN = /^(?:true|false)$/i

const isList = (text: string): boolean => {
  try {
    return text.startsWith('[') && Array.isArray(JSON.parse(text))
  } catch {
    return false
  }
}

/**
 * A label as JSON: numbers, `true` and `false` (in any case) and lists are what they look like,
 * numbers with the digits that they have; all else, such as `007`, is a text.
 */
export const labelJson = (text: string, isText: boolean): string => {
  if (isText) return JSON.stringify(text)
  if (NUMBER.test(text) || isList(text)) return text
  return BOOLEAN.test(text) ? text.toLowerCase() : JSON.stringify(text)
}

/** Where each known column is. */
type Places = ReadonlyMap<Column, number>

/** @throws GatewayError CONFIG_INVALID: the first row names no such columns */
const placesOf = (header: readonly string[], source: string): Places => {
  const fail = (what: string): never => {
    const wanted = 'prediction_id or request_id, label, and if wanted row, observed_at, endpoint'
    throw new GatewayError('CONFIG_INVALID', `${source}:1  ${what}; columns are ${wanted}`)
  }
  const known: readonly string[] = [...COLUMNS, ...REJECTED_COLUMNS]
  const names = header.map((name) => name.trim())
  const strange = names.find((name) => !known.includes(name))
  if (strange !== undefined) fail(`unknown column "${strange}"`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) fail(`two columns "${twice}"`)
  if (!names.includes('label')) fail('no column "label"')
  if (!names.some((name) => name.endsWith('_id'))) fail('no column of ids')
  return new Map(
    COLUMNS.flatMap((name) => (names.includes(name) ? [[name, names.indexOf(name)]] : [])),
  )
}

const rowOf = (
  cells: readonly string[],
  line: number,
  places: Places,
  { textLabels, endpoint }: RowTerms,
): Omit<FeedbackRow, 'cells'> => {
  const fault = (what: string) => ({ line, item: null, fault: what })
  const cell = (name: Column): string => cells[places.get(name) ?? -1] ?? ''
  if (cell('label') === '') return fault('no label')
  if (cell('prediction_id') === '' && cell('request_id') === '') return fault('no id')
  if (!/^\d*$/.test(cell('row'))) return fault(`row "${cell('row')}" is no number from 0`)
  const text = (name: Column, value = cell(name)) =>
    value === '' ? [] : [`"${name}":${JSON.stringify(value)}`]
  const parts = [
    ...text('prediction_id'),
    ...text('request_id'),
    `"label":${labelJson(cell('label'), textLabels)}`,
    ...(cell('row') === '' ? [] : [`"row":${Number(cell('row'))}`]),
    ...text('observed_at'),
    ...text('endpoint', cell('endpoint') || endpoint),
  ]
  return { line, item: `{${parts.join(',')}}`, fault: '' }
}

interface Parsed {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

/** Names and rows of a file. */
export interface FeedbackFile {
  readonly header: readonly string[]
  readonly rows: AsyncIterable<FeedbackRow>
}

/** A fault of the file's form, behind which nothing can be told. */
const unreadable = (thrown: unknown, source: string): unknown => {
  if (!(thrown instanceof CsvError)) return thrown
  const detail = `${source}:${thrown['lines']}  is no CSV: ${thrown.message}`
  return new GatewayError('CONFIG_INVALID', detail, { cause: thrown })
}

async function* rowsOf(
  parsed: AsyncIterator<Parsed>,
  header: readonly string[],
  source: string,
  toRow: (cells: readonly string[], line: number) => Omit<FeedbackRow, 'cells'>,
): AsyncGenerator<FeedbackRow> {
  for (let next = await take(parsed, source); next !== null; next = await take(parsed, source)) {
    const { record: cells, info } = next
    const fault = `${cells.length} values for ${header.length} columns`
    const isWhole = cells.length === header.length
    const row = isWhole ? toRow(cells, info.lines) : { line: info.lines, item: null, fault }
    yield { ...row, cells }
  }
}

const take = async (parsed: AsyncIterator<Parsed>, source: string): Promise<Parsed | null> => {
  try {
    const { done, value } = await parsed.next()
    return done === true ? null : value
  } catch (thrown) {
    throw unreadable(thrown, source)
  }
}

/**
 * Reads a stream of CSV, whose first row has the names of the columns. `source` is its name in
 * messages.
 *
 * @throws (rejects, also while rows are read) GatewayError CONFIG_INVALID: it is no CSV, or has not
 *   the columns; what the stream throws
 */
export const readFeedbackFile = async (
  stream: Readable,
  source: string,
  terms: RowTerms,
): Promise<FeedbackFile> => {
  const parser = parse({
    ...{ bom: true, info: true, skip_empty_lines: true, relax_column_count: true },
    ...{ delimiter: terms.delimiter, max_record_size: ROW_BYTES_MAX },
  })
  stream.on('error', (error) => parser.destroy(error))
  const parsed = stream.pipe(parser)[Symbol.asyncIterator]() as AsyncIterator<Parsed>
  const first = await take(parsed, source)
  if (first === null) throw new GatewayError('CONFIG_INVALID', `${source} is empty`)
  const header = first.record
  const places = placesOf(header, source)
  const toRow = (cells: readonly string[], line: number) => rowOf(cells, line, places, terms)
  return { header, rows: rowsOf(parsed, header, source, toRow) }
}
