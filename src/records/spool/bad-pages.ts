/** Reading around what a disk cannot give back any more. */

import { errnoOf, type ReadCalls } from './file-calls.ts'

/** The kernel reads no less. */
const PAGE_BYTES = 4096

/** Codes of a disk that has lost something, and of a file system whose checksum says so. */
const LOSSES: readonly string[] = ['EIO', 'EBADMSG', 'ENODATA']

/** Whether this is what a disk says that has lost something, or is away. */
export const isOfMedium = (errno: string): boolean => LOSSES.includes(errno)

/** File calls for one file, of which the pages that cannot be read are zeros. */
export class AroundBadPages implements ReadCalls {
  readonly #files: ReadCalls
  /** Where they begin: each is asked for once, which may take a disk seconds. */
  readonly #bad = new Set<number>()

  constructor(files: ReadCalls) {
    this.#files = files
  }

  /** Of pages that could not be read. */
  get lostBytes(): number {
    return this.#bad.size * PAGE_BYTES
  }

  open(path: string, flags: string): number {
    return this.#files.open(path, flags)
  }

  close(file: number): void {
    this.#files.close(file)
  }

  stat(path: string): ReturnType<ReadCalls['stat']> {
    return this.#files.stat(path)
  }

  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const page = position - (position % PAGE_BYTES)
    const inPage = Math.min(length, page + PAGE_BYTES - position)
    for (const count of this.#bad.has(page) ? [] : [length, inPage]) {
      try {
        return this.#files.read(file, bytes, offset, count, position)
      } catch (error) {
        if (!isOfMedium(errnoOf(error))) throw error
      }
    }
    this.#bad.add(page)
    bytes.fill(0, offset, offset + inPage)
    return inPage
  }
}
