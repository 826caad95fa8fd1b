/** Where records lie: as a verb is told, else as the config of this folder says. */

import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SluiceConfig } from '../config/config.ts'
import { type LoadOptions, loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import { GAPS_FOLDER, PRODUCERS_FOLDER } from '../records/files/partitions.ts'
import { SHIPPER_FOLDER, sinkStateFile } from '../records/shipping/shipper-messages.ts'
import { lookAt, systemFiles } from '../records/spool/file-calls.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'

export interface PlaceOptions {
  /** Folder of the Parquet files. */
  readonly path?: string | undefined
  readonly stateDir?: string | undefined
  /** Only the files under `path` are asked for. */
  readonly isWithoutSpool?: boolean
  /**
   * What is not where it is told to be: refused by all but those who wait for records; those who
   * prove something refuse as well what others only doubt.
   */
  readonly use?: 'reading' | 'waiting' | 'proof'
  /** How the config is found, where it is asked. */
  readonly config: LoadOptions
}

/** Folders, absolute; any may not exist. */
export interface RecordsPlace {
  readonly path: string
  /** null: only the files under `path` are asked for. */
  readonly stateDir: string | null
  /** Segments of what is not in Parquet files yet; null as `stateDir`. */
  readonly spool: string | null
}

export interface FoundPlace extends RecordsPlace {
  /** Why it may not be the place that is meant, in words. */
  readonly doubts: readonly string[]
}

/** Of the file as a whole, too: nothing in it can be read then. */
const OURS = /^(|(records|state_dir)\b.*)$/

/** @throws GatewayError CONFIG_INVALID: it does not say where records are, or says it wrongly */
const configOf = (options: LoadOptions): SluiceConfig => {
  // Which models there are is none of our business.
  const flags = { 'model-repository': '.', ...options.flags }
  const loaded = loadConfig({ ...options, flags })
  if (!('problems' in loaded)) return loaded.config
  const { problems, rest } = loaded
  const ours = problems.find(({ path }) => OURS.test(path)) ?? (rest === null ? problems[0] : null)
  if (ours != null) throw new GatewayError('CONFIG_INVALID', formatProblem(ours))
  return rest!.config
}

const fault = (detail: string): GatewayError => new GatewayError('FILE_INVALID', detail)

const isOurs = (name: string): boolean =>
  name === PRODUCERS_FOLDER || name === GAPS_FOLDER || name.startsWith('endpoint=')

/** Why a folder has no records; null: it has, or accounts of such as are to come. */
const whyNoRecords = (path: string): string | null => {
  if (lookAt(systemFiles, path) === null) return `There is no folder ${path}`
  try {
    return readdirSync(path).some(isOurs) ? null : `There are no records in ${path}`
  } catch (thrown) {
    return `The records at ${path} cannot be read: ${whyUnreadable(thrown)}`
  }
}

const noSpool = (stateDir: string): string =>
  `There is no spool in ${stateDir}: what is not in files yet is not looked at; ` +
  '--state-dir says where the gateway has its state'

/**
 * Whether a gateway has been there, whether it keeps records or not; true where that cannot be
 * seen: who may not look into the spool is told so by whoever tries.
 */
const isUsed = (stateDir: string): boolean => {
  const kind = lookAt(systemFiles, join(stateDir, 'spool'))?.kind
  return kind === 'folder' || kind === 'other'
}

/** Whether files have been written, or were about to be, as far as that can be seen. */
const hasShipped = (stateDir: string): boolean =>
  lookAt(systemFiles, join(stateDir, SHIPPER_FOLDER, sinkStateFile('files')))?.kind === 'file'

/** @throws GatewayError FILE_INVALID: nothing can be proved there */
const doubtsAbout = (path: string, stateDir: string, isProof: boolean): string[] => {
  const why = whyNoRecords(path)
  if (!isUsed(stateDir)) {
    if (isProof && why !== null) throw fault(`${why}, and no spool in ${stateDir}`)
    return [noSpool(stateDir)]
  }
  if (why === null || !hasShipped(stateDir)) return []
  const doubt = `${why}, though the gateway of ${stateDir} has written some`
  if (isProof) throw fault(doubt)
  return [doubt]
}

/**
 * A path alone stands for itself, be it a copy from another machine: the spool of this folder is
 * looked into only where that path is its own.
 *
 * @throws GatewayError CONFIG_INVALID, as `configOf`, unless both are said; FILE_INVALID: a path
 *   alone has no records, a state folder that is told has no spool, or nothing can be proved
 */
export const recordsPlace = (options: PlaceOptions): FoundPlace => {
  const { use = 'reading', isWithoutSpool = false } = options
  const { path, stateDir } = found(options)
  if (stateDir === null || isWithoutSpool) {
    const why = stateDir === null ? whyNoRecords(path) : null
    if (why !== null && use !== 'waiting') throw fault(why)
    return { path, stateDir: null, spool: null, doubts: why === null ? [] : [why] }
  }
  const isTold = options.stateDir !== undefined
  if (isTold && use !== 'waiting' && !isUsed(stateDir)) throw fault(noSpool(stateDir))
  const doubts = doubtsAbout(path, stateDir, use === 'proof')
  return { path, stateDir, spool: join(stateDir, 'spool'), doubts }
}

const absolute = (path: string | undefined): string | null =>
  path === undefined ? null : resolve(path)

/** `stateDir` null: nobody says whose records they are. */
const found = ({ path, stateDir, config }: PlaceOptions): Omit<RecordsPlace, 'spool'> => {
  const told = { path: absolute(path), stateDir: absolute(stateDir) }
  if (told.path !== null && told.stateDir !== null) return { ...told, path: told.path }
  const { records, stateDir: own } = configOf(config)
  if (told.path === null) return { path: records.path, stateDir: told.stateDir ?? own }
  return { path: told.path, stateDir: told.path === records.path ? own : null }
}
