/** Files that are held open, so that they can be read to their end whoever unlinks them. */

import { errnoOf, type FileCalls, type FileStat, type ReadCalls } from '../spool/file-calls.ts'
import { closeQuietly } from '../spool/whole-writes.ts'

/** A process may have so many open; others are opened when it is their turn. */
const HELD_MAX = 1000

export class HeldFiles implements ReadCalls {
  readonly #files: FileCalls
  readonly #open = new Map<string, number>()
  readonly #stats = new Map<string, FileStat>()

  constructor(files: FileCalls) {
    this.#files = files
  }

  /**
   * Holds these, or as many of the last of them as may be, and no others. One that cannot be opened
   * says so when it is its turn.
   *
   * @returns false: one is not there
   */
  hold(paths: readonly string[]): boolean {
    this.release()
    return paths.slice(-HELD_MAX).every((path) => this.#isThere(path))
  }

  #isThere(path: string): boolean {
    try {
      this.#open.set(path, this.#files.open(path, 'r'))
      const stat = this.#files.stat(path)
      if (stat !== null) this.#stats.set(path, stat)
      return stat !== null
    } catch (error) {
      if (errnoOf(error) === '') throw error
      return errnoOf(error) !== 'ENOENT'
    }
  }

  /** Closes what is still held. */
  release(): void {
    for (const file of this.#open.values()) closeQuietly(this.#files, file)
    this.#open.clear()
    this.#stats.clear()
  }

  /** It is the caller's from now on. */
  open(path: string, flags: string): number {
    const file = this.#open.get(path)
    this.#open.delete(path)
    return file ?? this.#files.open(path, flags)
  }

  stat(path: string): FileStat | null {
    return this.#stats.get(path) ?? this.#files.stat(path)
  }

  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    return this.#files.read(file, bytes, offset, length, position)
  }

  close(file: number): void {
    this.#files.close(file)
  }
}
