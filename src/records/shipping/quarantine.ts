/**
 * Segments of which something could not be read, for people to look at: kept instead of deleted, up
 * to a bound, so that a disk that damages ever more is not filled by it. Who puts one back has it
 * read anew and, since nobody can tell any more what was shipped of it, set aside again.
 */

import { join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { type FileCalls, lookAt } from '../spool/file-calls.ts'

/** Folder in the spool. */
const QUARANTINE = 'quarantine'

/** The oldest go first beyond that. */
const QUARANTINE_BYTES_MAX = 1024 ** 3

const NAME = /\.seg(\.\d+)?$/

export interface QuarantineOptions {
  readonly files: FileCalls
  /** The spool. */
  readonly folder: string
  readonly bytesMax?: number
  onFault(where: string, thrown: unknown): void
}

/**
 * Moves a segment there.
 *
 * @throws the error of the file system; the segment is then where it was
 */
export const setAside = (file: string, options: QuarantineOptions): void => {
  const { files, folder } = options
  const quarantine = join(folder, QUARANTINE)
  if (files.stat(quarantine) === null) files.mkdir(quarantine)
  let name = file
  // One of the same name was here before, and was put back.
  for (let times = 2; lookAt(files, join(quarantine, name)) !== null; times++) {
    name = `${file}.${times}`
  }
  files.rename(join(folder, file), join(quarantine, name))
  // It is moved by now: what comes behind that is told, and for another time.
  try {
    syncFolder(files, quarantine)
    makeRoom(quarantine, name, options)
  } catch (thrown) {
    options.onFault(name, thrown)
  }
}

const makeRoom = (quarantine: string, kept: string, options: QuarantineOptions): void => {
  const { files, bytesMax = QUARANTINE_BYTES_MAX, onFault } = options
  const found = files
    .readdir(quarantine)
    .filter((name) => NAME.test(name))
    .map((name) => ({ name, stat: lookAt(files, join(quarantine, name)) }))
    .toSorted((a, b) => (a.stat?.changedMs ?? 0) - (b.stat?.changedMs ?? 0))
  let bytes = found.reduce((sum, { stat }) => sum + (stat?.bytes ?? 0), 0)
  for (const { name, stat } of found) {
    if (bytes <= bytesMax) return
    if (name === kept || stat?.kind !== 'file') continue
    files.unlink(join(quarantine, name))
    bytes -= stat.bytes
    onFault(name, `deleted: the quarantine has room for ${bytesMax} bytes`)
  }
}
