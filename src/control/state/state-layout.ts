/**
 * Whether a folder may become, or is, a state folder, and making it one. A wrong `--state-dir` must
 * cost nobody anything: it is judged before anything in it changes.
 */

import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isTemporaryFile } from '../../shared/atomic-file.ts'
import { GatewayError } from '../../shared/errors.ts'
import { LOCK_FORMAT } from '../../shared/lock.ts'
import { formatNameOf, type StateFormat } from '../../shared/state-file.ts'

export const GATEWAY_FORMAT: StateFormat = { name: 'sluice.gateway', version: 1 }

const FOLDERS = ['lock', 'run', 'logs', 'proven', 'proving', 'compiled', 'spool', 'shipper']
/** Where files are written whole; a crash may leave parts. */
const WRITTEN = ['lock', 'run', 'proven']

const invalid = (found: string): GatewayError =>
  new GatewayError(
    'STATE_DIR_INVALID',
    `The state folder ${found}; name an empty or new folder with --state-dir`,
  )

/** Whether a gateway has left its mark: its name, or a lock. */
const isMarked = (path: string, names: readonly string[]): boolean =>
  formatNameOf(join(path, 'gateway.json')) === GATEWAY_FORMAT.name ||
  (names.includes('lock') &&
    readdirSync(join(path, 'lock')).some(
      (name) => formatNameOf(join(path, 'lock', name)) === LOCK_FORMAT.name,
    ))

/** What a first start that was cut off leaves: folders of ours with nothing in them. */
const isUnfinished = (path: string, names: readonly string[]): boolean =>
  names.every(
    (name) => FOLDERS.includes(name) && readdirSync(join(path, name)).every(isTemporaryFile),
  )

/**
 * Returns when the folder is absent, empty, or a state folder already. Changes nothing.
 *
 * @throws GatewayError STATE_DIR_INVALID; the error of the file system
 */
export const judgeStateFolder = (path: string): void => {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isDirectory()) throw invalid('is a file')
  const names = readdirSync(path).filter((name) => name !== 'lost+found')
  // A link would have the rights of another folder changed: /var/run leads to /run.
  const odd = names.find(
    (name) => FOLDERS.includes(name) && !lstatSync(join(path, name)).isDirectory(),
  )
  if (odd !== undefined) throw invalid(`has a ${odd} that is no folder`)
  if (isMarked(path, names) || isUnfinished(path, names)) return
  throw invalid("holds other files than Sluice's")
}

/** `recursive` of mkdir never returns below /proc; this asks once a level. */
const makeFolder = (path: string): void => {
  const parent = dirname(path)
  if (statSync(parent, { throwIfNoEntry: false }) === undefined) makeFolder(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another starter was faster; the lock decides between the two.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * Makes what is missing of a judged state folder; nobody else may enter it.
 *
 * @param chmod the call that fails where the folder is another user's, for tests
 * @throws GatewayError STATE_DIR_INVALID when it stays open to others; the error of the file system
 */
export const makeStateFolder = (path: string, chmod: typeof chmodSync = chmodSync): void => {
  for (const folder of [path, ...FOLDERS.map((name) => join(path, name))]) {
    makeFolder(folder)
    if ((statSync(folder).mode & 0o077) === 0) continue
    try {
      chmod(folder, 0o700)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
      // Mounted volumes often are root's, with a group that may write.
      throw new GatewayError(
        'STATE_DIR_INVALID',
        'The state folder cannot be closed to others: it belongs to another user, or its file system keeps no rights; name a folder inside it, or elsewhere, with --state-dir',
        { cause: error },
      )
    }
  }
}

/** Removes what writes that a crash cut off have left. Nobody else may be writing. */
export const removeUnfinished = (path: string): void => {
  for (const folder of [path, ...WRITTEN.map((name) => join(path, name))]) {
    for (const name of readdirSync(folder)) {
      if (isTemporaryFile(name)) rmSync(join(folder, name), { force: true })
    }
  }
}
