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

/** Calls `look` with every folder of an hour, of records and of gaps. */
const eachHour = (files: FileCalls, root: string, look: (folder: string) => void): void => {
  for (const partition of namesIn(files, root)) {
    if (partition !== GAPS_FOLDER && !partition.startsWith('endpoint=')) continue
    for (const date of namesIn(files, join(root, partition))) {
      for (const hour of namesIn(files, join(root, partition, date))) {
        look(`${partition}/${date}/${hour}`)
      }
    }
  }
}

/**
 * Parquet files of all gateways, relative to the root, in order.
 *
 * @throws the error of the file system
 */
export const findRecordFiles = (files: FileCalls, root: string): string[] => {
  const found: string[] = []
  eachHour(files, root, (folder) => {
    for (const name of namesIn(files, join(root, folder))) {
      if (name.endsWith('.parquet')) found.push(`${folder}/${name}`)
    }
  })
  return found.sort()
}

/**
 * Looks through all partitions.
 *
 * @throws the error of the file system
 */
export const findOwnFiles = (files: FileCalls, root: string, gateway: string): Found => {
  const found: OwnFile[] = []
  const unfinished: string[] = []
  eachHour(files, root, (folder) => {
    for (const name of namesIn(files, join(root, folder))) {
      const path = `${folder}/${name}`
      if (name.startsWith(`${gateway}-`) && name.endsWith(UNFINISHED)) unfinished.push(path)
      const file = ownFile(files, root, gateway, path)
      if (file !== null) found.push(file)
    }
  })
  for (const name of namesIn(files, join(root, PRODUCERS_FOLDER))) {
    if (name.startsWith(`${gateway}.`) && name.endsWith(UNFINISHED)) {
      unfinished.push(`${PRODUCERS_FOLDER}/${name}`)
    }
  }
  return { files: found, unfinished }
}
