/** The files of one gateway under `records.path`. */

import { join } from 'node:path'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import {
  fileNumber,
  GAPS_FOLDER,
  hourOfFolder,
  PRODUCERS_FOLDER,
  UNFINISHED,
} from './partitions.ts'

export interface OwnFile {
  /** Relative to the root, as its folder is. */
  readonly path: string
  readonly folder: string
  /** Hours since 1970 of what is in it. */
  readonly hour: number
  readonly number: number
  readonly bytes: number
  /** Wall clock of its last change. */
  readonly changedMs: number
}

export interface Found {
  readonly files: readonly OwnFile[]
  /** Paths of what was begun and never published. */
  readonly unfinished: readonly string[]
  /** Folders that cannot be listed, and why. */
  readonly unlisted: ReadonlyMap<string, unknown>
}

/** Names in a folder; none where there is no such folder. */
const namesIn = (files: FileCalls, path: string): string[] => {
  try {
    return files.readdir(path)
  } catch (error) {
    if (/^(ENOENT|ENOTDIR)$/.test(errnoOf(error))) return []
    throw error
  }
}

/** The file at a path; null: it is not there, or none of this gateway. */
export const ownFile = (
  files: FileCalls,
  root: string,
  gateway: string,
  path: string,
): OwnFile | null => {
  const slash = path.lastIndexOf('/')
  const folder = path.slice(0, slash)
  const number = fileNumber(path.slice(slash + 1), gateway)
  const hour = hourOfFolder(`/${folder}`)
  const stat = number === 0 || hour === null ? null : files.stat(join(root, path))
  if (stat === null || hour === null) return null
  return { path, folder, hour, number, bytes: stat.bytes, changedMs: stat.changedMs }
}

/** Told of a folder that cannot be listed: what is in it is not known, all else is. */
type OnUnlisted = (folder: string, thrown: unknown) => void

/** A folder below the root; '': the root. */
interface Top {
  readonly root: string
  readonly folder: string
}

/** Folders between the root and the files. */
const HOUR_DEPTH = 3

const isPartition = (name: string): boolean => name === GAPS_FOLDER || name.startsWith('endpoint=')

/**
 * Calls `look` with every folder of an hour, of records and of gaps, and the names in it.
 *
 * @throws what the file system does, of the root alone
 */
const eachHour = (
  files: FileCalls,
  { root, folder: top }: Top,
  look: (folder: string, names: readonly string[]) => void,
  onUnlisted: OnUnlisted,
): void => {
  const visit = (folder: string, depth: number): void => {
    try {
      const names = namesIn(files, join(root, folder))
      if (depth === HOUR_DEPTH) look(folder, names)
      else
        for (const name of depth > 0 ? names : names.filter(isPartition)) {
          visit(depth > 0 ? `${folder}/${name}` : name, depth + 1)
        }
    } catch (thrown) {
      if (depth === 0 || errnoOf(thrown) === '') throw thrown
      onUnlisted(folder, thrown)
    }
  }
  visit(top, top === '' ? 0 : top.split('/').length)
}

/**
 * Parquet files of all gateways, relative to the root, in order.
 *
 * @throws what the file system does, of the root alone
 */
export const findRecordFiles = (
  files: FileCalls,
  root: string,
  onUnlisted: OnUnlisted,
): string[] => {
  const found: string[] = []
  const look = (folder: string, names: readonly string[]): void => {
    for (const name of names) if (name.endsWith('.parquet')) found.push(`${folder}/${name}`)
  }
  eachHour(files, { root, folder: '' }, look, onUnlisted)
  return found.sort()
}

/** Half-written accounts, as far as they can be listed. */
const unfinishedAccounts = (files: FileCalls, root: string, gateway: string): string[] => {
  try {
    return namesIn(files, join(root, PRODUCERS_FOLDER))
      .filter((name) => name.startsWith(`${gateway}.`) && name.endsWith(UNFINISHED))
      .map((name) => `${PRODUCERS_FOLDER}/${name}`)
  } catch (thrown) {
    if (errnoOf(thrown) === '') throw thrown
    return []
  }
}

/**
 * Looks through all partitions, or those below one folder.
 *
 * @throws what the file system does, of the root alone
 */
export const findOwnFiles = (
  files: FileCalls,
  root: string,
  gateway: string,
  folder = '',
): Found => {
  const found: OwnFile[] = []
  const unfinished = folder === '' ? unfinishedAccounts(files, root, gateway) : []
  const unlisted = new Map<string, unknown>()
  const look = (hour: string, names: readonly string[]): void => {
    for (const name of names) {
      const path = `${hour}/${name}`
      if (name.startsWith(`${gateway}-`) && name.endsWith(UNFINISHED)) unfinished.push(path)
      const file = ownFile(files, root, gateway, path)
      if (file !== null) found.push(file)
    }
  }
  eachHour(files, { root, folder }, look, (path, thrown) => unlisted.set(path, thrown))
  return { files: found, unfinished, unlisted }
}
