/** Accounts of producers as they lie beside the records. */

import { join } from 'node:path'
import { type Account, decodeAccount } from '../shipping/account.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { readWhole } from '../spool/whole-writes.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'

const SUFFIX = '.json'

/** Relative to the root. */
export const accountPath = (producer: string): string => `${PRODUCERS_FOLDER}/${producer}${SUFFIX}`

const BYTES_MAX = 1024 * 1024

const readBytes = (files: FileCalls, path: string): Uint8Array | null => {
  const stat = files.stat(path)
  if (stat === null) return null
  const file = files.open(path, 'r')
  try {
    const bytes = new Uint8Array(Math.min(stat.bytes, BYTES_MAX))
    const count = readWhole(files, file, bytes, { offset: 0, length: bytes.length, position: 0 })
    return bytes.subarray(0, count)
  } finally {
    files.close(file)
  }
}

/**
 * The account of one producer; null where there is none.
 *
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT, and what the file system does
 */
export const readAccountFile = (
  files: FileCalls,
  root: string,
  producer: string,
): Account | null => {
  const bytes = readBytes(files, join(root, accountPath(producer)))
  return bytes === null ? null : decodeAccount(`The account of ${producer}`, bytes)
}

/** Producers that have an account, in order. */
export const accountedProducers = (files: FileCalls, root: string): string[] => {
  try {
    const names = files.readdir(join(root, PRODUCERS_FOLDER))
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
