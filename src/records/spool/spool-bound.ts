/** How many bytes the folder of the spool has, and whether it may have more. */

import { errnoOf, type FileCalls } from './file-calls.ts'
import { PatientLooks } from './patient-looks.ts'
import { contentOf, type FolderContent } from './spool-folder.ts'
import { SPOOL_FIGURE } from './spool-memory.ts'
import type { SpoolSettings } from './spool-messages.ts'

/** How often others' segments are counted, far from the bound and near it. */
const LOOK_MS = 1000
const LOOK_NEAR_MS = 100
/** Near: so many segments from it. */
const NEAR_SEGMENTS = 4

type Settings = Pick<SpoolSettings, 'folder' | 'bytesMax' | 'segmentBytesMax'>

export interface SpoolBoundOptions {
  readonly files: FileCalls
  readonly settings: Settings
  /** Of the spool's memory; those of the folder are written here. */
  readonly figures: Float64Array
  /** Monotonic milliseconds. */
  monotonic(): number
}

export class SpoolBound {
  readonly #files: FileCalls
  readonly #settings: Settings
  readonly #figures: Float64Array
  readonly #looks: PatientLooks
  #lookMs = -Infinity
  #bytes = 0
  /** The folder has been read. */
  #isKnown = false

  constructor({ files, settings, figures, monotonic }: SpoolBoundOptions) {
    this.#files = files
    this.#settings = settings
    this.#figures = figures
    this.#looks = new PatientLooks({ files, folder: settings.folder, monotonic })
  }

  /** Bytes that were written here since. */
  add(bytes: number): void {
    this.#bytes += bytes
    this.#figures[SPOOL_FIGURE.FOLDER_BYTES] = this.#bytes
  }

  /**
   * Whether `wanted` bytes are more than there may be. A folder without segments is never full:
   * there would be nothing to delete. `isLast`: nothing comes after them; one segment more is less
   * of a loss than what is in the rings.
   */
  isFull(wanted: number, isLast: boolean): boolean {
    const { bytesMax, segmentBytesMax } = this.#settings
    const most = isLast ? bytesMax + segmentBytesMax : bytesMax
    return this.#bytes > 0 && this.#bytes + wanted > most
  }

  /**
   * Counts anew, if it is time. Returns what the folder has, or null.
   *
   * @throws the error of the file system where nothing is known yet
   */
  look(nowMs: number): FolderContent | null {
    const { folder, bytesMax, segmentBytesMax } = this.#settings
    const isNear = this.#bytes > bytesMax - NEAR_SEGMENTS * segmentBytesMax
    if (nowMs - this.#lookMs < (isNear ? LOOK_NEAR_MS : LOOK_MS)) return null
    const content = this.#read(folder)
    this.#lookMs = nowMs
    if (content === null) return null
    this.#bytes = content.bytes
    this.#isKnown = true
    this.#figures[SPOOL_FIGURE.FOLDER_BYTES] = content.bytes
    this.#figures[SPOOL_FIGURE.FOLDER_SEGMENTS] = content.segments.size
    return content
  }

  /** null: it cannot be read now, and what was known stays. */
  #read(folder: string): FolderContent | null {
    try {
      return contentOf(this.#files.readdir(folder), this.#looks)
    } catch (error) {
      // Whoever writes makes the folder.
      if (errnoOf(error) === 'ENOENT') return { segments: new Map(), unseen: new Set(), bytes: 0 }
      if (this.#isKnown && errnoOf(error) !== '') return null
      throw error
    }
  }
}
