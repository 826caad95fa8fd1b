/** Writing a file beside its place, whole and synced, under a name that nobody looks for. */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { writeWhole } from '../spool/whole-writes.ts'

/** Creates a folder where there is none; its parent has to be there. */
export const ensureFolder = (files: FileCalls, path: string): boolean => {
  if (files.stat(path)?.kind === 'folder') return false
  try {
    files.mkdir(path, 0o750)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
  return true
}

/** Creates a folder and those above it where they are missing. */
export const ensureRoot = (files: FileCalls, path: string): void => {
  if (files.stat(path)?.kind === 'folder') return
  const parent = dirname(path)
  if (parent !== path) ensureRoot(files, parent)
  if (ensureFolder(files, path)) syncFolder(files, parent)
}

/** The same with all folders between `root` and `path`, and makes their names survive. */
export const ensureFolders = (files: FileCalls, root: string, path: string): void => {
  let parent = root
  for (const part of path.split('/')) {
    const folder = join(parent, part)
    if (ensureFolder(files, folder)) syncFolder(files, parent)
    parent = folder
  }
}

/** Removes a file that nobody needs, if that is possible. */
export const unlinkQuietly = (files: FileCalls, path: string): void => {
  try {
    files.unlink(path)
  } catch {
    // not there, or the disk is gone; what is left is removed at the next start
  }
}

/**
 * Writes a file whole and syncs it. When this throws, none is left, as far as that is possible.
 *
 * @throws the error of the file system
 */
export const writeUnfinished = (files: FileCalls, path: string, bytes: Uint8Array): void => {
  const file = files.open(path, 'w', 0o640)
  try {
    const { error } = writeWhole(files, file, bytes, bytes.length, 0)
    if (error !== null) throw error
    files.fsync(file)
  } catch (error) {
    try {
      files.close(file)
    } catch {
      // the first error tells more
    }
    unlinkQuietly(files, path)
    throw error
  }
  files.close(file)
}
