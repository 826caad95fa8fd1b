/**
 * Proves what was kept: reads every record's producer and sequence, and says of each producer what
 * is there, what is not, and why. Needs nothing but the folder; with the spool it counts what is
 * there as well.
 */

import { join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { withRecordsFile } from './file-source.ts'
import { accountedProducers, readAccountFile } from './files/account-files.ts'
import { findRecordFiles } from './files/own-files.ts'
import { GAPS_FOLDER } from './files/partitions.ts'
import type { Account } from './shipping/account.ts'
import { errnoOf, type FileCalls } from './spool/file-calls.ts'
import { readLong } from './verify/columns.ts'
import { countSpool } from './verify/spool-count.ts'
import { Tally } from './verify/tally.ts'
import { type ProducerReport, verdictOn } from './verify/verdict.ts'

export interface VerifyReport {
  /** Nothing is missing without a reason, and everything could be read. */
  readonly ok: boolean
  readonly producers: readonly ProducerReport[]
  /** In words, for people: why it is not ok. */
  readonly problems: readonly string[]
}

export interface VerifyProgress {
  readonly files: number
  readonly filesDone: number
  readonly rows: number
}

export interface VerifyOptions {
  /** Folder of the spool; null: only what is in files is looked at. */
  readonly spool?: string | null
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** By producer. */
class Tallies {
  readonly all = new Map<string, Tally>()

  of(producer: string): Tally {
    let tally = this.all.get(producer)
    if (tally === undefined) {
      tally = new Tally()
      this.all.set(producer, tally)
    }
    return tally
  }
}

type Columns = ReadonlyMap<string, ArrayLike<unknown>>

const readColumnsOf = async (
  files: FileCalls,
  path: string,
  names: readonly string[],
  take: (columns: Columns, rows: number) => void,
): Promise<number> =>
  withRecordsFile(files, path, async (file) => {
    const here = file.columns.map(({ name }) => name).filter((name) => names.includes(name))
    if (!here.includes('producer')) throw new TypeError('it holds no records of ours')
    // By first row: a file that others wrote may have several groups of rows.
    const groups = new Map<number, Map<string, ArrayLike<unknown>>>()
    await file.read(here, (name, values, firstRow) => {
      const group = groups.get(firstRow) ?? new Map<string, ArrayLike<unknown>>()
      groups.set(firstRow, group.set(name, values))
    })
    for (const group of groups.values()) take(group, group.get('producer')?.length ?? 0)
    return file.rows
  })

/** Rows 0 of what is no shadow: one for each sequence. */
const takeRecords = (tallies: Tallies, columns: Columns, rows: number): void => {
  const producers = columns.get('producer')!
  const roles = columns.get('role')!
  const row = columns.get('row')
  const sequenceAt = readLong(columns.get('sequence')!)
  let producer: unknown = null
  let tally = new Tally()
  for (let i = 0; i < rows; i++) {
    if ((row !== undefined && row[i] !== 0) || roles[i] === 'shadow') continue
    if (producers[i] !== producer) {
      producer = producers[i]
      tally = tallies.of(String(producer))
    }
    tally.record(sequenceAt(i))
  }
}

const takeGaps = (tallies: Tallies, columns: Columns, rows: number): void => {
  const [producers, reasons] = [columns.get('producer')!, columns.get('reason')!]
  const firstAt = readLong(columns.get('first')!)
  const lastAt = readLong(columns.get('last')!)
  for (let i = 0; i < rows; i++) {
    tallies.of(String(producers[i])).explain(firstAt(i), lastAt(i), String(reasons[i]))
  }
}

const COLUMNS = ['producer', 'sequence', 'role', 'row']
const GAP_COLUMNS = ['producer', 'first', 'last', 'reason']

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : '')

/** Times that it begins again because files were merged under its hands. */
const TIMES_MAX = 5

/**
 * Verifies the records under `path`. Memory: an eighth of a byte for each sequence, a byte more
 * where there are gaps, and one file at a time.
 *
 * @throws (rejects) GatewayError STATE_TOO_NEW: an account of a later release; the error of the
 *   file system, where the folder cannot be read at all
 */
export const verifyRecords = async (
  files: FileCalls,
  path: string,
  options: VerifyOptions = {},
): Promise<VerifyReport> => {
  for (let times = 1; ; times++) {
    const report = await verifyOnce(files, path, options, times === TIMES_MAX)
    if (report !== null) return report
  }
}

/** null: a file has gone since it was listed, and its rows are in another one. */
const verifyOnce = async (
  files: FileCalls,
  path: string,
  { spool = null, onProgress }: VerifyOptions,
  isLast: boolean,
): Promise<VerifyReport | null> => {
  const tallies = new Tallies()
  const problems: string[] = []
  // First: what is shipped meanwhile is then in a file, and was in the spool.
  const inSpool = spool === null ? null : countSpool(files, spool)
  const paths = findRecordFiles(files, path)
  let rows = 0
  for (const [filesDone, file] of paths.entries()) {
    onProgress?.({ files: paths.length, filesDone, rows })
    try {
      rows += await takeFile(files, path, file, tallies)
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT' && !isLast) return null
      problems.push(`${file} cannot be read: ${messageOf(thrown)}`)
    }
  }
  onProgress?.({ files: paths.length, filesDone: paths.length, rows })
  for (const [producer, counted] of inSpool ?? []) counted.into(tallies.of(producer))
  const accountOf = (producer: string): Account | null => {
    const account = readAccountFile(files, path, producer)
    return inSpool?.get(producer)?.account(producer, account) ?? account
  }
  for (const producer of accountedProducers(files, path)) tallies.of(producer)
  return reportOn(tallies, accountOf, problems)
}

/** Returns how many rows it has. */
const takeFile = (
  files: FileCalls,
  path: string,
  file: string,
  tallies: Tallies,
): Promise<number> => {
  const isOfGaps = file.startsWith(`${GAPS_FOLDER}/`)
  const take = isOfGaps ? takeGaps : takeRecords
  return readColumnsOf(files, join(path, file), isOfGaps ? GAP_COLUMNS : COLUMNS, (columns, rows) =>
    take(tallies, columns, rows),
  )
}

const reportOn = (
  tallies: Tallies,
  accountOf: (producer: string) => Account | null,
  problems: string[],
): VerifyReport => {
  const producers: ProducerReport[] = []
  for (const id of [...tallies.all.keys()].sort()) {
    let account: Account | null = null
    try {
      account = accountOf(id)
    } catch (thrown) {
      if (GatewayError.from(thrown).code === 'STATE_TOO_NEW') throw thrown
      problems.push(messageOf(thrown))
    }
    const verdict = verdictOn(id, tallies.of(id), account)
    producers.push(verdict.report)
    problems.push(...verdict.problems)
  }
  return { ok: problems.length === 0, producers, problems }
}
