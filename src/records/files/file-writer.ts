/** Writes the files of one gateway, each beside its place, until an intent says to rename it. */

import { dirname, join } from 'node:path'
import { parquetFile } from '../parquet-file.ts'
import type { Rename } from '../shipping/sink.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import type { Table } from '../table/table.ts'
import { accountPath } from './account-files.ts'
import { CONTENTS_KEY, contentsOf, gapContentsOf } from './contents.ts'
import { fileName, GAPS_FOLDER, UNFINISHED } from './partitions.ts'
import { ensureFolders, unlinkQuietly, writeUnfinished } from './unfinished.ts'

/** Key-value metadata of a file. */
type FileFacts = Readonly<Record<string, string>>

export interface FileWriterOptions {
  readonly files: FileCalls
  readonly root: string
  /** Names its files. */
  readonly gateway: string
}

export class FileWriter {
  readonly #options: FileWriterOptions
  /** Of the next Parquet file. */
  nextNumber = 1
  /** Of the next intent. */
  intentNumber = 1

  constructor(options: FileWriterOptions) {
    this.#options = options
  }

  /**
   * Writes a table as a file of a folder, and adds to `written` what is to become of it.
   *
   * @throws the error of the file system
   */
  writeTable(folder: string, table: Table, written: Rename[], facts: FileFacts = {}): void {
    const contents = folder.startsWith(GAPS_FOLDER) ? gapContentsOf(table) : contentsOf(table)
    const bytes = parquetFile(table, { [CONTENTS_KEY]: JSON.stringify(contents), ...facts })
    const name = fileName(this.#options.gateway, this.nextNumber++)
    const path = `${folder}/${name}`
    this.#write([path + UNFINISHED, path], bytes, written)
  }

  /**
   * The same with an account, which has one path for ever: what is half-written of it has a name of
   * its intent alone, lest an earlier one that is done again takes it for its own.
   */
  writeAccount(producer: string, text: string, written: Rename[]): void {
    const path = accountPath(producer)
    const from = `${path}.${this.intentNumber}${UNFINISHED}`
    this.#write([from, path], new TextEncoder().encode(text), written)
  }

  #write(rename: Rename, bytes: Uint8Array, written: Rename[]): void {
    const { files, root } = this.#options
    const [from] = rename
    ensureFolders(files, root, dirname(from))
    writeUnfinished(files, join(root, from), bytes)
    written.push(rename)
  }

  /** Removes what is not to be renamed after all, as far as that is possible. */
  takeBack(written: readonly Rename[]): void {
    const { files, root } = this.#options
    for (const [from] of written) unlinkQuietly(files, join(root, from))
  }
}
