/** Rows of a query on stdout, as they come: a table for people, JSON or CSV for programs. */

import { complain, paint, plain, print, table } from './output.ts'
import { toCsv, toJson, toText } from './query-values.ts'

export type QueryForm = 'table' | 'json' | 'csv'

type Row = readonly unknown[]

/** What a query answers: chunks of rows, each with a value for every name. */
export interface QueryRows {
  readonly names: readonly string[]
  readonly chunks: AsyncIterable<readonly Row[]>
}

/** A table is for reading; programs ask for all. */
const TABLE_ROWS_MAX = 100
const CELL_COLUMNS_MAX = 60
const CELL_COLUMNS_MIN = 12
const NO_TERMINAL_COLUMNS = 10_000
/** Between two columns. */
const GAP_COLUMNS = 2

const isReaderGone = (): boolean => !process.stdout.writable

/** `abcdef` -> `abc…` */
const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, columns - 1)}…`

/**
 * The widest that a cell may be so that rows fit on a line of `columns`, if they can: narrow cells
 * stay whole, wide ones share what is left.
 */
export const cellWidth = (widths: readonly number[], columns: number): number => {
  let left = columns - GAP_COLUMNS * (widths.length - 1)
  const ascending = widths.toSorted((a, b) => a - b)
  for (const [index, width] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index))
    if (width > share) return Math.min(CELL_COLUMNS_MAX, Math.max(CELL_COLUMNS_MIN, share))
    left -= width
  }
  return CELL_COLUMNS_MAX
}

/** The page that a query prints; the first row holds the names. */
export const renderRows = (rows: readonly (readonly string[])[], columns: number): string => {
  const [names = []] = rows
  const widths = names.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)))
  const width = cellWidth(widths, columns)
  const shown = rows.map((row) => row.map((cell) => cut(cell, width)))
  return table([
    shown[0]!.map((name) => paint('bold', name)),
    ...shown
      .slice(1)
      .map((row) => row.map((cell) => (cell === 'null' ? paint('gray', cell) : cell))),
  ])
}

/** A plan is a drawing of several lines, which no cell can hold. */
const isPlan = ({ names }: QueryRows): boolean => names.join() === 'explain_key,explain_value'

const writeTable = async (rows: QueryRows): Promise<void> => {
  const cells: string[][] = []
  let isCut = false
  for await (const chunk of rows.chunks) {
    const room = TABLE_ROWS_MAX - cells.length
    cells.push(...chunk.slice(0, room).map((row) => row.map(toText)))
    isCut = chunk.length > room
    if (isCut) break
  }
  if (isPlan(rows)) {
    for (const [, plan = ''] of cells) print(plan.split('\n').map(plain).join('\n'))
    return
  }
  const columns = process.stdout.isTTY ? process.stdout.columns : NO_TERMINAL_COLUMNS
  print(
    renderRows(
      [[...rows.names], ...cells].map((row) => row.map(plain)),
      columns,
    ),
  )
  const more = `the first ${TABLE_ROWS_MAX} rows; --json and --csv give all, LIMIT fewer`
  if (isCut) complain(paint('yellow', `⚠ ${more}`, process.stderr))
}

const writeJson = async ({ names, chunks }: QueryRows): Promise<void> => {
  let before = '[\n  '
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    const objects = chunk.map((row) =>
      JSON.stringify(Object.fromEntries(names.map((name, index) => [name, toJson(row[index])]))),
    )
    process.stdout.write(before + objects.join(',\n  '))
    before = ',\n  '
    if (isReaderGone()) return
  }
  print(before === ',\n  ' ? '\n]' : '[]')
}

const writeCsv = async ({ names, chunks }: QueryRows): Promise<void> => {
  print(names.map(toCsv).join(','))
  for await (const chunk of chunks) {
    if (chunk.length > 0) print(chunk.map((row) => row.map(toCsv).join(',')).join('\n'))
    if (isReaderGone()) return
  }
}

const WRITERS: Readonly<Record<QueryForm, (rows: QueryRows) => Promise<void>>> = {
  table: writeTable,
  json: writeJson,
  csv: writeCsv,
}

/** Nothing is printed before the first rows are there; what a reader does not want is not asked. */
export const writeRows = (form: QueryForm, rows: QueryRows): Promise<void> => WRITERS[form](rows)
