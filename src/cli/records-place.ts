/** Where records lie: as a verb is told, else as the config of this folder says. */

import { join, resolve } from 'node:path'
import type { SluiceConfig } from '../config/config.ts'
import { type LoadOptions, loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import { systemFiles } from '../records/spool/file-calls.ts'
import { GatewayError } from '../shared/errors.ts'

export interface PlaceOptions {
  /** Folder of the Parquet files. */
  readonly path?: string | undefined
  readonly stateDir?: string | undefined
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

/**
 * A path alone stands for itself, be it a copy from another machine: the spool of this folder is
 * looked into only where that path is its own. Throws like `configOf`, unless both are said, and
 * where a path alone leads to no folder.
 */
export const recordsPlace = ({ path, stateDir, config }: PlaceOptions): RecordsPlace => {
  const told = { path: absolute(path), stateDir: absolute(stateDir) }
  if (told.path !== null && told.stateDir !== null) return placeOf(told.path, told.stateDir)
  const { records, stateDir: own } = configOf(config)
  if (told.path === null) return placeOf(records.path, told.stateDir ?? own)
  if (told.path === records.path) return placeOf(told.path, own)
  // Of ours nothing may have been written yet; this one is most likely misspelt.
  if (systemFiles.stat(told.path) === null) {
    throw new GatewayError('FILE_INVALID', `There is no folder ${told.path}`)
  }
  return placeOf(told.path, null)
}

const absolute = (path: string | undefined): string | null =>
  path === undefined ? null : resolve(path)

const placeOf = (path: string, stateDir: string | null): RecordsPlace => ({
  ...{ path, stateDir, spool: stateDir === null ? null : join(stateDir, 'spool') },
})
