/** Reads Parquet files of records: what they are about, their columns, their rows. */

import { zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  type SchemaElement,
} from 'hyparquet'
import type { ReadCalls } from './spool/file-calls.ts'
import { readWhole } from './spool/whole-writes.ts'
import type { ColumnSpec, ColumnType } from './table/column.ts'
import { Table } from './table/table.ts'

const COMPRESSORS = { ZSTD: (bytes: Uint8Array): Uint8Array => zstdDecompressSync(bytes) }
/** Timestamps stay what they are: microseconds. */
const PARSERS = { timestampFromMicroseconds: (micros: bigint) => micros }

/** A file that is open for reading. */
export interface RecordsFile {
  readonly path: string
  readonly rows: number
  /** What its columns take without compression: a few bytes may be a gigabyte of the same text. */
  readonly plainBytes: number
  readonly columns: readonly ColumnSpec[]
  /** Its key-value metadata. */
  readonly facts: Readonly<Record<string, string>>
  /**
   * Calls `onColumn` with the values of the columns that are asked for and there, in any order, and
   * the row of the file that the first of them is in.
   */
  read(
    names: readonly string[],
    onColumn: (name: string, values: DecodedArray, firstRow: number) => void,
  ): Promise<void>
}

const typeOf = ({ type, converted_type, logical_type }: SchemaElement): ColumnType => {
  if (type === 'DOUBLE') return 'double'
  if (type === 'INT32') return 'int32'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'BYTE_ARRAY') return 'text'
  if (logical_type?.type === 'TIMESTAMP') return 'timestamp'
  return converted_type === 'UINT_64' ? 'uint64' : 'int64'
}

const columnsOf = ({ schema }: FileMetaData): ColumnSpec[] =>
  schema.slice(1).map((element) => ({
    name: element.name,
    type: typeOf(element),
    isRequired: element.repetition_type === 'REQUIRED',
  }))

const bufferOf = (files: ReadCalls, file: number, byteLength: number): AsyncBuffer => ({
  byteLength,
  slice: (from, to = byteLength) => {
    const start = from < 0 ? byteLength + from : from
    const bytes = new Uint8Array(to - start)
    const count = readWhole(files, file, bytes, {
      ...{ offset: 0, length: bytes.length, position: start },
    })
    return bytes.buffer.slice(0, count)
  },
})

/**
 * Runs `task` on an open file and closes it.
 *
 * @throws what the file system or `task` does; an Error when it is no Parquet file
 */
export const withRecordsFile = async <Result>(
  files: ReadCalls,
  path: string,
  task: (file: RecordsFile) => Result | Promise<Result>,
): Promise<Result> => {
  const descriptor = files.open(path, 'r')
  try {
    const file = bufferOf(files, descriptor, files.stat(path)?.bytes ?? 0)
    const metadata = await parquetMetadataAsync(file)
    const facts = metadata.key_value_metadata ?? []
    return await task({
      path,
      rows: Number(metadata.num_rows),
      plainBytes: metadata.row_groups.reduce(
        (sum, group) => sum + Number(group.total_byte_size),
        0,
      ),
      columns: columnsOf(metadata),
      facts: Object.fromEntries(facts.map(({ key, value }) => [key, value ?? ''])),
      read: (columns, onColumn) =>
        parquetRead({
          ...{ file, metadata, columns: [...columns], compressors: COMPRESSORS, parsers: PARSERS },
          onChunk: ({ columnName, columnData, rowStart }) =>
            onColumn(columnName, columnData, rowStart),
        }),
    })
  } finally {
    files.close(descriptor)
  }
}

/** Appends the rows of a file to a table that has all of its columns, and no required one more. */
export const appendRows = async (file: RecordsFile, table: Table): Promise<void> => {
  const first = table.addRows(file.rows)
  const here = new Set(file.columns.map(({ name }) => name))
  for (const column of table.columns) {
    if (here.has(column.name)) continue
    for (let row = 0; row < file.rows; row++) column.setNull(first + row)
  }
  const byName = new Map(table.columns.map((column) => [column.name, column]))
  await file.read([...here], (name, values, firstRow) => {
    const column = byName.get(name)!
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      const row = first + firstRow + i
      if (value === null || value === undefined) column.setNull(row)
      else if (typeof value === 'bigint') column.setBigInt(row, value)
      else if (typeof value === 'string') column.setText(row, value)
      else column.setNumber(row, Number(value))
    }
  })
}

/** All rows of a file. */
export const readTable = async (file: RecordsFile): Promise<Table> => {
  const table = new Table(file.columns)
  await appendRows(file, table)
  return table
}
