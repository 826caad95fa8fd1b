/**
 * Which rows are there twice, and how that is known without a look at all of them. While files are
 * written anew as one, the new one names those that it replaces; and what is shipped between a
 * snapshot of the spool and the listing of files is in files that are younger than the snapshot.
 */

import {
  DUPLICATES_TABLE,
  literalGlob,
  type RecordFiles,
  reading,
  SOURCES,
  type Source,
} from './query-views.ts'

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/'))

/** Endpoint and hour of a file, or the hour of gaps, whatever folder that lies in. */
export const partitionOf = (file: string): string =>
  /[^/]+\/date=[^/]+\/hour=[^/]+(?=\/[^/]+$)/.exec(file)?.[0] ?? ''

/** Files that are not alone in their folder: what a file replaces lies beside it. */
export const filesInCompany = (files: readonly string[]): string[] =>
  [...Map.groupBy(files, folderOf).values()].flatMap((group) => (group.length > 1 ? group : []))

/** Files without those that others of the same folder replace, by the names that these have. */
export const withoutReplaced = (
  files: readonly string[],
  replaced: ReadonlyMap<string, readonly string[]>,
): string[] => {
  const gone = new Set(
    [...replaced].flatMap(([file, names]) => names.map((name) => `${folderOf(file)}/${name}`)),
  )
  return files.filter((file) => !gone.has(file))
}

const keyOf = ({ key: [first, second, third] }: Source): string =>
  `producer, ${first} AS a, ${second} AS b, ${third}::BIGINT AS c`

/** Makes the table of the rows for which another one stands, of all rows in these files. */
export const duplicatesStatement = (files: RecordFiles): string => {
  const rows = SOURCES.flatMap((source) => {
    const of = files[source.kind].map(literalGlob)
    if (of.length === 0) return []
    return [`SELECT filename, file_row_number, ${keyOf(source)} FROM ${reading(source, of, true)}`]
  })
  return (
    `CREATE OR REPLACE TABLE ${DUPLICATES_TABLE} AS SELECT filename, file_row_number ` +
    `FROM (${rows.join(' UNION ALL ')}) QUALIFY row_number() OVER ` +
    '(PARTITION BY producer, a, b, c ORDER BY filename, file_row_number) > 1'
  )
}
