/**
 * Proves what was kept: reads every record's producer and sequence, and says of each producer what
 * is there, what is not, and why. Needs nothing but the folder; with the spool it counts what is
 * there as well.
 *
 * It may run while records come. It looks at accounts first, then at the spool, then at files: what
 * an account calls shipped is in a file that is listed later, and what comes meanwhile is pending.
 * Whether a producer has been killed it sees itself: the shipper may take a while to say so.
 */

import { basename, join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { isAlive as isRunning, type ProcessIdentity } from '../shared/process-identity.ts'
import { accountedProducers, readAccountFile } from './files/account-files.ts'
import { findRecordFiles, recordFilesIn } from './files/own-files.ts'
import { anyFileNumber } from './files/partitions.ts'
import type { Account, Retired } from './shipping/account.ts'
import { errnoOf, type FileCalls } from './spool/file-calls.ts'
import { HeldFiles } from './verify/held-files.ts'
import { readRecords } from './verify/record-reading.ts'
import { RetiredThere } from './verify/retired-there.ts'
import { countSpool, type SpoolAccount, withSpool } from './verify/spool-count.ts'
import { Tally } from './verify/tally.ts'
import { type ProducerReport, verdictOn } from './verify/verdict.ts'

export interface VerifyReport {
  /** Nothing is missing without a reason, or there twice, and everything could be read. */
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
  /** Whether a process runs; of those that do not, nothing more comes. */
  readonly isAlive?: (process: ProcessIdentity) => boolean
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** Times that a folder is listed because files of it have gone since it was. */
const TIMES_MAX = 5

/** Of a producer whose account has gone since this began: the last of what it took went with it. */
const ALL_RETIRED: Retired = { records: Infinity, gaps: Infinity, below: Infinity }

const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)

/** What one look has come to. */
class Look {
  readonly #files: FileCalls
  readonly #path: string
  readonly #tallies = new Map<string, Tally>()
  readonly #accounts = new Map<string, Account>()
  #spooled: ReadonlyMap<string, SpoolAccount> = new Map()
  readonly #retiredThere = new RetiredThere()
  readonly problems: string[] = []
  rows = 0

  constructor(files: FileCalls, path: string) {
    this.#files = files
    this.#path = path
  }

  readonly tallyOf = (producer: string): Tally => {
    let tally = this.#tallies.get(producer)
    if (tally === undefined) {
      tally = new Tally()
      this.#tallies.set(producer, tally)
    }
    return tally
  }

  takeAccounts(): void {
    for (const producer of accountedProducers(this.#files, this.#path)) {
      this.tallyOf(producer)
      const account = this.#accountNow(producer)
      if (account !== null) this.#accounts.set(producer, account)
    }
  }

  takeSpool(folder: string, isAlive: (process: ProcessIdentity) => boolean): void {
    const { accounts, problems } = countSpool(this.#files, folder, this.tallyOf, isAlive)
    this.#spooled = accounts
    this.problems.push(...problems)
  }

  /**
   * Reads the files of one folder, the latest first: it says which of the others it replaces. All
   * are open before one is read: what goes meanwhile can be read to its end.
   */
  async takeFolder(folder: string, onFile: () => void): Promise<void> {
    const held = new HeldFiles(this.#files)
    const replaced = new Set<string>()
    try {
      for (const path of this.#hold(held, folder)) {
        onFile()
        await this.#takeFile(held, path, replaced)
      }
    } finally {
      held.release()
    }
  }

  async #takeFile(held: HeldFiles, path: string, replaced: Set<string>): Promise<void> {
    try {
      // What it names itself counts all the same: it is whole.
      const tallyOf = replaced.has(basename(path)) ? null : this.tallyOf
      const read = await readRecords(held, this.#path, path, tallyOf)
      this.rows += read.rows
      for (const name of read.replaces) replaced.add(name)
      this.#retiredThere.take(path, read.contents)
    } catch (thrown) {
      this.problems.push(`${path} cannot be read: ${messageOf(thrown)}`)
    }
  }

  /** Opens the files of a folder as they are at one time; returns their paths. */
  #hold(held: HeldFiles, folder: string): readonly string[] {
    try {
      for (let times = 0; times < TIMES_MAX; times++) {
        const paths = latestFirst(recordFilesIn(this.#files, this.#path, folder))
        if (held.hold(paths.map((path) => join(this.#path, path)))) return paths
      }
      this.problems.push(`${folder}: its files go while they are read; try again later`)
    } catch (thrown) {
      if (errnoOf(thrown) === '') throw thrown
      this.problems.push(`${folder} cannot be listed: ${messageOf(thrown)}`)
    }
    return []
  }

  report(): VerifyReport {
    const producers: ProducerReport[] = []
    for (const id of [...this.#tallies.keys()].sort()) {
      const verdict = verdictOn(id, this.tallyOf(id), this.#accountOf(id))
      producers.push(verdict.report)
      this.problems.push(...verdict.problems)
    }
    return { ok: this.problems.length === 0, producers, problems: this.problems }
  }

  /** How far a producer was before files were listed, and what has been deleted until now. */
  #accountOf(producer: string): Account | null {
    const before = this.#accounts.get(producer)
    const now = this.#accountNow(producer)
    const spooled = this.#spooled.get(producer)
    if (before === undefined && now === null && spooled === undefined) return null
    // One that was met on the way: it lives, and nothing is said of how far it is.
    const known: Account | null =
      before ?? (now === null ? null : { ...now, state: 'open', floor: 1, taken: 0 })
    const account = spooled === undefined ? known : withSpool(producer, known, spooled)
    if (account === null) return null
    const isGone = before !== undefined && now === null
    const retired = now?.retired ?? account.retired
    const isThere = this.#retiredThere.of(producer, retired)
    return { ...account, retired: isGone ? ALL_RETIRED : { ...retired, ...isThere } }
  }

  #accountNow(producer: string): Account | null {
    try {
      return readAccountFile(this.#files, this.#path, producer)
    } catch (thrown) {
      if (GatewayError.from(thrown).code === 'STATE_TOO_NEW') throw thrown
      const problem = messageOf(thrown)
      if (!this.problems.includes(problem)) this.problems.push(problem)
      return null
    }
  }
}

/** Files of a folder, those with the highest numbers first: they were written last. */
const latestFirst = (paths: readonly string[]): readonly string[] =>
  paths.toSorted((a, b) => anyFileNumber(b) - anyFileNumber(a))

/**
 * Verifies the records under `path`. Memory: an eighth of a byte for each sequence, as much again
 * where it lies in the spool, a byte more where there are gaps; some 40 bytes for each producer in
 * each file; and one file at a time.
 *
 * @throws (rejects) GatewayError FILE_INVALID: there is no such folder, and no spool either;
 *   STATE_TOO_NEW: an account of a later release; the error of the file system, where the folder
 *   cannot be read
 */
export const verifyRecords = async (
  files: FileCalls,
  path: string,
  { spool = null, isAlive = isRunning, onProgress }: VerifyOptions = {},
): Promise<VerifyReport> => {
  if ([path, spool].every((one) => one === null || files.stat(one)?.kind !== 'folder')) {
    throw new GatewayError('FILE_INVALID', 'There is no folder of records at this path')
  }
  const found = new Look(files, path)
  found.takeAccounts()
  if (spool !== null) found.takeSpool(spool, isAlive)
  const listed = findRecordFiles(files, path, (folder, thrown) => {
    found.problems.push(`${folder} cannot be listed: ${messageOf(thrown)}`)
  })
  const count = [...listed.values()].flat().length
  let filesDone = 0
  const tell = () => onProgress?.({ files: count, filesDone: filesDone++, rows: found.rows })
  for (const folder of listed.keys()) await found.takeFolder(folder, tell)
  tell()
  return found.report()
}
