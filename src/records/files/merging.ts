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

const columnsOf = ({ columns }: RecordsFile): readonly ColumnSpec[] => columns

/**
 * The rows of all files in one table, in their order; null where they do not fit together.
 *
 * @throws what reading does
 */
export const mergeFiles = async (
  files: FileCalls,
  root: string,
  merged: readonly OwnFile[],
): Promise<Table | null> => {
  const paths = merged.map(({ path }) => join(root, path))
  const all: (readonly ColumnSpec[])[] = []
  for (const path of paths) all.push(await withRecordsFile(files, path, columnsOf))
  const specs = unitedColumns(all)
  if (specs === null) return null
  const table = new Table(specs)
  for (const path of paths) {
    await withRecordsFile(files, path, (file) => appendRows(file, table))
  }
  return table
}
