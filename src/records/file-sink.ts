/**
 * Records as Parquet files under `records.path`, for DuckDB and everybody else who reads them.
 *
 * What readers are promised: a file that bears its name is whole and never changes. After a crash
 * at any point the records of a flush are all there or come again from the spool; none is in two
 * files, but while several of an hour are written anew as one, until those that it replaces are
 * unlinked. The new one names them (REPLACES_KEY), and all that they have replaced: what a whole
 * file names nobody needs, whoever has left it there or brought it back; who does not look there
 * must count by (prediction_id, role, row).
 *
 * Several gateways may share a folder: their files have other names, and nobody touches another's,
 * be it to delete what is old: each keeps its own within its own bounds.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../shared/atomic-file.ts'
import { accountPath } from './files/account-files.ts'
import { FileWriter } from './files/file-writer.ts'
import { type Found, findOwnFiles, numbersOf, type OwnFile, ownFile } from './files/own-files.ts'
import { FILE_NUMBER_MAX, gapsFolder, HOUR_MS, hourOf } from './files/partitions.ts'
import { deletesOf, publishMoved, type Undone } from './files/publishing.ts'
import { RecordTables } from './files/record-tables.ts'
import { isTooMuch, type RetentionLimits } from './files/retention.ts'
import { notedOf, publishable } from './files/sink-notes.ts'
import { Tidying } from './files/tidying.ts'
import { ensureRoot, unlinkQuietly } from './files/unfinished.ts'
import type { Account } from './shipping/account.ts'
import type {
  AccountTexts,
  Held,
  Intent,
  Opened,
  Prepared,
  ProducerGap,
  Rename,
  ShipBatch,
  Sink,
  SinkState,
  Tidied,
  TidyTimes,
  Unreadable,
} from './shipping/sink.ts'
import { type FileCalls, lookAt } from './spool/file-calls.ts'
import type { ColumnSpec } from './table/column.ts'
import { Table } from './table/table.ts'

export interface FileSinkOptions {
  readonly files: FileCalls
  /** `records.path` */
  readonly root: string
  /** Names its files. */
  readonly gateway: string
  /** Without them everything stays. */
  readonly retention?: RetentionLimits
  /** For people: what is wrong with a file. */
  readonly onFault?: (path: string, thrown: unknown) => void
  /** Called between files: there may be hundreds, each with its syncs. */
  readonly breathe?: () => Promise<void>
}

const GAP_SPECS: readonly ColumnSpec[] = [
  { name: 'producer', type: 'text', isRequired: true },
  { name: 'first', type: 'int64', isRequired: true },
  { name: 'last', type: 'int64', isRequired: true },
  { name: 'reason', type: 'text', isRequired: true },
]

/** Hours are long, and files many. */
const TIDY_MS = 30_000

/**
 * As old may be what is known of the files: others may delete some, and disks come back. And where
 * some are to go because there are too many, lest they go in the place of those that are gone.
 */
const LISTED_MS = HOUR_MS
const LISTED_FULL_MS = 60_000

/** Files that are looked for when they have gone. */
const LOST_MAX = 1000

export class FileSink implements Sink {
  readonly name = 'files'
  readonly #options: FileSinkOptions
  readonly #onFault: (path: string, thrown: unknown) => void
  readonly #tables: RecordTables
  readonly #gaps = new Table(GAP_SPECS)
  /** By path. */
  readonly #files = new Map<string, OwnFile>()
  readonly #writer: FileWriter
  readonly #tidying: Tidying
  /** Monotonic ms. */
  #tidyAtMs = 0
  #listedAtMs: number | null = null
  /** Of files that were not there under either name: their disk may be away, and come back. */
  #lost: readonly Rename[] = []
  /** Folders that could not be listed. */
  #unlisted: readonly string[] = []

