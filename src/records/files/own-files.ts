/** The files of one gateway under `records.path`. */

import { join } from 'node:path'
import type { Rename } from '../shipping/sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { accountedProducer } from './account-files.ts'
import {
  anyFileNumber,
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
  /** Producers of the gateway that have an account, as far as that can be listed. */
  readonly accounted: readonly string[]
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

/** Folders between the root and the files. */
const HOUR_DEPTH = 3

const isPartition = (name: string): boolean => name === GAPS_FOLDER || name.startsWith('endpoint=')

/** A folder of an hour, of records or of gaps, and the names in it. */
interface HourNames {
  readonly folder: string
  readonly names: readonly string[]
}

/**
 * All folders of hours.
 *
 * @throws what the file system does, of the root alone
 */
function* hoursIn(
  files: FileCalls,
  root: string,
  onUnlisted: OnUnlisted,
  { folder, depth } = { folder: '', depth: 0 },
): Generator<HourNames> {
  let names: readonly string[]
  try {
    names = namesIn(files, join(root, folder))
  } catch (thrown) {
    if (depth === 0 || errnoOf(thrown) === '') throw thrown
    onUnlisted(folder, thrown)
    return
  }
  if (depth === HOUR_DEPTH) yield { folder, names }
  else {
    for (const name of depth > 0 ? names : names.filter(isPartition)) {
      const below = depth > 0 ? `${folder}/${name}` : name
      yield* hoursIn(files, root, onUnlisted, { folder: below, depth: depth + 1 })
    }
  }
}

const parquetOf = ({ folder, names }: HourNames): string[] =>
  names.filter((name) => name.endsWith('.parquet')).map((name) => `${folder}/${name}`)

/**
 * Parquet files of all gateways, relative to the root, by their folder, in order.
 *
 * @throws what the file system does, of the root alone
 */
export const findRecordFiles = (
  files: FileCalls,
  root: string,
  onUnlisted: OnUnlisted,
): Map<string, readonly string[]> => {
  const found = Array.from(hoursIn(files, root, onUnlisted), (hour) => ({
    ...{ folder: hour.folder, paths: parquetOf(hour) },
  }))
  const order = found.filter(({ paths }) => paths.length > 0)
  order.sort((a, b) => (a.folder < b.folder ? -1 : 1))
  return new Map(order.map(({ folder, paths }) => [folder, paths]))
}

/**
 * Those of one folder, as it is now.
 *
 * @throws what the file system does
 */
export const recordFilesIn = (files: FileCalls, root: string, folder: string): readonly string[] =>
  parquetOf({ folder, names: namesIn(files, join(root, folder)) })

/** Paths of a gateway's accounts, whole or half-written, as far as they can be listed. */
const accountsOf = (files: FileCalls, root: string, gateway: string): string[] => {
  try {
    const names = namesIn(files, join(root, PRODUCERS_FOLDER))
    const own = names.filter((name) => name.startsWith(`${gateway}.`))
    return own.map((name) => `${PRODUCERS_FOLDER}/${name}`)
  } catch (thrown) {
    if (errnoOf(thrown) === '') throw thrown
    return []
  }
}

export interface OwnFilesWorld {
  readonly files: FileCalls
  readonly root: string
  readonly gateway: string
  /** Those that were there, by path: they never change, and are not looked at again. */
  readonly known: ReadonlyMap<string, OwnFile>
  /** Called between folders. */
  readonly breathe?: (() => Promise<void>) | undefined
}

/**
 * Looks through all partitions. Of a folder in which one file cannot be looked at nothing is found:
 * it may be the one that says what becomes of the others.
 *
 * @throws (rejects) what the file system does, of the root alone
 */
export const findOwnFiles = async (world: OwnFilesWorld): Promise<Found> => {
  const { files, root, gateway, known, breathe } = world
  const found: OwnFile[] = []
  const accounts = accountsOf(files, root, gateway)
  const accounted = accounts.map(accountedProducer).filter((producer) => producer !== null)
  const unfinished = accounts.filter((path) => path.endsWith(UNFINISHED))
  const unlisted = new Map<string, unknown>()
  const onUnlisted = (path: string, thrown: unknown) => void unlisted.set(path, thrown)
  for (const { folder, names } of hoursIn(files, root, onUnlisted)) {
    try {
      const paths = names.map((name) => `${folder}/${name}`)
      const own = paths.map((path) => known.get(path) ?? ownFile(files, root, gateway, path))
      found.push(...own.filter((file) => file !== null))
    } catch (thrown) {
      if (errnoOf(thrown) === '') throw thrown
      onUnlisted(folder, thrown)
    }
    const left = (name: string) => name.startsWith(`${gateway}-`) && name.endsWith(UNFINISHED)
    unfinished.push(...names.filter(left).map((name) => `${folder}/${name}`))
    await breathe?.()
  }
  return { files: found, unfinished, unlisted, accounted }
}

/** Numbers of files that are there, and of those that `renames` may yet bring, in order. */
export const numbersOf = (own: Iterable<OwnFile>, renames: readonly Rename[]): Float64Array => {
  const there = Array.from(own, ({ number }) => number)
  const later = renames.map(([, path]) => anyFileNumber(path))
  return Float64Array.from([...there, ...later]).sort()
}

/** What has gone of some files, and what has come: nothing goes where nothing can be listed. */
export const changesOf = (
  own: ReadonlyMap<string, OwnFile>,
  { files, unlisted }: Found,
): { readonly gone: readonly OwnFile[]; readonly come: readonly OwnFile[] } => {
  const there = new Set(files.map(({ path }) => path))
  const hidden = Array.from(unlisted.keys(), (folder) => `${folder}/`)
  const isHidden = ({ path }: OwnFile) => hidden.some((above) => path.startsWith(above))
  return {
    gone: [...own.values()].filter((file) => !there.has(file.path) && !isHidden(file)),
    come: files.filter(({ path }) => !own.has(path)),
  }
}
