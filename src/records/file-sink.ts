/**
 * Records as Parquet files under `records.path`, for DuckDB and everybody else who reads them.
 *
 * What readers are promised: a file that bears its name is whole and never changes. After a crash
 * at any point the records of a flush are all there or come again from the spool; none is in two
 * files, but while a closed hour is written anew as one file, until the files that it replaces are
 * unlinked: who counts then must count by (prediction_id, role, row).
 *
 * Several gateways may share a folder: their files have other names, and nobody touches another's.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../shared/atomic-file.ts'
import { CONTENTS_KEY, contentsOf, gapContentsOf } from './files/contents.ts'
import { findOwnFiles, type OwnFile, ownFile } from './files/own-files.ts'
import { fileName, gapsFolder, hourOf, PRODUCERS_FOLDER, UNFINISHED } from './files/partitions.ts'
import { publishIntent } from './files/publishing.ts'
import { RecordTables } from './files/record-tables.ts'
import { ensureFolders, ensureRoot, unlinkQuietly, writeUnfinished } from './files/unfinished.ts'
import { parquetFile } from './parquet-file.ts'
import type {
  AccountTexts,
  Held,
  Intent,
  Prepared,
  ProducerGap,
  ShipBatch,
  Sink,
  SinkState,
} from './shipping/sink.ts'
import type { FileCalls } from './spool/file-calls.ts'
import type { ColumnSpec } from './table/column.ts'
import { Table } from './table/table.ts'

export interface FileSinkOptions {
  readonly files: FileCalls
  /** `records.path` */
  readonly root: string
  /** Names its files. */
  readonly gateway: string
}

const GAP_SPECS: readonly ColumnSpec[] = [
  { name: 'producer', type: 'text', isRequired: true },
  { name: 'first', type: 'int64', isRequired: true },
  { name: 'last', type: 'int64', isRequired: true },
  { name: 'reason', type: 'text', isRequired: true },
]

const NOTHING: Intent = { renames: [], deletes: [] }

const accountPath = (producer: string): string => `${PRODUCERS_FOLDER}/${producer}.json`

export class FileSink implements Sink {
  readonly name = 'files'
  readonly #options: FileSinkOptions
  readonly #tables = new RecordTables()
  readonly #gaps = new Table(GAP_SPECS)
  /** By path. */
  readonly #files = new Map<string, OwnFile>()
  #nextNumber = 1

  constructor(options: FileSinkOptions) {
    this.#options = options
  }

  get held(): Held {
    const { rows, bytes } = this.#tables.held
    return { rows: rows + this.#gaps.rows, bytes: bytes + this.#gaps.usedBytes }
  }

  open(state: SinkState | null, intent: Intent | null): void {
    const { files, root, gateway } = this.#options
    ensureRoot(files, root)
    if (intent !== null) publishIntent(files, root, intent)
    const found = findOwnFiles(files, root, gateway)
    for (const path of found.unfinished) files.unlink(join(root, path))
    for (const file of found.files) this.#files.set(file.path, file)
    const numbers = found.files.map(({ number }) => number + 1)
    const last = Number(state?.['nextNumber'] ?? 1)
    // A state that is older than the files, or none: their names are taken all the same.
    this.#nextNumber = numbers.reduce((next, number) => Math.max(next, number), last)
  }

  write(batch: ShipBatch): readonly number[] {
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

  prepare(accounts: AccountTexts, nowMs: number): Prepared {
    const written: string[] = []
    const number = this.#nextNumber
    try {
      this.#writeAll(accounts, nowMs, written)
    } catch (error) {
      this.#takeBack(written)
      // The same names another time: what cannot be removed now is written over.
      this.#nextNumber = number
      throw error
    }
    this.#tables.clear()
    this.#gaps.clear()
    const renames = written.map((path) => [path + UNFINISHED, path] as const)
    const intent = { ...NOTHING, renames }
    return { intent, state: { nextNumber: this.#nextNumber } }
  }

  publish(intent: Intent): void {
    const { files, root, gateway } = this.#options
    publishIntent(files, root, intent)
    for (const [, path] of intent.renames) {
      const file = ownFile(files, root, gateway, path)
      if (file !== null) this.#files.set(path, file)
    }
    for (const path of intent.deletes) this.#files.delete(path)
  }

  #writeAll(accounts: AccountTexts, nowMs: number, written: string[]): void {
    const { files, root } = this.#options
    for (const { folder, table } of this.#tables.filled) {
      const facts = { [CONTENTS_KEY]: JSON.stringify(contentsOf(table)) }
      this.#writeTable(folder, parquetFile(table, facts), written)
    }
    if (this.#gaps.rows > 0) {
      const facts = { [CONTENTS_KEY]: JSON.stringify(gapContentsOf(this.#gaps)) }
      this.#writeTable(gapsFolder(hourOf(nowMs)), parquetFile(this.#gaps, facts), written)
    }
    for (const [producer, text] of accounts) {
      this.#writeFile(accountPath(producer), new TextEncoder().encode(text), written)
    }
    // The names too, before anybody says that the files are to be renamed.
    for (const folder of new Set(written.map((path) => dirname(path)))) {
      syncFolder(files, join(root, folder))
    }
  }

  #writeTable(folder: string, bytes: Uint8Array, written: string[]): void {
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
