/** Accounts of producers as they lie beside the records. */

import { join } from 'node:path'
import { type Account, decodeAccount } from '../shipping/account.ts'
import { readDocument } from '../shipping/document.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'

const SUFFIX = '.json'

/** Relative to the root. */
export const accountPath = (producer: string): string => `${PRODUCERS_FOLDER}/${producer}${SUFFIX}`

const BYTES_MAX = 1024 * 1024

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
  const bytes = readDocument(files, join(root, accountPath(producer)), BYTES_MAX)
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
