/** Labels in a file of CSV, as items of `POST /feedback`. */

import type { Readable } from 'node:stream'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { linesOf } from './csv-lines.ts'
import { type CsvRow, csvRows } from './csv-rows.ts'
import { count, many } from './output.ts'

const COLUMNS = ['prediction_id', 'request_id', 'label', 'row', 'observed_at', 'endpoint'] as const
type Column = (typeof COLUMNS)[number]

/** What a file of rejected rows has beside: so that it can be mended and imported as it is. */
export const REJECTED_COLUMNS = ['line', 'reason'] as const

export interface FeedbackRow {
  /** Of the file, from 1; of the first line of the row, if a value has several. */
  readonly line: number
  /** Without those of `REJECTED_COLUMNS`; of what is no CSV the text alone. */
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

/** Of one item: the longest label is far shorter, and many go into one request. */
const ITEM_BYTES_MAX = 65_536

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

const KNOWN: readonly string[] = [...COLUMNS, ...REJECTED_COLUMNS]

const nameOf = (cell: string): string => cell.trim().toLowerCase()

/** What is to be done about a column that nobody knows, if it looks like several. */
const delimiterHint = (name: string): string => {
  const found = [',', ';', '\t', '|'].find((delimiter) => {
    const names = name.split(delimiter)
    return names.length > 1 && names.every((one) => KNOWN.includes(one.trim()))
  })
  if (found === undefined) return ''
  return ` (--delimiter ${found === '\t' ? 'tab' : `'${found}'`} has several of it)`
}

/** @throws GatewayError FILE_INVALID: the first row names no such columns */
const placesOf = (names: readonly string[], source: string, line: number): Places => {
  const fail = (what: string): never => {
    const wanted = 'prediction_id or request_id, label, and if wanted row, observed_at, endpoint'
    throw new GatewayError('FILE_INVALID', `${source}:${line}  ${what}; columns are ${wanted}`)
  }
  const strange = names.find((name) => !KNOWN.includes(name))
  if (strange !== undefined) fail(`unknown column "${strange}"${delimiterHint(strange)}`)
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
  const item = `{${parts.join(',')}}`
  const bytes = Buffer.byteLength(item)
  if (bytes > ITEM_BYTES_MAX) {
    return fault(`${count(bytes)} bytes, more than ${count(ITEM_BYTES_MAX)}`)
  }
  return { line, item, fault: '' }
}

/** Names and rows of a file. */
export interface FeedbackFile {
  /** Without those of `REJECTED_COLUMNS`. */
  readonly header: readonly string[]
  readonly rows: AsyncIterable<FeedbackRow>
}

/** The rows of a stream; what ends it is said of its source. */
async function* rowsFrom(
  stream: Readable,
  source: string,
  delimiter: string,
): AsyncGenerator<CsvRow> {
  try {
    yield* csvRows(linesOf(stream), delimiter)
  } catch (thrown) {
    const isText = !(thrown instanceof TypeError)
    const detail = isText
      ? `Cannot read ${source}: ${whyUnreadable(thrown)}`
      : `${source} is no text`
    throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
  }
}

/**
 * Reads a stream of CSV, whose first row has the names of the columns. `source` is its name in
 * messages. A row that is no CSV is one with a fault, and costs no other.
 *
 * @throws (rejects, also while rows are read) GatewayError FILE_INVALID: it has not the columns, or
 *   cannot be read
 */
export const readFeedbackFile = async (
  stream: Readable,
  source: string,
  terms: RowTerms,
): Promise<FeedbackFile> => {
  const rows = rowsFrom(stream, source, terms.delimiter)
  const first = await rows.next()
  if (first.done === true) throw new GatewayError('FILE_INVALID', `${source} is empty`)
  const { line, cells: header, fault } = first.value
  if (fault !== '') throw new GatewayError('FILE_INVALID', `${source}:${line}  ${fault}`)
  const names = header.map(nameOf)
  const places = placesOf(names, source, line)
  const isOwn = (_: string, index: number): boolean =>
    !(REJECTED_COLUMNS as readonly string[]).includes(names[index] ?? '')
  const own = header.filter(isOwn)
  const toRow = ({ line, cells, fault }: CsvRow): FeedbackRow => {
    if (fault !== '') return { line, cells, item: null, fault }
    const kept = cells.filter(isOwn)
    if (cells.length === header.length) return { ...rowOf(cells, line, places, terms), cells: kept }
    const why = `${many(kept.length, 'value')} for ${many(own.length, 'column')}`
    return { line, cells: kept, item: null, fault: why }
  }
  const all = async function* (): AsyncGenerator<FeedbackRow> {
    for await (const row of rows) yield toRow(row)
  }
  return { header: own, rows: all() }
}
