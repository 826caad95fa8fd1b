/**
 * The state folder of one gateway, 0700, used by one control process at a time.
 *
 * ```
 * control.sock       where replicas dial
 * lock/<n>.json      the process that owns the folder (lock.ts)
 * gateway.json       name of the gateway, for ever
 * incarnation.json   last incarnation that a replica was started with
 * epoch.json         last committed epoch (stored-epoch.ts)
 * requests.json      models that clients have asked to load and unload (stored-requests.ts)
 * poison.json        versions that killed replicas (poison-list.ts)
 * run/               two files per replica process (replica-files.ts, ../shared/run-marks.ts)
 * logs/              what replicas write to stdout and stderr
 * proven/            optimised models of good versions, and their reports
 * proving/           scratch space of proving runs
 * compiled/          code of Sluice as Node has compiled it, for the next process
 * spool/             records that are not shipped yet (../../records/spool/segment-format.ts)
 * shipper/           what has been shipped, and what of every producer is known
 * ```
 */

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { AtomicWriteOptions } from '../../shared/atomic-file.ts'
import { GatewayError } from '../../shared/errors.ts'
import { refuseHeldLock, type StateLock, takeLock } from '../../shared/lock.ts'
import {
  asUnwritable,
  corrupt,
  readStateFile,
  type StateFormat,
  writeStateFile,
} from '../../shared/state-file.ts'
import { isAnswered } from './socket-probe.ts'
import {
  GATEWAY_FORMAT,
  judgeStateFolder,
  makeStateFolder,
  removeUnfinished,
} from './state-layout.ts'
import { readStoredEpoch, type StoredEpoch, writeStoredEpoch } from './stored-epoch.ts'
import { type Requests, readStoredRequests, writeStoredRequests } from './stored-requests.ts'

/** `sun_path` of a Unix socket address is 108 bytes with its final NUL (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107
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
  readonly compiledPath: string
  /** Six letters and digits; part of every prediction id. */
  readonly gateway: string
  readonly #lock: StateLock
  readonly #options: AtomicWriteOptions
  #incarnation: number
  #isClosed = false

  /** Use `openStateDir`. The folder exists and the lock is held. */
  constructor(path: string, lock: StateLock, options: AtomicWriteOptions) {
    this.path = path
    this.socketPath = join(path, 'control.sock')
    this.runPath = join(path, 'run')
    this.logsPath = join(path, 'logs')
    this.provenPath = join(path, 'proven')
    this.provingPath = join(path, 'proving')
    this.compiledPath = join(path, 'compiled')
    this.#lock = lock
    this.#options = options
    this.gateway = readGateway(join(path, 'gateway.json'), options)
    this.#incarnation = readIncarnation(this.#incarnationFile)
  }

  get #incarnationFile(): string {
    return join(this.path, 'incarnation.json')
  }

  /**
   * A number that no replica of this gateway was ever started with; on disk when this returns.
   *
   * @throws GatewayError STATE_UNWRITABLE
   */
  raiseIncarnation(): number {
    this.#refuseClosed()
    const next = this.#incarnation + 1
    const fields = { incarnation: next }
    writeStateFile(this.#incarnationFile, INCARNATION_FORMAT, fields, this.#options)
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

  /**
   * Replaces the stored epoch; on disk when this returns.
   *
   * @throws GatewayError STATE_UNWRITABLE
   */
  writeEpoch(epoch: StoredEpoch): void {
    this.#refuseClosed()
    writeStoredEpoch(join(this.path, 'epoch.json'), epoch, this.#options)
  }

  /**
   * What clients have asked to load and unload.
   *
   * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
   */
  readRequests(): Requests {
    return readStoredRequests(join(this.path, 'requests.json'))
  }

  /**
   * Replaces what clients have asked for; on disk when this returns.
   *
   * @throws GatewayError STATE_UNWRITABLE
   */
  writeRequests(requests: Requests): void {
    this.#refuseClosed()
    writeStoredRequests(join(this.path, 'requests.json'), requests, this.#options)
  }

  /** Removes what earlier crashes have left. Only for who also owns the control socket. */
  removeUnfinished(): void {
    removeUnfinished(this.path)
  }

  /** Lets go of the folder, so that another process may open it. */
  close(): void {
    this.#isClosed = true
    this.#lock.release()
  }

  /** Its files may be another process's by now. */
  #refuseClosed(): void {
    if (!this.#isClosed) return
    throw new GatewayError('STATE_UNWRITABLE', 'The state folder is closed: Sluice is ending')
  }
}

const randomName = (): string => {
  const letters = Array.from(randomBytes(6), (byte) => NAME_LETTERS[byte % NAME_LETTERS.length])
  return letters.join('')
}

const readGateway = (path: string, options: AtomicWriteOptions): string => {
  const fields = readStateFile(path, 'gateway.json', GATEWAY_FORMAT)
  if (fields === null) {
    const name = randomName()
    writeStateFile(path, GATEWAY_FORMAT, { name }, options)
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

/** Codes of a path that cannot be a folder, as opposed to a disk that takes no more. */
const NO_FOLDER = new Set(['ENOENT', 'ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'])

const asGatewayError = (error: unknown): unknown => {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !NO_FOLDER.has(code)) return asUnwritable(error, 'The state folder')
  const detail = `The state folder cannot be made there (${code}); name another with --state-dir`
  return new GatewayError('STATE_DIR_INVALID', detail, { cause: error })
}

/** Looks without a change, so that one who is refused has not harmed the owner. */
const refuseOwned = async (path: string): Promise<void> => {
  judgeStateFolder(path)
  if (existsSync(join(path, 'lock'))) refuseHeldLock(join(path, 'lock'))
  if (!(await isAnswered(join(path, 'control.sock')))) return
  // Its process is not to be seen from here: in another container, for instance.
  throw new GatewayError(
    'STATE_DIR_LOCKED',
    'Another process answers on the socket of this state folder; stop it, or give this one its own with --state-dir',
  )
}

/**
 * Opens a state folder, making it when it is new, and locks it for this process.
 *
 * @param options how its files are written
 * @throws (rejects) GatewayError STATE_DIR_LOCKED naming the pid where it is known,
 *   STATE_DIR_INVALID, SOCKET_PATH_TOO_LONG, STATE_TOO_NEW, STATE_CORRUPT, STATE_UNWRITABLE
 */
export const openStateDir = async (
  path: string,
  options: AtomicWriteOptions = {},
): Promise<StateDir> => {
  const absolute = resolve(path)
  checkSocketPath(absolute)
  try {
    await refuseOwned(absolute)
    makeStateFolder(absolute)
    const lock = takeLock(join(absolute, 'lock'), options)
    try {
      return new StateDir(absolute, lock, options)
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    throw asGatewayError(error)
  }
}
