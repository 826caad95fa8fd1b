/** Reading around what a disk cannot give back any more. */

import { errnoOf, type ReadCalls } from './file-calls.ts'

/** The kernel reads no less. */
const PAGE_BYTES = 4096

/** Codes of a disk that has lost something, and of a file system whose checksum says so. */
const LOSSES: readonly string[] = ['EIO', 'EBADMSG', 'ENODATA']

/** A disk tries for seconds until it says that it has lost a page; others wait meanwhile. */
const ASK_MS_MAX = 10_000

/** Whether this is what a disk says that has lost something, or is away. */
export const isOfMedium = (errno: string): boolean => LOSSES.includes(errno)

/**
 * File calls for one file, of which the pages that cannot be read are zeros. Where finding them
 * takes long it is tired, and throws EAGAIN from then on: another one that knows the pages goes on.
 */
export class AroundBadPages implements ReadCalls {
  readonly #files: ReadCalls
  readonly #monotonic: () => number
  /** Where they begin: each is asked for once. */
  readonly #bad: Set<number>
  #askedMs = 0

  /** @param known where pages begin that could not be read */
  constructor(files: ReadCalls, monotonic: () => number, known: readonly number[] = []) {
    this.#files = files
    this.#monotonic = monotonic
    this.#bad = new Set(known)
  }

  /** Where pages begin that could not be read. */
  get badPages(): readonly number[] {
    return [...this.#bad]
  }

  /** Of pages that could not be read. */
  get lostBytes(): number {
    return this.#bad.size * PAGE_BYTES
  }

  /** Whether it gives nothing more, as it has taken long. */
  get isTired(): boolean {
    return this.#askedMs >= ASK_MS_MAX
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

  /** Page by page: one of which more is wanted may be refused for any page of it. */
  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const page = position - (position % PAGE_BYTES)
    const inPage = Math.min(length, page + PAGE_BYTES - position)
    if (!this.#bad.has(page)) {
      const sinceMs = this.#monotonic()
      try {
        if (!this.isTired) return this.#files.read(file, bytes, offset, inPage, position)
      } catch (error) {
        if (!isOfMedium(errnoOf(error))) throw error
        this.#askedMs += this.#monotonic() - sinceMs
        this.#bad.add(page)
      }
    }
    if (this.isTired) throw Object.assign(new Error('A disk takes long'), { code: 'EAGAIN' })
    bytes.fill(0, offset, offset + inPage)
    return inPage
  }
}
