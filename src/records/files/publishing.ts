/**
 * Doing what an intent says, so that it can be done again from any point: what is renamed already
 * is where it belongs, and what is deleted is not there.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { Intent } from '../shipping/sink.ts'
import { errnoOf, type FileCalls, lookAt } from '../spool/file-calls.ts'
import { hourOfFolder, PRODUCERS_FOLDER } from './partitions.ts'

/** What could not be done of an intent; paths. */
export interface Undone {
  /**
   * Not there under either name: somebody has deleted it since it was written, for it was on the
   * disk before the intent was.
   */
  readonly missing: readonly string[]
  /** To be deleted, and there all the same: what was to take its place may be one of those. */
  readonly kept: readonly string[]
  /** Still to be deleted. */
  readonly left: readonly string[]
}

/** For people. */
type OnFault = (path: string, thrown: unknown) => void

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

/** Returns those that are not there under either name. */
const renameAll = (files: FileCalls, root: string, renames: Intent['renames']): string[] => {
  const missing: string[] = []
  for (const [from, to] of renames) {
    try {
      files.rename(join(root, from), join(root, to))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      if (files.stat(join(root, to)) === null) missing.push(to)
    }
  }
  for (const folder of new Set(renames.map(([, to]) => dirname(to)))) {
    if (files.stat(join(root, folder)) !== null) syncFolder(files, join(root, folder))
  }
  return missing
}

/** Whether it is done, or there is nothing to do it to; what a disk says is told. */
const attempt = (path: string, task: () => void, onFault: OnFault): boolean => {
  try {
    task()
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === '') throw error
    if (errno === 'ENOENT') return true
    onFault(path, error)
    return false
  }
  return true
}

/** Returns those that may still be there: one that nobody can delete must not hold up records. */
const deleteAll = (
  files: FileCalls,
  root: string,
  deletes: readonly string[],
  onFault: OnFault,
): string[] => {
  const left: string[] = []
  const emptied = Map.groupBy(deletes, (path) => dirname(path))
  for (const [folder, paths] of emptied) {
    const failed = paths.filter((path) => {
      const whole = join(root, path)
      return !attempt(whole, () => files.unlink(whole), onFault)
    })
    const whole = join(root, folder)
    const isSynced = attempt(whole, () => syncFolder(files, whole), onFault)
    left.push(...(isSynced ? failed : paths))
  }
  removeEmpty(files, root, new Set(emptied.keys()))
  return left
}

const KEPT = 'it is kept: the file that was to take its place is not there'

/**
 * Renames, then deletes: in between a reader may find a row twice, in a file and in the one that
 * takes its place; it is never missing. So nothing is deleted in a folder in which a file is that
 * was to be renamed and is not there.
 *
 * @throws the error of the file system, of renames alone; then it is to be done again
 */
const publishIntent = (
  files: FileCalls,
  root: string,
  intent: Intent,
  onFault: OnFault,
): Undone => {
  const missing = renameAll(files, root, intent.renames)
  const doubtful = new Set(missing.map((path) => dirname(path)))
  const kept = intent.deletes.filter(
    (path) => doubtful.has(dirname(path)) && lookAt(files, join(root, path)) !== null,
  )
  for (const path of kept) onFault(join(root, path), new Error(KEPT))
  const isKept = new Set(kept)
  const deletes = intent.deletes.filter((path) => !isKept.has(path))
  return { missing, kept, left: deleteAll(files, root, deletes, onFault) }
}

/** Where an intent is to be published. */
export interface Move {
  /** Where it was to be done. */
  readonly from: string
  /** Where records go now. */
  readonly to: string
  readonly onFault: OnFault
}

const UNPUBLISHED = 'what was shipped last may not be published there'

/** null: it cannot be done there. */
const publishBefore = (
  files: FileCalls,
  { from, onFault }: Move,
  intent: Intent,
): Undone | null => {
  try {
    return publishIntent(files, from, intent, onFault)
  } catch (error) {
    if (errnoOf(error) === '') throw error
    onFault(from, new Error(`${UNPUBLISHED}: ${(error as Error).message}`))
    return null
  }
}

/** Of what was published in part in another folder, or not, what there may be to do in this one. */
const restOf = ({ renames, deletes }: Intent, before: Undone | null): Intent => {
  const isMissing = (path: string): boolean => before?.missing.includes(path) ?? true
  // What is published there takes the place of nothing here.
  const published = new Set(renames.filter(([, to]) => !isMissing(to)).map(([, to]) => dirname(to)))
  return {
    renames: renames.filter(([, to]) => isMissing(to)),
    // Accounts are of one folder each.
    deletes: deletes.filter(
      (path) => !path.startsWith(PRODUCERS_FOLDER) && !published.has(dirname(path)),
    ),
  }
}

const DELETED = 'the file was deleted by somebody else; what was in it counts as shipped'

/**
 * The same where it was to be done, and in `to` for files that were moved along since. A disk that
 * was left because it fails keeps nothing from going on.
 *
 * @returns what is undone in `to`
 */
export const publishMoved = (files: FileCalls, move: Move, intent: Intent): Undone => {
  const { from, to, onFault } = move
  const before = from === to ? null : publishBefore(files, move, intent)
  if (before?.missing.length === 0) return { missing: [], kept: [], left: [] }
  const undone = publishIntent(files, to, from === to ? intent : restOf(intent, before), onFault)
  // After a start that is how it is told that records were deleted by hand.
  const missing = from === to || before !== null ? undone.missing : []
  for (const path of missing) onFault(join(to, path), new Error(DELETED))
  return undone
}