  constructor(options: FileSinkOptions) {
    this.#options = options
    const { files, root, gateway, retention, onFault = () => {}, breathe } = options
    const [writer, own] = [new FileWriter({ files, root, gateway }), this.#files]
    this.#onFault = onFault
    this.#writer = writer
    this.#tidying = new Tidying({ files, root, gateway, retention, onFault, breathe, writer, own })
    this.#tables = new RecordTables(onFault)
  }

  get held(): Held {
    const { rows, bytes } = this.#tables.held
    return { rows: rows + this.#gaps.rows, bytes: bytes + this.#gaps.usedBytes }
  }

  async open(state: SinkState | null, intent: Intent | null): Promise<Opened> {
    const { files, root } = this.#options
    const { nextNumber, intentNumber, lost, waiting, unsaid, ...noted } = notedOf(state)
    const from = noted.root ?? root
    ensureRoot(files, root)
    const here = this.#found(from, lost)
    this.#lost = from === root ? lost.filter((rename) => !here.includes(rename)) : []
    const { renames, deletes } = publishable(state, intent, root)
    const undone = await this.#publish({ renames: [...here, ...renames], deletes }, from)
    // What an earlier release has counted no account says.
    const left = intentNumber === 0 ? undone.left : []
    this.#tidying.restore({ waiting, unsaid: [...unsaid, ...left] })
    // Nothing is listed yet, and an earlier release did not know what was replaced and what not.
    this.#take({ renames: [...here, ...(intent?.renames ?? [])], deletes: [] }, undone)
    // A state that is older than the files, or none: their names are taken all the same.
    this.#writer.nextNumber = Math.max(this.#writer.nextNumber, nextNumber)
    this.#writer.intentNumber = intentNumber + 1
    const { unfinished } = await this.#list()
    for (const path of unfinished) unlinkQuietly(files, join(root, path))
    return from === root ? 'same' : 'moved'
  }

  write(batch: ShipBatch): readonly Unreadable[] {
    return this.#tables.add(batch)
  }

  gap({ producer, from, to, reason }: ProducerGap): void {
    const row = this.#gaps.addRows(1)
    const [producers, firsts, lasts, reasons] = this.#gaps.columns
    producers!.setText(row, producer)
    firsts!.setNumber(row, from)
    lasts!.setNumber(row, to)
    reasons!.setText(row, reason)
  }

  isTidyDue(monotonicMs: number): boolean {
    return monotonicMs >= this.#tidyAtMs && !this.#tidying.isCounting
  }

  get hasTidied(): boolean {
    return this.#tidying.hasTidied
  }

  noteAccount({ retired }: Account): void {
    const last = retired.files?.at(-1)?.[1] ?? 0
    // No file of ours had such a number.
    if (last >= FILE_NUMBER_MAX) return
    this.#writer.nextNumber = Math.max(this.#writer.nextNumber, last + 1)
  }

  async tidy(times: TidyTimes): Promise<Tidied> {
    const { monotonicMs, wallMs } = times
    this.#tidyAtMs = monotonicMs + TIDY_MS
    this.#listedAtMs ??= monotonicMs
    const isFull = isTooMuch(this.#files.values(), this.#options.retention?.bytesMax ?? 0)
    const ageMsMax = isFull ? LISTED_FULL_MS : LISTED_MS
    if (monotonicMs >= this.#listedAtMs + ageMsMax) await this.#search(monotonicMs)
    this.#countOn(wallMs)
    const givenUp = await this.#tidying.tidy(times)
    const numbers = numbersOf(this.#files.values(), this.#lost)
    const isWhole = this.#unlisted.length === 0
    const hasMerged = await this.#tidying.merge(times)
    if (hasMerged || this.#tidying.isLooking) this.#tidyAtMs = 0
    return { givenUp, numbers, isWhole }
  }

  async prepare(accounts: AccountTexts, nowMs: number): Promise<Prepared> {
    const { root } = this.#options
    const written: Rename[] = []
    this.#countOn(nowMs)
    const number = this.#writer.nextNumber
    try {
      await this.#writeAll(accounts, nowMs, written)
    } catch (error) {
      this.#writer.takeBack(written)
      // The same names another time: what cannot be removed now is written over.
      this.#writer.nextNumber = number
      throw error
    }
    this.#tables.clear()
    this.#gaps.clear()
    const { renames, deletes } = this.#tidying.intent
    const gone = [...accounts].filter(([, text]) => text === null)
    const all = [...deletes, ...gone.map(([producer]) => accountPath(producer))]
    const intent = {
      renames: [...renames, ...written],
      // An account that is written anew is to stay.
      deletes: all.filter((path) => !written.some(([, to]) => to === path)),
    }
    const { notes } = this.#tidying
    this.#tidying.take()
    const { nextNumber } = this.#writer
    const intentNumber = this.#writer.intentNumber++
    return { intent, state: { nextNumber, intentNumber, root, ...notes, lost: this.#lost } }
  }

  async publish(intent: Intent): Promise<void> {
    this.#take(intent, await this.#publish(intent, this.#options.root))
  }

  /** Where it was to be done, and for files that are not there any more where they may be now. */
  #publish(intent: Intent, from: string): Promise<Undone> {
    const { files, root, breathe } = this.#options
    return publishMoved({ files, from, to: root, onFault: this.#onFault, breathe }, intent)
  }

  /** Notes what was done. */
  #take(intent: Intent, { missing, left }: Undone): void {
    const { files, root, gateway } = this.#options
    const isMissing = new Set(missing)
    const lost: Rename[] = []
    for (const rename of intent.renames) {
      const [, path, replaced] = rename
      const file = ownFile(files, root, gateway, path)
      if (file !== null) this.#files.set(path, file)
      // Of what others were to be replaced by nothing is lost: they are there.
      if (isMissing.has(path) && replaced === undefined && path.endsWith('.parquet')) {
        lost.push(rename)
      }
    }
    this.#lost = [...this.#lost, ...lost].slice(-LOST_MAX)
    const deletes = deletesOf(intent, missing)
    const replaced = deletesOf({ ...intent, deletes: [] }, missing)
    if (this.#tidying.publish(deletes, left, replaced)) this.#tidyAtMs = 0
  }

  /** Those of some renames that can be done. */
  #found(root: string, renames: readonly Rename[]): readonly Rename[] {
    const { files } = this.#options
    return renames.filter(([from]) => lookAt(files, join(root, from)) !== null)
  }

  /** Lists what there is. */
  async #list(): Promise<Found> {
    const { files, root, gateway, breathe } = this.#options
    const found = await findOwnFiles({ files, root, gateway, known: this.#files, breathe })
    this.#tidying.list(found)
    for (const [path, thrown] of found.unlisted) {
      if (!this.#unlisted.includes(path)) this.#onFault(path, thrown)
    }
    this.#unlisted = [...found.unlisted.keys()]
    const numbers = found.files.map(({ number }) => number + 1)
    const { nextNumber } = this.#writer
    this.#writer.nextNumber = numbers.reduce((a, b) => Math.max(a, b), nextNumber)
    return found
  }

  /** Looks again what there is, and for what was not to be found. */
  async #search(monotonicMs: number): Promise<void> {
    this.#listedAtMs = monotonicMs
    await this.#list()
    const renames = this.#found(this.#options.root, this.#lost)
    if (renames.length === 0) return
    const intent = { renames, deletes: [] }
    const undone = await this.#publish(intent, this.#options.root)
    this.#lost = this.#lost.filter((rename) => !renames.includes(rename))
    this.#take(intent, undone)
  }

  /** Where not all numbers are known none may be taken twice: they go on by time. */
  #countOn(nowMs: number): void {
    if (this.#unlisted.length === 0) return
    this.#writer.nextNumber = Math.max(this.#writer.nextNumber, Math.floor(nowMs))
  }

  async #writeAll(accounts: AccountTexts, nowMs: number, written: Rename[]): Promise<void> {
    const { files, root, breathe } = this.#options
    ensureRoot(files, root)
    for (const { folder, table } of this.#tables.filled) {
      this.#writer.writeTable(folder, table, written)
      await breathe?.()
    }
    if (this.#gaps.rows > 0) {
      this.#writer.writeTable(gapsFolder(hourOf(nowMs)), this.#gaps, written)
    }
    for (const [producer, text] of accounts) {
      if (text === null) continue
      this.#writer.writeAccount(producer, text, written)
      await breathe?.()
    }
    // The names too, before anybody says that the files are to be renamed.
    for (const folder of new Set(written.map(([from]) => dirname(from)))) {
      syncFolder(files, join(root, folder))
      await breathe?.()
    }
  }
}
