/**
 * Which rows are in two files: while an hour is written anew as one file, both are there, and after
 * a crash of that for as long as the shipper is away. To sort all rows by their key in every query
 * costs seconds; looking at the sequences of files that share a partition costs little, and where a
 * closed hour is one file, nothing.
 */

import { DUPLICATES_TABLE, literalGlob, ROW_KEY, readPredictions, sqlText } from './query-views.ts'

/** Sequences of one producer in one file, first and last included. */
export interface SequenceRange {
  readonly file: string
  readonly producer: string
  readonly from: number
  readonly to: number
}

/** Endpoint and hour of a file, whatever folder the partition lies in. */
const partitionOf = (file: string): string =>
  file.slice(file.lastIndexOf('/endpoint='), file.lastIndexOf('/'))

/** Values by their key, in order. */
const grouped = <T>(values: readonly T[], keyOf: (value: T) => string): T[][] => [
  ...Map.groupBy(values, keyOf).values(),
]

/** Files that are not alone in their partition: twins have the same endpoint and hour. */
export const filesInCompany = (files: readonly string[]): string[] =>
  grouped(files, partitionOf).flatMap((group) => (group.length > 1 ? group : []))

/** Asks for the ranges of files: `file`, `producer`, `from`, `to`. */
export const rangesQuery = (files: readonly string[]): string =>
  'SELECT filename AS file, producer, min("sequence") AS "from", max("sequence") AS "to" ' +
  `FROM ${readPredictions(files.map(literalGlob), ', filename = true')} GROUP BY ALL`

/** Ranges in order, those that touch as one. */
const merged = (ranges: readonly SequenceRange[]): SequenceRange[] => {
  const whole: SequenceRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = whole.at(-1)
    if (last === undefined || range.from > last.to + 1) whole.push(range)
    else whole[whole.length - 1] = { ...last, to: Math.max(last.to, range.to) }
  }
  return whole
}

/** Of each file, what another file of its partition may hold too. */
export const sharedRanges = (ranges: readonly SequenceRange[]): SequenceRange[] =>
  grouped(ranges, ({ file, producer }) => `${partitionOf(file)}\0${producer}`).flatMap((group) =>
    group.flatMap((one) =>
      merged(
        group
          .filter(({ file, from, to }) => file !== one.file && from <= one.to && one.from <= to)
          .map(({ from, to }) => ({
            ...one,
            from: Math.max(from, one.from),
            to: Math.min(to, one.to),
          })),
      ),
    ),
  )

/** Makes the table of the rows that another one stands for, of what files share. */
export const duplicatesStatement = (shared: readonly SequenceRange[]): string => {
  const rows = shared.map(
    ({ file, producer, from, to }) =>
      `SELECT filename, file_row_number, ${ROW_KEY} FROM ` +
      `${readPredictions([literalGlob(file)], ', filename = true, file_row_number = true')} ` +
      `WHERE producer = ${sqlText(producer)} AND "sequence" BETWEEN ${from} AND ${to}`,
  )
  return (
    `CREATE TABLE ${DUPLICATES_TABLE} AS SELECT filename, file_row_number ` +
    `FROM (${rows.join(' UNION ALL ')}) QUALIFY row_number() OVER ` +
    `(PARTITION BY ${ROW_KEY} ORDER BY filename, file_row_number) > 1`
  )
}
