/** One segment as its writer has it: appends whole frames, or cuts off what is not whole. */

import { dirname } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { errnoOf, type FileCalls } from './file-calls.ts'
import type { FrameStage } from './frame-stage.ts'
import { closeQuietly, uninterrupted, writeWhole } from './whole-writes.ts'

/** What became of staged frames. */
export interface Appended {
  /** Staged bytes that are in the file: whole frames. */
  readonly bytes: number
  /** What went wrong, or null: all are in. */
  readonly error: unknown
}

/** Whether there was no room, so that it may go on in the same file later. */
export const isWithoutRoom = (error: unknown): boolean => /^(ENOSPC|EDQUOT)$/.test(errnoOf(error))

export class SegmentWriter {
  readonly path: string
  readonly #files: FileCalls
  readonly #file: number
  #bytes = 0
  #isBroken = false
  #isNameSynced = false

  /**
   * Creates the file, 0600.
   *
   * @throws the error of the file system; EEXIST when there is one
   */
  constructor(files: FileCalls, path: string) {
    this.path = path
    this.#files = files
    this.#file = uninterrupted(() => files.open(path, 'wx', 0o600))
  }

  /** In whole frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** It takes nothing more: what comes now belongs into another one. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Writes what is staged. What is said to be in the file stays there, whatever the error. */
  append({ bytes, length, ends }: FrameStage): Appended {
    const { bytes: written, error } = writeWhole(
      this.#files,
      this.#file,
      bytes,
      length,
      this.#bytes,
    )
    const whole = ends.findLast((end) => end <= written) ?? 0
    this.#bytes += whole
    if (error !== null && !isWithoutRoom(error)) this.#isBroken = true
    if (written > whole) this.#cut()
    return { bytes: whole, error }
  }

  /**
   * Makes all that is in the file survive a power failure. Never to be called again after it has
   * thrown: the kernel may have forgotten what it could not write, and say that all is well.
   *
   * @throws the error of the file system
   */
  sync(): void {
    try {
      this.#files.fsync(this.#file)
      if (this.#isNameSynced) return
      syncFolder(this.#files, dirname(this.path))
      this.#isNameSynced = true
    } catch (error) {
      this.#isBroken = true
      throw error
    }
  }

  /** Nothing more comes. */
  close(): void {
    this.#isBroken = true
    closeQuietly(this.#files, this.#file)
  }

  /** Behind half a frame nothing can be read. */
  #cut(): void {
    try {
      uninterrupted(() => this.#files.ftruncate(this.#file, this.#bytes))
    } catch {
      this.#isBroken = true
    }
  }
}
