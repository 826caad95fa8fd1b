/**
 * Whether the folder of the spool is the one that was shipped from. One that is on a disk which is
 * mounted late, or was moved away for a while, looks like one in which nothing is left: what is in
 * it would be called lost, and be too late when it comes back. So there is a file in it, its mark,
 * whose name the state of the shipper knows. While it is away nothing is concluded; what lies in
 * its place is shipped like other.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import type { Stream } from './spool-folder.ts'

/** What lies in the folder at one moment. */
export interface SpoolListing {
  /** One, unless it could not be written, or somebody has put two spools into one. */
  readonly marks: readonly string[]
  readonly streams: readonly Stream[]
}

/** Whoever moves or mounts it has done so by then. */
export const AWAY_MS_MAX = 600_000

/** The marks of a folder in which these names are; one that has none gets one, if it can. */
export const marksOf = (files: FileCalls, folder: string, names: readonly string[]): string[] => {
  const found = names.filter((name) => /^home-[0-9a-f]+$/.test(name))
  if (found.length > 0) return found
  const name = `home-${randomBytes(8).toString('hex')}`
  try {
    files.close(files.open(join(folder, name), 'wx', 0o600))
    syncFolder(files, folder)
  } catch (thrown) {
    if (errnoOf(thrown) === '') throw thrown
    return []
  }
  return [name]
}

export interface SpoolHomeOptions {
  readonly folder: string
  /** Monotonic milliseconds. */
  monotonic(): number
  onFault(where: string, detail: string): void
}

export class SpoolHome {
  readonly #options: SpoolHomeOptions
  /** Empty: one without a mark; undefined: none is known. */
  #mark: string | undefined
  /** Monotonic ms; null: it is there. */
  #awaySinceMs: number | null = null

  /** `mark`: as the state knows it; undefined: none yet. */
  constructor(options: SpoolHomeOptions, mark?: string) {
    this.#options = options
    this.#mark = mark
  }

  get mark(): string | undefined {
    return this.#mark
  }

  /** Whether another folder was in its place when it was looked for last. */
  get isAway(): boolean {
    return this.#awaySinceMs !== null
  }

  /**
   * Looks whether it is there. One that does not come back is given up: the other one is ours then.
   *
   * @param isMissed whether something is not there that is known to be in it: a mark alone can be
   * deleted by anybody who sees an empty file
   */
  look(marks: readonly string[], isMissed: () => boolean): void {
    const isMarked = this.#mark === '' ? marks.length === 0 : marks.includes(this.#mark ?? '')
    // What was met since it is away tells nothing of it.
    const mayBeUnmarked = !this.isAway || this.#mark === undefined
    if (isMarked || (mayBeUnmarked && !isMissed())) {
      if (!isMarked) this.#mark = marks[0]
      this.#awaySinceMs = null
      return
    }
    const { monotonic, onFault, folder } = this.#options
    if (this.#awaySinceMs === null) {
      this.#awaySinceMs = monotonic()
      const told = `for ${AWAY_MS_MAX / 60_000} minutes nothing of that counts as lost`
      onFault(folder, `the spool is not what was here before: ${told}`)
    }
    if (monotonic() - this.#awaySinceMs < AWAY_MS_MAX) return
    this.#awaySinceMs = null
    this.#mark = marks[0] ?? ''
    onFault(folder, 'what was in the spool before, and is not shipped, counts as lost')
  }
}
