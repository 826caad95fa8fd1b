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
   * disk before the intent was; or the disk is away. What it was to replace stays.
   */
  readonly missing: readonly string[]
  /** Deleted as far as that is possible: they may still be there. */
  readonly left: readonly string[]
}

/** Where it is done, and who hears of what is wrong. */
export interface PublishWorld {
  readonly files: FileCalls
  /** For people. */
  onFault(path: string, thrown: unknown): void
  /** Called between folders: there may be hundreds, each with its sync. */
  readonly breathe?: (() => Promise<void>) | undefined
}

/** Takes a folder of an hour in which nothing is left, and those above it. */
const removeEmpty = (files: FileCalls, root: string, folder: string): void => {
  if (hourOfFolder(`/${folder}`) === null) return
  try {
    for (let path = folder; path !== '.'; path = dirname(path)) files.rmdir(join(root, path))
  } catch (error) {
    // There is something in it, or it stays as it is.
    if (errnoOf(error) === '') throw error
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

/** What the disk says against it; null: it is done, or there is nothing to do it to. */
const refusalOf = (task: () => void): Error | null => {
  try {
    task()
    return null
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === '') throw error
    return errno === 'ENOENT' ? null : (error as Error)
  }
}

/** The same for the files of one folder, which is synced where something has changed. */
const deleteIn = (files: FileCalls, root: string, paths: readonly string[]) => {
  const refusals = new Map<string, Error>()
  for (const path of paths) {
    const refusal = refusalOf(() => files.unlink(join(root, path)))
    if (refusal !== null) refusals.set(path, refusal)
  }
  if (refusals.size === paths.length) return refusals
  const folder = dirname(paths[0]!)
  const unsynced = refusalOf(() => syncFolder(files, join(root, folder)))
  // Who has deleted them may not have synced the folder: nor is that known the next time.
  if (unsynced !== null) return new Map(paths.map((path) => [path, unsynced]))
  removeEmpty(files, root, folder)
  return refusals
}

/**
 * Deletes files; one that nobody can delete holds up no others, and of a folder one is told.
 *
 * @returns those that may still be there
 */
export const deleteAll = async (
  { files, onFault, breathe }: PublishWorld,
  root: string,
  paths: readonly string[],
): Promise<string[]> => {
  const left: string[] = []
  for (const inFolder of Map.groupBy(paths, (path) => dirname(path)).values()) {
    const refusals = deleteIn(files, root, inFolder)
    for (const [path, { message }] of refusals) {
      const more = refusals.size > 1 ? ` (and ${refusals.size - 1} more of its folder)` : ''
      onFault(join(root, path), new Error(`it cannot be deleted: ${message}${more}`))
      break
    }
    left.push(...refusals.keys())
    await breathe?.()
  }
  return left
}

/** What an intent deletes, where of its files some are missing: not what they replace. */
export const deletesOf = (
  { renames, deletes }: Intent,
  missing: readonly string[],
): readonly string[] => {
  const isMissing = new Set(missing)
  const replacedBy = (isThere: boolean) =>
    renames.flatMap(([, to, paths = []]) => (isMissing.has(to) === isThere ? [] : paths))
  const kept = new Set(replacedBy(false))
  return [...new Set(replacedBy(true)).difference(kept), ...deletes]
}

/**
 * Renames, then deletes: in between a reader may find a row twice, in a file and in the one that
 * takes its place; it is never missing.
 *
 * @throws the error of the file system, of renames alone; then it is to be done again
 */
const publishIntent = async (
  world: PublishWorld,
  root: string,
  intent: Intent,
): Promise<Undone> => {
  const missing = renameAll(world.files, root, intent.renames)
  return { missing, left: await deleteAll(world, root, deletesOf(intent, missing)) }
}

/** Where an intent is to be published. */
export interface Move extends PublishWorld {
  /** Where it was to be done. */
  readonly from: string
  /** Where records go now. */
  readonly to: string
}

const UNPUBLISHED = 'what was shipped last may not be published there'

/** null: it cannot be done there. */
const publishBefore = async (move: Move, intent: Intent): Promise<Undone | null> => {
  try {
    return await publishIntent(move, move.from, intent)
  } catch (error) {
    if (errnoOf(error) === '') throw error
    move.onFault(move.from, new Error(`${UNPUBLISHED}: ${(error as Error).message}`))
    return null
  }
}

/** Of what was published in part in another folder, or not, what there may be to do in this one. */
const restOf = ({ renames, deletes }: Intent, before: Undone | null): Intent => ({
  // What is published there takes the place of nothing here.
  renames: renames.filter(([, to]) => before?.missing.includes(to) ?? true),
  // Accounts are of one folder each.
  deletes: deletes.filter((path) => !path.startsWith(PRODUCERS_FOLDER)),
})

const KEPT = 'the file is not there; what it was to replace is kept'
const AWAY =
  'the file is not there: somebody has deleted it, or its disk is away; it counts as shipped'

/** Tells of the files that are not there; after a start that records were deleted by hand. */
const tellMissing = (
  { files, to, onFault }: Move,
  { renames }: Intent,
  missing: string[],
): void => {
  const isThere = (path: string) => lookAt(files, join(to, path)) !== null
  for (const [, path, replaced = []] of renames) {
    if (!missing.includes(path)) continue
    onFault(join(to, path), new Error(replaced.some(isThere) ? KEPT : AWAY))
  }
}

/**
 * The same where it was to be done, and in `to` for files that were moved along since. A disk that
 * was left because it fails keeps nothing from going on.
 *
 * @returns what is undone in `to`
 */
export const publishMoved = async (move: Move, intent: Intent): Promise<Undone> => {
  const { from, to } = move
  const before = from === to ? null : await publishBefore(move, intent)
  if (before?.missing.length === 0) return { missing: [], left: [] }
  const undone = await publishIntent(move, to, from === to ? intent : restOf(intent, before))
  if (from === to || before !== null) tellMissing(move, intent, [...undone.missing])
  return undone
}
