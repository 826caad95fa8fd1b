/**
 * The calls by which records reach disks: spool, shipper, file sink and `verify` make no others, so
 * that a test can fail the n-th of them, or put a file system that forgets in their place.
 *
 * All are synchronous: whoever uses them has a thread or a process of his own for it. They throw
 * what `node:fs` throws.
 */

import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import type { FileCalls as AtomicFileCalls } from '../../shared/atomic-file.ts'

export interface FileStat {
  /** `other`: a FIFO, a socket, a device. Opening a FIFO waits for somebody who writes to it. */
  readonly kind: 'file' | 'folder' | 'other'
  readonly bytes: number
  /** Last change of what is in it, wall clock. */
  readonly changedMs: number
  /** Last change of it or of anything about it, its name for one; nobody can set it. */
  readonly touchedMs: number
}

export interface FileCalls extends AtomicFileCalls {
  /** `flags` as those of `fs.open`. A folder is opened with `r`, to be synced. */
  open(path: string, flags: string, mode?: number): number
  /**
   * Writes at `position`, or where the last write ended, `length` bytes from `offset` on, or all
   * from there. Returns how many were written, which may be fewer.
   */
  write(
    file: number,
    bytes: Uint8Array,
    offset: number,
    length?: number,
    position?: number | null,
  ): number
  /** Reads at most `length` bytes. Returns how many were read; 0 at the end of the file. */
  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number
  ftruncate(file: number, bytes: number): void
  /** Throws EEXIST when it is there, ENOENT when its parent is not. */
  mkdir(path: string, mode?: number): void
  /** Throws ENOTEMPTY when something is in it. */
  rmdir(path: string): void
  /** Names in a folder, in no order. */
  readdir(path: string): string[]
  /** Follows links; null when there is nothing by that name. */
  stat(path: string): FileStat | null
}

/** Those that reading a file takes. */
export type ReadCalls = Pick<FileCalls, 'open' | 'read' | 'close' | 'stat'>

/** Code of what a file call threw; an empty string when it is no error of the system. */
export const errnoOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException)?.code ?? ''

const NOT_TO_BE_SEEN: FileStat = { kind: 'other', bytes: 0, changedMs: 0, touchedMs: 0 }

/**
 * What lies at a path; null: nothing. A link that leads nowhere, or what this user may not look at,
 * is `other`: one such name must not hide its neighbours.
 */
export const lookAt = (files: FileCalls, path: string): FileStat | null => {
  try {
    return files.stat(path)
  } catch (error) {
    if (errnoOf(error) === '') throw error
    return NOT_TO_BE_SEEN
  }
}

export const systemFiles: FileCalls = {
  open: (path, flags, mode = 0o600) => openSync(path, flags, mode),
  write: (file, bytes, offset, length = bytes.length - offset, position = null) =>
    writeSync(file, bytes, offset, length, position),
  read: (file, bytes, offset, length, position) => readSync(file, bytes, offset, length, position),
  fsync: fsyncSync,
  ftruncate: ftruncateSync,
  close: closeSync,
  rename: renameSync,
  link: linkSync,
  unlink: unlinkSync,
  mkdir: (path, mode = 0o700) => {
    mkdirSync(path, { mode })
  },
  rmdir: (path) => rmdirSync(path),
  readdir: (path) => readdirSync(path),
  stat: (path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return null
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other'
    const { size: bytes, mtimeMs: changedMs, ctimeMs: touchedMs } = found
    return { kind, bytes, changedMs, touchedMs }
  },
}
