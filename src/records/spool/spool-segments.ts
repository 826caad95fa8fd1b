/** The segments of one spool thread: which one it writes to, and how that ends. */

import { basename, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { ProcessIdentity } from '../../shared/process-identity.ts'
import { errnoOf, type FileCalls } from './file-calls.ts'
import { FrameStage } from './frame-stage.ts'
import { FRAME, type SegmentHeader } from './segment-format.ts'
import { segmentName } from './segment-names.ts'
import { SegmentWriter } from './segment-writer.ts'
import type { FolderContent } from './spool-folder.ts'
import type { SpoolSettings } from './spool-messages.ts'

/** Names that others may have taken; nobody should. */
const TAKEN_NAMES_MAX = 100

export interface SegmentTerms {
  readonly files: FileCalls
  readonly settings: SpoolSettings
  readonly generation: number
  readonly process: ProcessIdentity
}

export class SpoolSegments {
  readonly #terms: SegmentTerms
  readonly #seal = new FrameStage()
  #current: SegmentWriter | null = null
  #number = 0
  #openedMs = 0
  /** Of the HEADER of the current one. */
  headerCheck = 0
  /** Ids whose LAYOUT the current one has. */
  readonly layouts = new Set<number>()
  /** Whether the current one has what is in no other and was promised. */
  isNeeded = false

  constructor(terms: SegmentTerms) {
    this.#terms = terms
  }

  get current(): SegmentWriter | null {
    return this.#current
  }

  /**
   * The current segment, or a new one. `nowMs`: monotonic, for its age.
   *
   * @throws the error of the file system
   */
  open(nowMs: number): SegmentWriter {
    if (this.#current !== null) return this.#current
    this.#current = this.#create()
    this.#openedMs = nowMs
    this.headerCheck = 0
    this.layouts.clear()
    this.isNeeded = false
    return this.#current
  }

  /** What the HEADER of the current segment says. `createdMs`: wall clock. */
  header(createdMs: number): SegmentHeader {
    const { generation, process } = this.#terms
    const { gateway, replica, incarnation } = this.#terms.settings
    return { gateway, replica, incarnation, generation, number: this.#number, process, createdMs }
  }

  /** Whether it is as large, or as old, as it may become. */
  isDone(nowMs: number): boolean {
    const { segmentBytesMax, segmentMsMax } = this.#terms.settings
    if (this.#current === null) return false
    if (this.#current.bytes >= segmentBytesMax) return true
    return this.isNeeded && nowMs - this.#openedMs >= segmentMsMax
  }

  /** Ends the current segment. Where not even a SEAL can be written, the next one says so. */
  seal(): void {
    const segment = this.#current
    if (segment === null) return
    if (!segment.isBroken && segment.bytes > 0) {
      this.#seal.reset(segment.bytes, this.headerCheck)
      this.#seal.begin(FRAME.SEAL)
      this.#seal.end()
      segment.append(this.#seal)
    }
    segment.close()
    this.#current = null
  }

  /**
   * Leaves the current segment as it is, and what is in it to whoever reads it; where all of that
   * will be written again, it is deleted, so that a disk that fails for ever is not filled.
   */
  giveUp(): void {
    const segment = this.#current
    if (segment === null) return
    segment.close()
    this.#current = null
    if (this.isNeeded) return
    try {
      this.#terms.files.unlink(segment.path)
    } catch {
      // it is found, and its records are known from elsewhere
    }
  }

  /** Whether others have deleted or cut off the current segment, given what the folder has. */
  isRobbed({ segments, unseen }: FolderContent): boolean {
    if (this.#current === null) return false
    const name = basename(this.#current.path)
    return !unseen.has(name) && (segments.get(name) ?? -1) < this.#current.bytes
  }

  #create(): SegmentWriter {
    const { files, settings, generation } = this.#terms
    const { folder, replica, incarnation } = settings
    for (let times = 0; ; times++) {
      const number = this.#number + 1
      const name = segmentName({ replica, incarnation, generation, number })
      try {
        const segment = new SegmentWriter(files, join(folder, name))
        this.#number = number
        return segment
      } catch (error) {
        const code = errnoOf(error)
        if (times >= TAKEN_NAMES_MAX || (code !== 'EEXIST' && code !== 'ENOENT')) throw error
        if (code === 'EEXIST') this.#number = number
        else this.#makeFolder()
      }
    }
  }

  #makeFolder(): void {
    const { files, settings } = this.#terms
    files.mkdir(settings.folder, 0o700)
    if (settings.durability === 'power') syncFolder(files, join(settings.folder, '..'))
  }
}
