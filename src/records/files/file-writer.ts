/** Writes the files of one gateway, each beside its place, until an intent says to rename it. */

import { dirname, join } from 'node:path'
import { parquetFile } from '../parquet-file.ts'
import type { Rename } from '../shipping/sink.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import type { Table } from '../table/table.ts'
import { CONTENTS_KEY, contentsOf, gapContentsOf } from './contents.ts'
import { fileName, GAPS_FOLDER, UNFINISHED } from './partitions.ts'
import { ensureFolders, unlinkQuietly, writeUnfinished } from './unfinished.ts'

/** Key-value metadata of a file. */
type FileFacts = Readonly<Record<string, string>>

/** What is to become of a file that is written. */
export const renameOf = (path: string, replaced?: readonly string[]): Rename =>
  replaced === undefined ? [path + UNFINISHED, path] : [path + UNFINISHED, path, replaced]

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

  constructor(options: FileWriterOptions) {
    this.#options = options
  }

  /**
   * Writes a table as a file of a folder, and adds its path to `written`.
   *
   * @throws the error of the file system
   */
  writeTable(folder: string, table: Table, written: string[], facts: FileFacts = {}): void {
    const contents = folder.startsWith(GAPS_FOLDER) ? gapContentsOf(table) : contentsOf(table)
    const bytes = parquetFile(table, { [CONTENTS_KEY]: JSON.stringify(contents), ...facts })
    const name = fileName(this.#options.gateway, this.nextNumber++)
    this.writeFile(`${folder}/${name}`, bytes, written)
  }

  /** The same with bytes and the path of a file. */
  writeFile(path: string, bytes: Uint8Array, written: string[]): void {
    const { files, root } = this.#options
    ensureFolders(files, root, dirname(path))
    writeUnfinished(files, join(root, path + UNFINISHED), bytes)
    written.push(path)
  }

  /** Removes what is not to be renamed after all, as far as that is possible. */
  takeBack(written: readonly string[]): void {
    const { files, root } = this.#options
    for (const path of written) unlinkQuietly(files, join(root, path + UNFINISHED))
  }
}
