/**
 * Replacing small files whole: a reader, also one after a power failure, sees the old content or
 * the new, never a part. Write to a temporary file, fsync, rename, fsync the folder.
 */

import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** The calls that writing needs, so that a test can fail the n-th of them. */
export interface FileCalls {
  open(path: string, flags: string, mode?: number): number
  write(file: number, bytes: Uint8Array, offset: number): number
  fsync(file: number): void
  close(file: number): void
  rename(from: string, to: string): void
  link(from: string, to: string): void
  unlink(path: string): void
}

const SYSTEM_CALLS: FileCalls = {
  open: openSync,
  write: (file, bytes, offset) => writeSync(file, bytes, offset),
  fsync: fsyncSync,
  close: closeSync,
  rename: renameSync,
  link: linkSync,
  unlink: unlinkSync,
}

export interface AtomicWriteOptions {
  /** Rights of the file; 0600 when absent. */
  readonly mode?: number
  /** False skips both fsync calls: still whole for every reader, but not after a power failure. */
  readonly isDurable?: boolean
  readonly calls?: FileCalls
}

/** Marks files that a crash may leave behind; nobody else's files hold it. */
const TEMPORARY = '.sluice-tmp-'

/** Whether a file name is that of an unfinished write. */
export const isTemporaryFile = (name: string): boolean => name.includes(TEMPORARY)

let writes = 0

/** A name beside `path` that no other write uses. */
const temporaryPath = (path: string): string => `${path}${TEMPORARY}${process.pid}-${++writes}`

const writeWhole = (calls: FileCalls, file: number, bytes: Uint8Array): void => {
  let offset = 0
  // A write may be short (a signal, a nearly full disk); only a loop writes everything.
  while (offset < bytes.length) offset += calls.write(file, bytes, offset)
}

/** Runs `task` on an open file and closes it also when `task` throws. */
const withFile = (calls: FileCalls, file: number, task: () => void): void => {
  try {
    task()
  } catch (error) {
    try {
      calls.close(file)
    } catch {
      // the first error tells more
    }
    throw error
  }
  calls.close(file)
}

/**
 * Makes creations, renames and removals in a folder survive a power failure.
 *
 * @throws the error of the file system
 */
export const syncFolder = (calls: FileCalls, path: string): void => {
  const folder = calls.open(path, 'r')
  withFile(calls, folder, () => calls.fsync(folder))
}

/** Removes a file if it is there; what went wrong before tells more than what goes wrong here. */
const tryUnlink = (calls: FileCalls, path: string): void => {
  try {
    calls.unlink(path)
  } catch {
    // not created, or the disk is gone
  }
}

/** Writes a temporary file beside `path` whole; when this throws, none is left. */
const writeTemporary = (
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, isDurable = true, calls = SYSTEM_CALLS }: AtomicWriteOptions,
): string => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const temporary = temporaryPath(path)
  try {
    const file = calls.open(temporary, 'wx', mode)
    withFile(calls, file, () => {
      writeWhole(calls, file, bytes)
      if (isDurable) calls.fsync(file)
    })
  } catch (error) {
    tryUnlink(calls, temporary)
    throw error
  }
  return temporary
}

/**
 * Replaces the content of a file, or creates it. When this throws, the file holds its old content
 * or all of the new one (the latter when only the last fsync failed).
 *
 * @throws the error of the file system
 */
export const writeFileAtomic = (
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): void => {
  const { isDurable = true, calls = SYSTEM_CALLS } = options
  const temporary = writeTemporary(path, content, options)
  try {
    calls.rename(temporary, path)
  } catch (error) {
    tryUnlink(calls, temporary)
    throw error
  }
  if (isDurable) syncFolder(calls, dirname(path))
}

/**
 * Creates a file that nobody ever sees without its content. Of several that create it at once, one
 * succeeds. When this throws, the file is not there.
 *
 * @returns false when the name is taken
 * @throws the error of the file system
 */
export const createFileAtomic = (
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): boolean => {
  const { isDurable = true, calls = SYSTEM_CALLS } = options
  const temporary = writeTemporary(path, content, options)
  try {
    // Opening the name itself would show others a file without its content for a moment.
    calls.link(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    tryUnlink(calls, temporary)
  }
  try {
    if (isDurable) syncFolder(calls, dirname(path))
  } catch (error) {
    tryUnlink(calls, path)
    throw error
  }
  return true
}

/**
 * Reads a file of at most `bytesMax` bytes; null when it does not exist.
 *
 * @throws RangeError when the file is larger; the error of the file system otherwise
 */
export const readFileBounded = (path: string, bytesMax: number): Uint8Array | null => {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { size } = fstatSync(file)
    if (size > bytesMax) throw new RangeError(`${size} bytes; at most ${bytesMax} are read`)
    const bytes = new Uint8Array(size)
    let length = 0
    while (length < size) {
      const count = readSync(file, bytes, length, size - length, null)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}
