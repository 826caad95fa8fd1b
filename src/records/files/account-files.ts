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

/** The producer of a path; null: it is that of no account. */
export const accountedProducer = (path: string): string | null =>
  path.startsWith(`${PRODUCERS_FOLDER}/`) && path.endsWith(SUFFIX)
    ? path.slice(PRODUCERS_FOLDER.length + 1, -SUFFIX.length)
    : null

export interface AccountsWorld {
  readonly files: FileCalls
  readonly root: string
  /** For people: an account cannot be read. */
  onFault(producer: string, thrown: unknown): void
  /** Called between accounts. */
  readonly breathe?: (() => Promise<void>) | undefined
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
