/** `requests.json`: which models clients have asked to load and to unload, in the explicit mode. */

import type { AtomicWriteOptions } from '../../shared/atomic-file.ts'
import {
  corrupt,
  readStateFile,
  type StateFormat,
  writeStateFile,
} from '../../shared/state-file.ts'

/** Each model is in one of the two, or in none when nobody has asked. */
export interface Requests {
  readonly loaded: readonly string[]
  readonly unloaded: readonly string[]
}

const FORMAT: StateFormat = { name: 'sluice.requests', version: 1 }
const FILE = 'requests.json'

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string')

/**
 * Reads what was asked for; nothing when there is no such file.
 *
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
 */
export const readStoredRequests = (path: string): Requests => {
  const fields = readStateFile(path, FILE, FORMAT)
  if (fields === null) return { loaded: [], unloaded: [] }
  const { loaded, unloaded } = fields
  if (!isNames(loaded) || !isNames(unloaded)) throw corrupt(FILE, 'holds no names of models')
  return { loaded, unloaded }
}

export const writeStoredRequests = (
  path: string,
  { loaded, unloaded }: Requests,
  options: AtomicWriteOptions,
): void => writeStateFile(path, FORMAT, { loaded, unloaded }, options)
