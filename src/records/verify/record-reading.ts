/** Reads Parquet files of records and of gaps into tallies. */

import { join } from 'node:path'
import { type RecordsFile, withRecordsFile } from '../file-source.ts'
import { CONTENTS_KEY, type Contents, contentsIn, replacedBy } from '../files/contents.ts'
import { GAPS_FOLDER } from '../files/partitions.ts'
import type { ReadCalls } from '../spool/file-calls.ts'
import { readLong } from './columns.ts'
import type { Tally } from './tally.ts'

export type TallyOf = (producer: string) => Tally

type Columns = ReadonlyMap<string, ArrayLike<unknown>>

const COLUMNS = ['producer', 'sequence', 'role', 'row']
const GAP_COLUMNS = ['producer', 'first', 'last', 'reason']

/** Groups of rows of a file, the columns of each that are asked for and there. */
const readGroups = async (
  file: RecordsFile,
  names: readonly string[],
): Promise<readonly Columns[]> => {
  const here = file.columns.map(({ name }) => name).filter((name) => names.includes(name))
  if (!here.includes('producer')) throw new TypeError('it holds no records of ours')
  // By first row: a file that others wrote may have several groups of rows.
  const groups = new Map<number, Map<string, ArrayLike<unknown>>>()
  await file.read(here, (name, values, firstRow) => {
    const group = groups.get(firstRow) ?? new Map<string, ArrayLike<unknown>>()
    groups.set(firstRow, group.set(name, values))
  })
  return [...groups.values()]
}

/** Rows 0 of what is no shadow: one for each sequence. */
const takeRecords = (columns: Columns, tallyOf: TallyOf): void => {
  const producers = columns.get('producer')!
  const roles = columns.get('role')!
  const row = columns.get('row')
  const sequenceAt = readLong(columns.get('sequence')!)
  let producer: unknown
  let tally: Tally | null = null
  for (let i = 0; i < producers.length; i++) {
    if ((row !== undefined && row[i] !== 0) || roles[i] === 'shadow') continue
    if (tally === null || producers[i] !== producer) {
      producer = producers[i]
      tally = tallyOf(String(producer))
    }
    tally.record(sequenceAt(i))
  }
}

const takeGaps = (columns: Columns, tallyOf: TallyOf): void => {
  const [producers, reasons] = [columns.get('producer')!, columns.get('reason')!]
  const firstAt = readLong(columns.get('first')!)
  const lastAt = readLong(columns.get('last')!)
  for (let i = 0; i < producers.length; i++) {
    tallyOf(String(producers[i])).explain(firstAt(i), lastAt(i), String(reasons[i]))
  }
}

export interface ReadFile {
  readonly rows: number
  /** Names of files in the same folder whose rows are in this one. */
  readonly replaces: readonly string[]
  /** What it says that it has, and what was read of it. */
  readonly contents: Contents
}

/**
 * Reads one file, whose path is relative to `root`.
 *
 * @param tallyOf null: only what it says of others
 * @throws (rejects) whatever reading does; what it had of the file until then is noted
 */
export const readRecords = (
  files: ReadCalls,
  root: string,
  path: string,
  tallyOf: TallyOf | null,
): Promise<ReadFile> =>
  withRecordsFile(files, join(root, path), async (file) => {
    const isOfGaps = path.startsWith(`${GAPS_FOLDER}/`)
    const replaces = replacedBy(file.facts)
    if (tallyOf === null) return { rows: 0, replaces, contents: {} }
    const take = isOfGaps ? takeGaps : takeRecords
    for (const columns of await readGroups(file, isOfGaps ? GAP_COLUMNS : COLUMNS)) {
      take(columns, tallyOf)
    }
    return { rows: file.rows, replaces, contents: contentsIn(file.facts[CONTENTS_KEY] ?? '{}') }
  })
