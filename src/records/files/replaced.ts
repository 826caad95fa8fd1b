/**
 * Which of a gateway's files others of their folder replace: a file that is whole names them. They
 * are to be deleted, and until that is possible nobody reads, counts or merges them.
 */

import { join } from 'node:path'
import { withRecordsFile } from '../file-source.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { replacedBy } from './contents.ts'
import { SMALL_BYTES_MAX } from './merging.ts'
import type { OwnFile } from './own-files.ts'

/** What is asked of a file to know whether it may name others. */
export type Sized = Pick<OwnFile, 'number' | 'bytes'>

/** Files of one gateway and folder that may name others: none but small ones are ever replaced. */
export const mayReplace = <File extends Sized>(files: readonly File[]): readonly File[] => {
  const small = files.filter(({ bytes }) => bytes < SMALL_BYTES_MAX)
  const first = small.reduce((least, { number }) => Math.min(least, number), Infinity)
  return files.filter(({ number }) => number > first)
}

export interface ReplacedOptions {
  readonly files: FileCalls
  readonly root: string
  /** For people: a file cannot be read. */
  onFault(path: string, thrown: unknown): void
  /** Called between files. */
  readonly breathe?: (() => Promise<void>) | undefined
}

/** What a look into a folder has come to. */
interface Looked {
  readonly count: number
  readonly unread: readonly OwnFile[]
}

export class Replaced {
  readonly #options: ReplacedOptions
  /** Folders of which that is known. */
  readonly #looked = new Set<string>()
  /** Paths. */
  readonly #paths = new Set<string>()
  /** Folders in which they are. */
  #folders: ReadonlySet<string> | null = null

  constructor(options: ReplacedOptions) {
    this.#options = options
  }

  get paths(): ReadonlySet<string> {
    return this.#paths
  }

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  add(path: string): void {
    this.#paths.add(path)
    this.#folders = null
  }

  /** It is there no more. */
  forget(path: string): void {
    if (this.#paths.delete(path)) this.#folders = null
  }

  /** Whether it is known of a folder what is replaced there, and all that was is gone. */
  isSettled(folder: string): boolean {
    this.#folders ??= new Set(
      Array.from(this.#paths, (path) => path.slice(0, path.lastIndexOf('/'))),
    )
    return this.#looked.has(folder) && !this.#folders.has(folder)
  }

  /** A file has come into it or gone from it: what is replaced there is to be asked again. */
  unlook(folder: string): void {
    if (!this.#looked.delete(folder)) return
    for (const path of this.#paths) if (path.startsWith(`${folder}/`)) this.forget(path)
  }

  /**
   * Looks into a folder that nobody has looked into since it was listed.
   *
   * @returns files that were read, and those that could not be
   */
  async look(folder: string, own: readonly OwnFile[]): Promise<Looked> {
    if (this.#looked.has(folder)) return { count: 0, unread: [] }
    this.#looked.add(folder)
    const there = new Set(own.map(({ path }) => path))
    const unread: OwnFile[] = []
    const asked = mayReplace(own)
    for (const file of asked) {
      const names = await this.#namesOf(file)
      if (names === null) unread.push(file)
      for (const name of names ?? []) {
        const path = `${folder}/${name}`
        if (there.has(path)) this.add(path)
      }
      await this.#options.breathe?.()
    }
    return { count: asked.length, unread }
  }

  /** Forgets what it knows of folders that are no more. */
  keep(folders: ReadonlyMap<string, unknown>): void {
    for (const folder of this.#looked) if (!folders.has(folder)) this.#looked.delete(folder)
  }

  /** null: that cannot be read. */
  async #namesOf({ path }: OwnFile): Promise<readonly string[] | null> {
    const { files, root, onFault } = this.#options
    try {
      return await withRecordsFile(files, join(root, path), ({ facts }) => replacedBy(facts))
    } catch (thrown) {
      onFault(path, thrown)
      return null
    }
  }
}
