/**
 * The state folder of one gateway, 0700, used by one control process at a time.
 *
 * ```
 * control.sock       where replicas dial
 * lock/<n>.json      the process that owns the folder (lock.ts)
 * gateway.json       name of the gateway, for ever
 * incarnation.json   last incarnation that a replica was started with
 * epoch.json         last committed epoch (stored-epoch.ts)
 * run/               one file per replica process (replica-files.ts)
 * logs/              what replicas write to stdout and stderr
 * proven/            optimised models of good versions, and their reports
 * proving/           scratch space of proving runs
 * ```
 */

import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isTemporaryFile } from '../shared/atomic-file.ts'
import { GatewayError } from '../shared/errors.ts'
import { type StateLock, takeLock } from './lock.ts'
import { corrupt, readStateFile, type StateFormat, writeStateFile } from './state-file.ts'
import { readStoredEpoch, type StoredEpoch, writeStoredEpoch } from './stored-epoch.ts'

/** `sun_path` of a Unix socket address is 108 bytes with its final NUL (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107
const FOLDERS = ['lock', 'run', 'logs', 'proven', 'proving']
const GATEWAY_FORMAT: StateFormat = { name: 'sluice.gateway', version: 1 }
const INCARNATION_FORMAT: StateFormat = { name: 'sluice.incarnation', version: 1 }
const GATEWAY_NAME = /^[a-z0-9]{6}$/
const NAME_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** An open state folder. All calls are synchronous and made by control alone. */
export class StateDir {
  readonly path: string
  readonly socketPath: string
  readonly runPath: string
  readonly logsPath: string
  readonly provenPath: string
  readonly provingPath: string
  /** Six letters and digits; part of every prediction id. */
  readonly gateway: string
  readonly #lock: StateLock
  #incarnation: number

  /** Use `openStateDir`. The folder exists and the lock is held. */
  constructor(path: string, lock: StateLock) {
    this.path = path
    this.socketPath = join(path, 'control.sock')
    this.runPath = join(path, 'run')
    this.logsPath = join(path, 'logs')
    this.provenPath = join(path, 'proven')
    this.provingPath = join(path, 'proving')
    this.#lock = lock
    this.gateway = readGateway(join(path, 'gateway.json'))
    this.#incarnation = readIncarnation(this.#incarnationFile)
  }

  get #incarnationFile(): string {
    return join(this.path, 'incarnation.json')
  }

  /** A number that no replica of this gateway was ever started with; on disk when this returns. */
  raiseIncarnation(): number {
    const next = this.#incarnation + 1
    writeStateFile(this.#incarnationFile, INCARNATION_FORMAT, { incarnation: next })
    this.#incarnation = next
    return next
  }

  /**
   * The last committed epoch, or null when there was none.
   *
   * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
   */
  readEpoch(): StoredEpoch | null {
    return readStoredEpoch(join(this.path, 'epoch.json'))
  }

  /** Replaces the stored epoch; on disk when this returns. */
  writeEpoch(epoch: StoredEpoch): void {
    writeStoredEpoch(join(this.path, 'epoch.json'), epoch)
  }

  /** Lets go of the folder, so that another process may open it. */
  close(): void {
    this.#lock.release()
  }
}

const randomName = (): string => {
  const letters = Array.from(randomBytes(6), (byte) => NAME_LETTERS[byte % NAME_LETTERS.length])
  return letters.join('')
}

const readGateway = (path: string): string => {
  const fields = readStateFile(path, 'gateway.json', GATEWAY_FORMAT)
  if (fields === null) {
    const name = randomName()
    writeStateFile(path, GATEWAY_FORMAT, { name })
    return name
  }
  const { name } = fields
  if (typeof name !== 'string' || !GATEWAY_NAME.test(name)) {
    throw corrupt('gateway.json', 'holds no gateway name')
  }
  return name
}

const readIncarnation = (path: string): number => {
  const fields = readStateFile(path, 'incarnation.json', INCARNATION_FORMAT)
  if (fields === null) return 0
  const { incarnation } = fields
  if (typeof incarnation !== 'number' || !Number.isSafeInteger(incarnation) || incarnation < 0) {
    throw corrupt('incarnation.json', 'holds no count')
  }
  return incarnation
}

const checkSocketPath = (path: string): void => {
  const bytes = Buffer.byteLength(join(path, 'control.sock'))
  if (bytes <= SOCKET_PATH_BYTES_MAX) return
  throw new GatewayError(
    'SOCKET_PATH_TOO_LONG',
    `The socket in this state folder has a path of ${bytes} bytes; the system takes ${SOCKET_PATH_BYTES_MAX}. Choose a shorter --state-dir, such as /tmp/sluice`,
  )
}

/** Makes a folder that nobody else may enter. */
const makeOwnFolder = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700)
}

/** A folder of somebody else must not lose its rights to a wrong `--state-dir`. */
const refuseForeign = (path: string): void => {
  if (!existsSync(path)) return
  const names = readdirSync(path)
  if (names.includes('lock')) return
  const foreign = names.find((name) => !FOLDERS.includes(name) && name !== 'lost+found')
  if (foreign === undefined) return
  throw new GatewayError(
    'STATE_CORRUPT',
    "The state folder holds other files than Sluice's; choose an empty or new one with --state-dir",
  )
}

/** Removes what writes that a crash cut off have left. */
const removeUnfinished = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    if (isTemporaryFile(name)) rmSync(join(folder, name), { force: true })
  }
}

const makeLayout = (path: string): void => {
  refuseForeign(path)
  makeOwnFolder(path)
  for (const name of FOLDERS) makeOwnFolder(join(path, name))
}

const open = (path: string): StateDir => {
  makeLayout(path)
  const lock = takeLock(join(path, 'lock'))
  try {
    removeUnfinished(path)
    removeUnfinished(join(path, 'run'))
    return new StateDir(path, lock)
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Opens a state folder, making it when it is new, and locks it for this process.
 *
 * @throws GatewayError STATE_DIR_LOCKED naming the pid, SOCKET_PATH_TOO_LONG, STATE_TOO_NEW,
 *   STATE_CORRUPT
 */
export const openStateDir = (path: string): StateDir => {
  const absolute = resolve(path)
  checkSocketPath(absolute)
  try {
    return open(absolute)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const { code } = error as NodeJS.ErrnoException
    const detail = `The state folder cannot be made or used (${code}); it must be a folder that the user who runs Sluice may write to`
    throw new GatewayError('STATE_CORRUPT', detail, { cause: error })
  }
}
