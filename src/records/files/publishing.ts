/**
 * Doing what an intent says, so that it can be done again from any point: what is renamed already
 * is where it belongs, and what is deleted is not there.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { Intent } from '../shipping/sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'

/** Syncs folders that are there. */
const syncFolders = (files: FileCalls, root: string, folders: ReadonlySet<string>): void => {
  for (const folder of folders) {
    if (files.stat(join(root, folder)) !== null) syncFolder(files, join(root, folder))
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
  return missing
}

/** The same where it was to be done, and in `to` for files that were moved along since. */
export const publishMoved = (
  files: FileCalls,
  from: string,
  to: string,
  intent: Intent,
): string[] => {
  const missing = publishIntent(files, from, intent)
  if (to === from || missing.length === 0) return missing
  const renames = intent.renames.filter(([, path]) => missing.includes(path))
  // Accounts are of one folder each.
  const deletes = intent.deletes.filter((path) => !path.startsWith(PRODUCERS_FOLDER))
  return publishIntent(files, to, { renames, deletes })
}
