/** What is given up with a file: it says so itself, so that deleting it costs no reading. */

import { join } from 'node:path'
import { withRecordsFile } from '../file-source.ts'
import type { Retired } from '../shipping/account.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { addRetired, CONTENTS_KEY } from './contents.ts'
import type { OwnFile } from './own-files.ts'
import { GAPS_FOLDER, HOUR_MS } from './partitions.ts'

export interface RetiredWorld {
  readonly files: FileCalls
  readonly root: string
  /** For people: a file does not say what is in it. */
  onFault(path: string, thrown: unknown): void
}

/**
 * Adds what is in a file, by producer, or takes it back (`sign` -1); one that does not say so, or
 * is not there, goes all the same.
 *
 * @returns those producers; null: the disk does not give it now
 */
export const countRetired = async (
  { files, root, onFault }: RetiredWorld,
  { path, folder }: OwnFile,
  into: Map<string, Retired>,
  sign: 1 | -1 = 1,
): Promise<readonly string[] | null> => {
  try {
    const facts = await withRecordsFile(files, join(root, path), (file) => file.facts)
    return addRetired(into, facts[CONTENTS_KEY] ?? '{}', folder.startsWith(GAPS_FOLDER), sign)
  } catch (thrown) {
    onFault(path, thrown)
    // `verify` will miss what was in one that is damaged.
    return /^(ENOENT)?$/.test(errnoOf(thrown)) ? [] : null
  }
}

/** A file that nobody can read for so long goes uncounted. */
const UNREAD_MS_MAX = 24 * HOUR_MS

/** Files that have had their time and cannot be read: what is in them is to be counted first. */
export class UnreadFiles {
  /** Monotonic ms, by path. */
  readonly #sinceMs = new Map<string, number>()

  /** Whether this may pass; false: it has been so for a day. */
  isNew(path: string, monotonicMs: number): boolean {
    const sinceMs = this.#sinceMs.get(path) ?? monotonicMs
    const isNew = monotonicMs < sinceMs + UNREAD_MS_MAX
    if (isNew) this.#sinceMs.set(path, sinceMs)
    else this.#sinceMs.delete(path)
    return isNew
  }
}
