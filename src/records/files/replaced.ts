/**
 * Which of a gateway's files others of their folder replace: a file that is whole names them. They
 * are to be deleted, and until that is possible nobody reads, counts or merges them.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { withRecordsFile } from '../file-source.ts'
import { errnoOf } from '../spool/file-calls.ts'
import { replacedBy } from './contents.ts'
import { SMALL_BYTES_MAX } from './merging.ts'
import type { OwnFile } from './own-files.ts'
import { deleteAll, type PublishWorld } from './publishing.ts'
import type { RestingFolders } from './resting-folders.ts'

/** What is asked of a file to know whether it may name others. */
export type Sized = Pick<OwnFile, 'number' | 'bytes'>

/** Files of one gateway and folder that may name others: none but small ones are ever replaced. */
export const mayReplace = <File extends Sized>(files: readonly File[]): readonly File[] => {
  const small = files.filter(({ bytes }) => bytes < SMALL_BYTES_MAX)
  const first = small.reduce((least, { number }) => Math.min(least, number), Infinity)
  return files.filter(({ number }) => number > first)
}

/** Files that are looked into at once, and that go at once. */
const FILES_MAX = 1000

export interface ReplacedOptions extends PublishWorld {
  readonly root: string
}

/** What a look into a folder has come to. */
interface Looked {
  /** Files that were asked. */
  readonly count: number
  /** Whether each of them has said which others it replaces. */
  readonly isAll: boolean
}

export class Replaced {
  readonly #options: ReplacedOptions
  /** Folders of which that is known. */
  readonly #looked = new Set<string>()
  /** Paths. */
  readonly #paths = new Set<string>()
  /** Folders in which they are. */
  #folders: ReadonlySet<string> | null = null
  /** Whether there are folders that nobody has looked into. */
  isLooking = false

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

  /** Looks into a folder that nobody has looked into since it was listed. */
  async look(folder: string, own: readonly OwnFile[]): Promise<Looked> {
    if (this.#looked.has(folder)) return { count: 0, isAll: true }
    this.#looked.add(folder)
    const there = new Set(own.map(({ path }) => path))
    let isAll = true
    const asked = mayReplace(own)
    for (const file of asked) {
      const names = await this.#namesOf(file)
      isAll = names !== null
      // A refusal may take seconds, and all are asked again with it another time.
      if (names === null) break
      for (const name of names) {
        const path = `${folder}/${name}`
        if (there.has(path)) this.add(path)
      }
      await this.#options.breathe?.()
    }
    return { count: asked.length, isAll }
  }

  /**
   * Looks into folders that nobody has looked into yet, as many as may be at once.
   *
   * @returns those in which the disk does not give something now: it may name others; they are left
   * alone as the `refused` are, and looked into again after that
   */
  async lookIn(
    folders: ReadonlyMap<string, readonly OwnFile[]>,
    refused: RestingFolders,
    monotonicMs: number,
  ): Promise<ReadonlySet<string>> {
    for (const folder of this.#looked) if (!folders.has(folder)) this.#looked.delete(folder)
    const unread = new Set<string>()
    let files = 0
    this.isLooking = false
    for (const [folder, own] of folders) {
      this.isLooking = files >= FILES_MAX
      if (this.isLooking) break
      if (refused.has(folder)) continue
      const { count, isAll } = await this.look(folder, own)
      files += count
      if (isAll) continue
      unread.add(folder)
      this.unlook(folder)
      refused.add(folder, monotonicMs)
    }
    return unread
  }

  /**
   * Deletes them, as many as may go at once; whoever names them is there, so it may be done at any
   * time.
   *
   * @returns those that are gone
   */
  async deleteAll(refused: RestingFolders, monotonicMs: number): Promise<readonly string[]> {
    const { files, root, onFault } = this.#options
    const wanted = [...this.#paths].filter((path) => !refused.has(dirname(path)))
    const deletes: string[] = []
    const groups = Map.groupBy(wanted.slice(0, FILES_MAX), (path) => dirname(path))
    for (const [folder, paths] of groups) {
      try {
        // The name of what replaces them has to outlive them.
        syncFolder(files, join(root, folder))
        deletes.push(...paths)
      } catch (thrown) {
        if (errnoOf(thrown) === '') throw thrown
        onFault(folder, thrown)
        refused.add(folder, monotonicMs)
      }
    }
    const left = new Set(await deleteAll(this.#options, root, deletes))
    for (const path of left) refused.add(dirname(path), monotonicMs)
    return deletes.filter((path) => !left.has(path))
  }

  /** null: the disk does not give it now. What is damaged names nobody: its rows are lost. */
  async #namesOf({ path }: OwnFile): Promise<readonly string[] | null> {
    const { files, root, onFault } = this.#options
    try {
      return await withRecordsFile(files, join(root, path), ({ facts }) => replacedBy(facts))
    } catch (thrown) {
      onFault(path, thrown)
      return /^(ENOENT)?$/.test(errnoOf(thrown)) ? [] : null
    }
  }
}
