/**
 * Whether the folder of the spool is the one that was shipped from. One that is on a disk which is
 * mounted late, or was moved away for a while, looks like one in which nothing is left: what is in
 * it would be called lost, and be too late when it comes back. So there is a file in it, its mark,
 * whose name the state of the shipper knows.
 */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import type { Stream } from './spool-folder.ts'

/** What lies in the folder at one moment. */
export interface SpoolListing {
  /** One, unless it could not be written, or somebody has put two spools into one. */
  readonly marks: readonly string[]
  readonly streams: readonly Stream[]
}

/** Whoever moves or mounts it has done so by then. */
const AWAY_MS_MAX = 600_000

/** Those among the names in a folder. */
export const marksIn = (names: readonly string[]): string[] =>
  names.filter((name) => /^home-[0-9a-f]+$/.test(name))

/**
 * Marks a folder, which tells it from all others.
 *
 * @throws the error of the file system
 */
export const markFolder = (files: FileCalls, folder: string): string => {
  const name = `home-${randomBytes(8).toString('hex')}`
  files.close(files.open(join(folder, name), 'wx', 0o600))
  syncFolder(files, folder)
  return name
}

export interface SpoolHomeOptions {
  readonly folder: string
  /** Monotonic milliseconds. */
  monotonic(): number
  onFault(where: string, detail: string): void
}

export class SpoolHome {
  readonly #options: SpoolHomeOptions
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
   * `gone`, said once: it is waited for no longer, and the one that is there is ours.
   *
   * @param isMissed whether something is known of that may be in it
   */
  look(marks: readonly string[], isMissed = true): 'home' | 'away' | 'gone' {
    if (this.#mark === undefined || !isMissed) this.#mark = marks[0]
    if (this.#mark === undefined || marks.includes(this.#mark)) {
      this.#awaySinceMs = null
      return 'home'
    }
    const { monotonic, onFault, folder } = this.#options
    if (this.#awaySinceMs === null) {
      this.#awaySinceMs = monotonic()
      const told = 'is not what was here before; nothing is shipped until that is back'
      onFault(folder, `the spool ${told}, or for ${AWAY_MS_MAX / 60_000} minutes`)
    }
    if (monotonic() - this.#awaySinceMs < AWAY_MS_MAX) return 'away'
    this.#awaySinceMs = null
    this.#mark = marks[0]
    onFault(folder, 'what was in the spool before, and is not shipped, counts as lost')
    return 'gone'
  }
}
