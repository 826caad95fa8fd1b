/** How many bytes the folder of the spool has, and whether it may have more. */

import { errnoOf, type FileCalls } from './file-calls.ts'
import { readFolder } from './spool-folder.ts'
import { SPOOL_FIGURE } from './spool-memory.ts'
import type { SpoolSettings } from './spool-messages.ts'

/** How often others' segments are counted, far from the bound and near it. */
const LOOK_MS = 1000
const LOOK_NEAR_MS = 100
/** Near: so many segments from it. */
const NEAR_SEGMENTS = 4

type Settings = Pick<SpoolSettings, 'folder' | 'bytesMax' | 'segmentBytesMax'>

export class SpoolBound {
  readonly #files: FileCalls
  readonly #settings: Settings
  readonly #figures: Float64Array
  #lookMs = -Infinity
  #bytes = 0
  #isKnown = false

  /** `figures`: of the spool's memory; those of the folder are written here. */
  constructor(files: FileCalls, settings: Settings, figures: Float64Array) {
    this.#files = files
    this.#settings = settings
    this.#figures = figures
  }

  /** Bytes that were written here since. */
  add(bytes: number): void {
    this.#bytes += bytes
    this.#figures[SPOOL_FIGURE.FOLDER_BYTES] = this.#bytes
  }

  /**
   * Whether `wanted` bytes are more than there may be. A folder without segments is never full:
   * there would be nothing to delete.
   */
  isFull(wanted: number): boolean {
    return this.#bytes > 0 && this.#bytes + wanted > this.#settings.bytesMax
  }

  /**
   * Counts anew, if it is time. Returns the bytes of every segment by its name, or null.
   *
   * @throws the error of the file system where nothing is known yet
   */
  look(nowMs: number): ReadonlyMap<string, number> | null {
    const { folder, bytesMax, segmentBytesMax } = this.#settings
    const isNear = this.#bytes > bytesMax - NEAR_SEGMENTS * segmentBytesMax
    if (nowMs - this.#lookMs < (isNear ? LOOK_NEAR_MS : LOOK_MS)) return null
    this.#lookMs = nowMs
    try {
      const { segments, bytes } = readFolder(this.#files, folder)
      this.#bytes = bytes
      this.#isKnown = true
      this.#figures[SPOOL_FIGURE.FOLDER_BYTES] = bytes
      this.#figures[SPOOL_FIGURE.FOLDER_SEGMENTS] = segments.size
      return segments
    } catch (error) {
      const code = errnoOf(error)
      // Whoever writes makes the folder.
      if (code === 'ENOENT') this.#isKnown = true
      if (this.#isKnown && code !== '') return null
      this.#lookMs = -Infinity
      throw error
    }
  }
}
