/**
 * Records as Parquet files under `records.path`, for DuckDB and everybody else who reads them.
 *
 * What readers are promised: a file that bears its name is whole and never changes. After a crash
 * at any point the records of a flush are all there or come again from the spool; none is in two
 * files, but while several of an hour are written anew as one, until those that it replaces are
 * unlinked. The new one names them (REPLACES_KEY), and whoever sees it does not need them; who does
 * not look there must count by (prediction_id, role, row).
 *
 * Several gateways may share a folder: their files have other names, and nobody touches another's,
 * be it to delete what is old: each keeps its own within its own bounds.
 */

import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../shared/atomic-file.ts'
import { accountPath } from './files/account-files.ts'
import { CONTENTS_KEY, contentsOf, gapContentsOf, REPLACES_KEY } from './files/contents.ts'
import { type Merged, Merger } from './files/merging.ts'
import { findOwnFiles, type OwnFile, ownFile } from './files/own-files.ts'
import { fileName, GAPS_FOLDER, gapsFolder, hourOf, UNFINISHED } from './files/partitions.ts'
import { publishMoved, type Undone } from './files/publishing.ts'
import { RecordTables } from './files/record-tables.ts'
import { filesToRetire, type RetentionLimits } from './files/retention.ts'
import { countRetired } from './files/retired.ts'
import { ensureFolders, ensureRoot, unlinkQuietly, writeUnfinished } from './files/unfinished.ts'
import { parquetFile } from './parquet-file.ts'
import type { Retired } from './shipping/account.ts'
import type {
  AccountTexts,
  Held,
  Intent,
  Opened,
  Prepared,
  ProducerGap,
  ShipBatch,
  Sink,
  SinkState,
  TidyTimes,
  Unreadable,
} from './shipping/sink.ts'
import { errnoOf, type FileCalls } from './spool/file-calls.ts'
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

/** Key-value metadata of a file. */
type FileFacts = Readonly<Record<string, string>>

const renameOf = (path: string) => [path + UNFINISHED, path] as const

/** What an intent was about; `records.path` may have been another one then. */
const rootOf = (state: SinkState | null): string | null =>
  typeof state?.['root'] === 'string' ? state['root'] : null

const FOR_EVER: RetentionLimits = { bytesMax: 0, daysMax: 0 }

const NOTHING: Intent = { renames: [], deletes: [] }

/** Hours are long, and files many. */
const TIDY_MS = 30_000

/** Files that go at once because of their age. */
const RETIRED_MAX = 1000

export class FileSink implements Sink {
  readonly name = 'files'
  readonly #options: FileSinkOptions
  readonly #tables: RecordTables
  readonly #gaps = new Table(GAP_SPECS)
  /** By path. */
  readonly #files = new Map<string, OwnFile>()
  #nextNumber = 1
  /** Monotonic ms. */
  #tidyAtMs = 0
  /** What tidying up has left for the next intent. */
  #tidied: Intent = NOTHING
  /** What could not be deleted yet. */
  #left: readonly string[] = []
  readonly #merger: Merger

  constructor(options: FileSinkOptions) {
    this.#options = options
    const { files, root, onFault = () => {} } = options
    this.#merger = new Merger({ files, root, onFault })
    this.#tables = new RecordTables(onFault)
  }

