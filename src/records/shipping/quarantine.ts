/**
 * Segments of which something could not be read, for people to look at: kept instead of deleted, up
 * to a bound, so that a disk that damages ever more is not filled by it. Who puts one back has it
 * read anew and, since nobody can tell any more what was shipped of it, set aside again.
 */

import { join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import type { PatientLooks } from '../spool/patient-looks.ts'

/** Folder in the spool. */
export const QUARANTINE = 'quarantine'

/** The oldest go first beyond that. */
const QUARANTINE_BYTES_MAX = 1024 ** 3

/** That anybody puts one back more often is a fault of somebody. */
const SAME_NAME_MAX = 1000

/** Behind the name of one that only ends in half a frame: all else of it is shipped. */
const TORN = '.torn'

/** Names of what is in it. */
export const NAME = /\.seg(\.torn)?(\.\d+)?$/

const DAY_MS = 86_400_000

export interface QuarantineOptions {
  readonly files: FileCalls
  /** The spool. */
  readonly folder: string
  /** At what is in the quarantine. */
  readonly looks: PatientLooks
  readonly bytesMax?: number
  onFault(where: string, thrown: unknown): void
}

/**
 * Moves a segment there; `isTorn`: nothing is wrong with it but its end. `makeRoom` has to follow.
 *
 * @returns its name there
 * @throws the error of the file system; the segment is then where it was
 */
export const setAside = (file: string, options: QuarantineOptions, isTorn = false): string => {
  const { files, folder } = options
  const quarantine = join(folder, QUARANTINE)
  if (files.stat(quarantine) === null) files.mkdir(quarantine)
  const plainName = isTorn ? file + TORN : file
  let name = plainName
  // One of the same name was here before, and was put back. What cannot be looked at is not tried
  // by other names: nothing here can be.
  for (let times = 2; files.stat(join(quarantine, name)) !== null; times++) {
    if (times > SAME_NAME_MAX) throw new Error(`${QUARANTINE} has ${plainName} too often`)
    name = `${plainName}.${times}`
  }
  files.rename(join(folder, file), join(quarantine, name))
  return name
}

interface Kept {
  readonly name: string
  readonly bytes: number
  /** Since when it is here; it may have been written long ago, or by a clock that was wrong. */
  readonly sinceMs: number
  readonly isTorn: boolean
}

/** In the order in which they go. What a disk does not let be seen cannot be deleted either. */
const keptIn = ({ files, looks }: QuarantineOptions, quarantine: string): Kept[] =>
  [...looks.look(files.readdir(quarantine).filter((name) => NAME.test(name)))]
    .flatMap(([name, { stat, isSeen }]): Kept[] => {
      if (!isSeen || stat?.kind !== 'file') return []
      const { bytes, touchedMs: sinceMs } = stat
      return [{ name, bytes, sinceMs, isTorn: name.includes(TORN) }]
    })
    .toSorted((a, b) => Number(b.isTorn) - Number(a.isTorn) || a.sinceMs - b.sinceMs)

/** Whether it is gone; it is told either way, and one that cannot be deleted keeps no other. */
const drop = (
  { files, folder, onFault }: QuarantineOptions,
  { name }: Kept,
  why: string,
): boolean => {
  try {
    files.unlink(join(folder, QUARANTINE, name))
  } catch (thrown) {
    if (errnoOf(thrown) === '') throw thrown
    onFault(name, thrown)
    return false
  }
  onFault(name, `deleted: ${why}`)
  return true
}

/**
 * Deletes what is too much, after some have come, of which `newest` is the last: a thousand may
 * come at once, and each of them would have all others looked at.
 *
 * @throws the error of the file system; they are there all the same
 */
export const makeRoom = (newest: string, options: QuarantineOptions): void => {
  const { files, folder, bytesMax = QUARANTINE_BYTES_MAX } = options
  const quarantine = join(folder, QUARANTINE)
  syncFolder(files, quarantine)
  const found = keptIn(options, quarantine)
  let bytes = found.reduce((sum, each) => sum + each.bytes, 0)
  for (const each of found) {
    if (bytes <= bytesMax) return
    if (each.name === newest && !each.isTorn) continue
    const why = `the quarantine has room for ${bytesMax} bytes`
    if (drop(options, each, why)) bytes -= each.bytes
  }
}

/**
 * Deletes what has been here for longer than records may be kept: for people to look at it there
 * has to be a time for it, however old it was when it came.
 *
 * @param daysMax 0: for ever
 * @param nowMs a wall clock that can be believed
 * @param today what a time of files is by that clock: it may have been set since
 * @throws the error of the file system, where it cannot be seen what is here
 */
export const retireKept = (
  options: QuarantineOptions,
  daysMax: number,
  nowMs: number,
  today = (ms: number): number => ms,
): void => {
  const { files, folder } = options
  const quarantine = join(folder, QUARANTINE)
  if (daysMax === 0 || files.stat(quarantine) === null) return
  for (const each of keptIn(options, quarantine)) {
    if (nowMs - today(each.sinceMs) <= daysMax * DAY_MS) continue
    drop(options, each, `it was in the quarantine for more than ${daysMax} days`)
  }
}
