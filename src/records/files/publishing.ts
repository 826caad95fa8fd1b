/**
 * Doing what an intent says, so that it can be done again from any point: what is renamed already
 * is where it belongs, and what is deleted is not there.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { Intent } from '../shipping/sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { hourOfFolder, PRODUCERS_FOLDER } from './partitions.ts'

/** Syncs folders that are there. */
const syncFolders = (files: FileCalls, root: string, folders: ReadonlySet<string>): void => {
  for (const folder of folders) {
    if (files.stat(join(root, folder)) !== null) syncFolder(files, join(root, folder))
  }
}

/** Takes folders of hours in which nothing is left, and those above them. */
const removeEmpty = (files: FileCalls, root: string, folders: ReadonlySet<string>): void => {
  for (const folder of folders) {
    if (hourOfFolder(`/${folder}`) === null) continue
    try {
      for (let path = folder; path !== '.'; path = dirname(path)) files.rmdir(join(root, path))
    } catch (error) {
      // There is something in it, or it stays as it is.
      if (errnoOf(error) === '') throw error
    }
  }
}

/**
 * Renames, then deletes: in between a reader may find a row twice, in a file and in the one that
 * takes its place; it is never missing.
 *
 * @returns paths of files that are not there under either name: somebody has deleted them since
 *   they were written, for they were on the disk before the intent was
 * @throws the error of the file system; then it is to be done again
 */
export const publishIntent = (files: FileCalls, root: string, intent: Intent): string[] => {
  const changed = new Set<string>()
  const missing: string[] = []
  for (const [from, to] of intent.renames) {
    changed.add(dirname(to))
    try {
      files.rename(join(root, from), join(root, to))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      if (files.stat(join(root, to)) === null) missing.push(to)
    }
  }
  syncFolders(files, root, changed)
  const emptied = new Set<string>()
  for (const path of intent.deletes) {
    try {
      files.unlink(join(root, path))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    emptied.add(dirname(path))
  }
  syncFolders(files, root, emptied)
  removeEmpty(files, root, emptied)
  return missing
}

/** Where an intent is to be published. */
export interface Move {
  /** Where it was to be done. */
  readonly from: string
  /** Where records go now. */
  readonly to: string
  /** For people: it cannot be done in `from`. */
  onFault(path: string, thrown: unknown): void
}

const UNPUBLISHED = 'what was shipped last may not be published there'

/** null: it cannot be done there. */
const publishBefore = (
  files: FileCalls,
  { from, onFault }: Move,
  intent: Intent,
): string[] | null => {
  try {
    return publishIntent(files, from, intent)
  } catch (error) {
    if (errnoOf(error) === '') throw error
    onFault(from, new Error(`${UNPUBLISHED}: ${(error as Error).message}`))
    return null
  }
}

/**
 * The same where it was to be done, and in `to` for files that were moved along since. A disk that
 * was left because it fails keeps nothing from going on.
 */
export const publishMoved = (files: FileCalls, move: Move, intent: Intent): string[] => {
  const { from, to } = move
  if (from === to) return publishIntent(files, from, intent)
  const missing = publishBefore(files, move, intent)
  if (missing?.length === 0) return missing
  const renames = intent.renames.filter(([, path]) => missing?.includes(path) ?? true)
  // Accounts are of one folder each.
  const deletes = intent.deletes.filter((path) => !path.startsWith(PRODUCERS_FOLDER))
  const stillMissing = publishIntent(files, to, { renames, deletes })
  return missing === null ? [] : stillMissing
}