  get held(): Held {
    const { rows, bytes } = this.#tables.held
    return { rows: rows + this.#gaps.rows, bytes: bytes + this.#gaps.usedBytes }
  }

  open(state: SinkState | null, intent: Intent | null): Opened {
    const { files, root, gateway } = this.#options
    ensureRoot(files, root)
    if (intent !== null) this.#publish(intent, rootOf(state) ?? root, root)
    const found = findOwnFiles(files, root, gateway)
    for (const path of found.unfinished) unlinkQuietly(files, join(root, path))
    for (const file of found.files) this.#files.set(file.path, file)
    const numbers = found.files.map(({ number }) => number + 1)
    const last = Number(state?.['nextNumber'] ?? 1)
    // A state that is older than the files, or none: their names are taken all the same.
    this.#nextNumber = numbers.reduce((next, number) => Math.max(next, number), last)
    return (rootOf(state) ?? root) === root ? 'same' : 'moved'
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
    return monotonicMs >= this.#tidyAtMs
  }

  get hasTidied(): boolean {
    return this.#tidied !== NOTHING || this.#left.length > 0
  }

  async tidy(times: TidyTimes): Promise<ReadonlyMap<string, Retired>> {
    this.#tidyAtMs = times.monotonicMs + TIDY_MS
    const retired = new Map<string, Retired>()
    await this.#retire(times.believedMs, retired)
    await this.#merge(times)
    return retired
  }

  async prepare(accounts: AccountTexts, nowMs: number): Promise<Prepared> {
    const { root } = this.#options
    const written: string[] = []
    const number = this.#nextNumber
    try {
      await this.#writeAll(accounts, nowMs, written)
    } catch (error) {
      this.#takeBack(written)
      // The same names another time: what cannot be removed now is written over.
      this.#nextNumber = number
      throw error
    }
    this.#tables.clear()
    this.#gaps.clear()
    const gone = [...accounts].filter(([, text]) => text === null)
    const { renames, deletes } = this.#tidied
    // An account that is written anew is to stay.
    const left = this.#left.filter((path) => !written.includes(path))
    const intent = {
      renames: [...renames, ...written.map(renameOf)],
      deletes: [...deletes, ...left, ...gone.map(([producer]) => accountPath(producer))],
    }
    // There may be more.
    if (deletes.length >= RETIRED_MAX) this.#tidyAtMs = 0
    this.#tidied = NOTHING
    return { intent, state: { nextNumber: this.#nextNumber, root } }
  }

  publish(intent: Intent): void {
    const { files, root, gateway } = this.#options
    const { kept, left } = this.#publish(intent, root)
    for (const [, path] of intent.renames) {
      const file = ownFile(files, root, gateway, path)
      if (file !== null) this.#files.set(path, file)
    }
    const there = new Set([...kept, ...left])
    for (const path of intent.deletes) {
      if (there.has(path)) continue
      this.#files.delete(path)
      this.#merger.forget(path)
    }
  }

  /** Where it was to be done, and for files that are not there any more where they may be now. */
  #publish(intent: Intent, from: string, to = from): Undone {
    const { files, onFault = () => {} } = this.#options
    const undone = publishMoved(files, { from, to, onFault }, intent)
    this.#left = undone.left
    return undone
  }

  /** Paths of what is to be deleted with the next intent. */
  get #givenUp(): ReadonlySet<string> {
    return new Set([...this.#tidied.deletes, ...this.#left])
  }

  /** As many as may go with one intent: each is looked into, and unlinking them takes a while. */
  async #retire(believedMs: number, retired: Map<string, Retired>): Promise<void> {
    const { files, root, retention = FOR_EVER, onFault = () => {}, breathe } = this.#options
    const { renames, deletes } = this.#tidied
    const givenUp = this.#givenUp
    const old: string[] = []
    for (const file of filesToRetire([...this.#files.values()], retention, believedMs)) {
      if (deletes.length + old.length >= RETIRED_MAX) break
      if (givenUp.has(file.path)) continue
      old.push(file.path)
      await countRetired({ files, root, onFault }, file, retired)
      await breathe?.()
    }
    if (old.length > 0) this.#tidied = { renames, deletes: [...deletes, ...old] }
  }

  /** Makes one file of some that are small, if there are such. */
  async #merge(times: TidyTimes): Promise<void> {
    const givenUp = this.#givenUp
    const kept = [...this.#files.values()].filter(({ path }) => !givenUp.has(path))
    const merged = await this.#merger.merge(kept, times)
    if (merged === null) return
    const written: string[] = []
    try {
      this.#replace(merged, written)
    } catch (thrown) {
      this.#takeBack(written)
      const { folder } = merged.files[0]!
      this.#options.onFault?.(folder, thrown)
      // What a disk says may pass, a fault of ours does not.
      if (errnoOf(thrown) === '') this.#merger.leaveAlone(merged.files)
      else this.#merger.refuse(folder, times.monotonicMs)
    }
  }

  #replace({ table, files: merged }: Merged, written: string[]): void {
    const { files, root } = this.#options
    const { folder } = merged[0]!
    const names = merged.map(({ path }) => basename(path))
    this.#writeTable(folder, table, written, { [REPLACES_KEY]: JSON.stringify(names) })
    syncFolder(files, join(root, folder))
    const { renames, deletes } = this.#tidied
    this.#tidied = {
      renames: [...renames, ...written.map(renameOf)],
      deletes: [...deletes, ...merged.map(({ path }) => path)],
    }
    this.#tidyAtMs = 0
  }

  async #writeAll(accounts: AccountTexts, nowMs: number, written: string[]): Promise<void> {
    const { files, root, breathe } = this.#options
    ensureRoot(files, root)
    for (const { folder, table } of this.#tables.filled) {
      this.#writeTable(folder, table, written)
      await breathe?.()
    }
    if (this.#gaps.rows > 0) this.#writeTable(gapsFolder(hourOf(nowMs)), this.#gaps, written)
    for (const [producer, text] of accounts) {
      if (text === null) continue
      this.#writeFile(accountPath(producer), new TextEncoder().encode(text), written)
      await breathe?.()
    }
    // The names too, before anybody says that the files are to be renamed.
    for (const folder of new Set(written.map((path) => dirname(path)))) {
      syncFolder(files, join(root, folder))
      await breathe?.()
    }
  }

  #writeTable(folder: string, table: Table, written: string[], facts: FileFacts = {}): void {
    const contents = folder.startsWith(GAPS_FOLDER) ? gapContentsOf(table) : contentsOf(table)
    const bytes = parquetFile(table, { [CONTENTS_KEY]: JSON.stringify(contents), ...facts })
    const name = fileName(this.#options.gateway, this.#nextNumber++)
    this.#writeFile(`${folder}/${name}`, bytes, written)
  }

  #writeFile(path: string, bytes: Uint8Array, written: string[]): void {
    const { files, root } = this.#options
    ensureFolders(files, root, dirname(path))
    writeUnfinished(files, join(root, path + UNFINISHED), bytes)
    written.push(path)
  }

  #takeBack(written: readonly string[]): void {
    const { files, root } = this.#options
    for (const path of written) unlinkQuietly(files, join(root, path + UNFINISHED))
  }
}
