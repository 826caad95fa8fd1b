/**
 * One owner of a state folder at a time, also when several start at once and after crashes.
 *
 * The lock is the file with the highest number in its folder. It names its holder: pid, start time
 * and boot, so that a pid that was used again is not taken for the holder. A dead holder's lock is
 * not removed and made anew (two starters could then each remove the other's) but succeeded by the
 * next number, which only one of them can create. The highest number never falls, because only the
 * holder of a higher one removes files; so whoever created a number too late sees a higher one.
 */

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type AtomicWriteOptions, createFileAtomic } from './atomic-file.ts'
import { GatewayError } from './errors.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts'
import {
  corrupt,
  readStateFile,
  type StateFormat,
  stateFileText,
  writeStateFile,
} from './state-file.ts'

export const LOCK_FORMAT: StateFormat = { name: 'sluice.lock', version: 1 }
/** Every failed attempt means that another starter came further: a few are already unlikely. */
const ATTEMPTS_MAX = 100
const LOCK_NAME = /^([1-9][0-9]{0,14})\.json$/

export interface StateLock {
  /** Lets go; the next starter succeeds. Only a process that stays alive needs to call it. */
  release(): void
}

const numberOf = (name: string): number => Number(LOCK_NAME.exec(name)?.[1] ?? 0)

const highestNumber = (folder: string): number =>
  readdirSync(folder).reduce((highest, name) => Math.max(highest, numberOf(name)), 0)

export interface LockOptions extends AtomicWriteOptions {
  /**
   * For a folder that another lock guards as well: a file that cannot be read, or names this
   * process, which has not taken the lock yet, is one of nobody. Absent: neither is guessed.
   */
  readonly onNobody?: (name: string, detail: string) => void
}

type Holder = ProcessIdentity | 'released' | 'gone'

/** The holder that a lock file names; `released`: none; `gone`: it was succeeded meanwhile. */
const readHolder = (folder: string, name: string): Holder => {
  const fields = readStateFile(join(folder, name), `lock/${name}`, LOCK_FORMAT)
  if (fields === null) return 'gone'
  if (fields['isReleased'] === true) return 'released'
  const { pid, startTime, bootId } = fields
  if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof bootId !== 'string') {
    throw corrupt(`lock/${name}`, 'names no process')
  }
  return { pid, startTime, bootId }
}

const lockedBy = ({ pid }: ProcessIdentity): GatewayError =>
  new GatewayError(
    'STATE_DIR_LOCKED',
    `Process ${pid} uses this state folder; stop it, or give this one its own with --state-dir`,
  )

/** The same; what names nobody for certain counts as `released` where that is asked for. */
const findHolder = (folder: string, name: string, { onNobody }: LockOptions): Holder => {
  if (onNobody === undefined) return readHolder(folder, name)
  try {
    const holder = readHolder(folder, name)
    if (typeof holder === 'string' || holder.pid !== process.pid) return holder
    onNobody(name, `process ${holder.pid} is this one`)
  } catch (thrown) {
    const { code, message } = GatewayError.from(thrown)
    if (code !== 'STATE_CORRUPT') throw thrown
    onNobody(name, message)
  }
  return 'released'
}

/** Number of the lock of now; null when another starter came in between. */
const presentNumber = (folder: string, options: LockOptions = {}): number | null => {
  const highest = highestNumber(folder)
  if (highest === 0) return 0
  const holder = findHolder(folder, `${highest}.json`, options)
  if (holder === 'gone') return null
  if (holder !== 'released' && isAlive(holder)) throw lockedBy(holder)
  return highest
}

/**
 * Only looks: returns when nobody that can be seen from here holds the lock.
 *
 * @throws GatewayError STATE_DIR_LOCKED naming the pid, STATE_TOO_NEW, STATE_CORRUPT
 */
export const refuseHeldLock = (folder: string): void => {
  presentNumber(folder)
}

/** One attempt to succeed the present holder; null when another starter came in between. */
const tryTake = (folder: string, own: ProcessIdentity, options: LockOptions): number | null => {
  const present = presentNumber(folder, options)
  if (present === null) return null
  const number = present + 1
  const path = join(folder, `${number}.json`)
  if (!createFileAtomic(path, stateFileText(LOCK_FORMAT, own), options)) return null
  if (highestNumber(folder) === number) return number
  rmSync(path, { force: true })
  return null
}

const release = (path: string): void => {
  try {
    writeStateFile(path, LOCK_FORMAT, { isReleased: true })
  } catch {
    // The disk is full or gone: the lock then ends with the process, which is about to end.
  }
}

/**
 * Takes the lock for this process.
 *
 * @param folder holds nothing but lock files
 * @throws GatewayError STATE_DIR_LOCKED naming the pid, STATE_TOO_NEW, STATE_CORRUPT; the error of
 *   the file system
 */
export const takeLock = (folder: string, options: LockOptions = {}): StateLock => {
  const own = ownIdentity()
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const number = tryTake(folder, own, options)
    if (number === null) continue
    for (const name of readdirSync(folder)) {
      const other = numberOf(name)
      if (other > 0 && other < number) rmSync(join(folder, name), { force: true })
    }
    const path = join(folder, `${number}.json`)
    return { release: () => release(path) }
  }
  throw new GatewayError(
    'STATE_DIR_LOCKED',
    'Too many processes start on this state folder at once',
  )
}
