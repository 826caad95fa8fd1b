/**
 * Making one file of many small ones: queries open every file, and what a gateway with little
 * traffic writes are a few rows at a time.
 */

import { join } from 'node:path'
import { appendRows, type RecordsFile, withRecordsFile } from '../file-source.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import type { ColumnSpec } from '../table/column.ts'
import { Table } from '../table/table.ts'
import type { OwnFile } from './own-files.ts'
import { HOUR_MS } from './partitions.ts'

/** Larger ones stay as they are. */
const SMALL_BYTES_MAX = 4 * 1024 * 1024
/** What is merged at once is in memory, several times as large. */
const MERGED_BYTES_MAX = 8 * 1024 * 1024
/** Of records that are all alike bytes alone say little: a million rows may have 8 MiB. */
const MERGED_ROWS_MAX = 200_000
/** Small files that an hour may have while records still come. */
const OPEN_FILES_MAX = 64
/** After an hour is over, records of it may still be on their way. */
const CLOSING_MS = 5 * 60_000

/** Of files in order, those that may become one. */
const fitting = (files: readonly OwnFile[]): OwnFile[] => {
  let bytes = 0
  return files.filter((file) => {
    bytes += file.bytes
    return bytes <= MERGED_BYTES_MAX
  })
}

/**
 * The files of one folder that should become one: of an hour that is over all small ones, of the
 * others only where there are very many. Empty: there are none.
 */
export const filesToMerge = (files: readonly OwnFile[], nowMs: number): readonly OwnFile[] => {
  const small = files.filter(({ bytes }) => bytes < SMALL_BYTES_MAX)
  for (const group of Map.groupBy(small, ({ folder }) => folder).values()) {
    const isClosed = nowMs > (group[0]!.hour + 1) * HOUR_MS + CLOSING_MS
    if (group.length <= (isClosed ? 1 : OPEN_FILES_MAX)) continue
    const chosen = fitting(group.toSorted((a, b) => a.number - b.number))
    if (chosen.length > 1) return chosen
  }
  return []
}

/**
 * Columns of all files; null where two cannot be one: a column has two types, or two names differ
 * in nothing but case.
 */
export const unitedColumns = (all: readonly (readonly ColumnSpec[])[]): ColumnSpec[] | null => {
  const united = new Map<string, ColumnSpec>()
  for (const spec of all.flat()) {
    const folded = spec.name.toLowerCase()
    const before = united.get(folded)
    if (before === undefined) united.set(folded, spec)
    else if (before.name !== spec.name || before.type !== spec.type) return null
  }
  return [...united.values()]
}

interface Glance {
  readonly rows: number
  readonly columns: readonly ColumnSpec[]
}

const glanceAt = ({ rows, columns }: RecordsFile): Glance => ({ rows, columns })

export interface Merged {
  /** The rows of all files, in their order. */
  readonly table: Table
  /** As many of the first as have no more rows together than fit in memory. */
  readonly files: readonly OwnFile[]
}

/**
 * Puts files into one table; null where they do not fit together, or two are too many.
 *
 * @throws what reading does
 */
export const mergeFiles = async (
  files: FileCalls,
  root: string,
  wanted: readonly OwnFile[],
  rowsMax = MERGED_ROWS_MAX,
): Promise<Merged | null> => {
  const glances: Glance[] = []
  let rows = 0
  for (const { path } of wanted) {
    const glance = await withRecordsFile(files, join(root, path), glanceAt)
    rows += glance.rows
    if (rows > rowsMax) break
    glances.push(glance)
  }
  const specs = unitedColumns(glances.map(({ columns }) => columns))
  if (specs === null || glances.length < 2) return null
  const table = new Table(specs)
  const merged = wanted.slice(0, glances.length)
  for (const { path } of merged) {
    await withRecordsFile(files, join(root, path), (file) => appendRows(file, table))
  }
  return { table, files: merged }
}
