/** File calls that fail when a test says so, over a real file system or one in memory. */

import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import { CrashFiles } from './crash-files.ts'

/** What happens to one call. */
export type Fault =
  /** It throws this code and does nothing. */
  | { readonly errno: string }
  /** A write or read does half of it. Other calls are not touched. */
  | { readonly short: true }
  /** The process dies before, after or, if it writes, in the middle of it. */
  | { readonly crash: 'before' | 'after' | 'middle' }

/** Asked before every call: its name, and its number from 1. */
export type FaultPlan = (call: keyof FileCalls, number: number) => Fault | null

/** What every call of a process throws that is no more. */
export class Crash extends Error {}

export interface FailingFiles extends FileCalls {
  /** Calls so far. */
  readonly count: number
  readonly isCrashed: boolean
}

const throwing = (errno: string): never => {
  throw Object.assign(new Error(`${errno}: on purpose`), { code: errno })
}

/** `files` with faults. */
export const failingFiles = (files: FileCalls, plan: FaultPlan): FailingFiles => {
  let count = 0
  let isCrashed = false
  const die = (): never => {
    isCrashed = true
    throw new Crash('the process is dead')
  }
  /** `part` does half of the call, where it can be halved. */
  const run = <Value>(
    call: keyof FileCalls,
    whole: () => Value,
    part: (() => Value) | null = null,
    onError: () => void = () => {},
  ): Value => {
    if (isCrashed) return die()
    const fault = plan(call, ++count)
    if (fault === null) return whole()
    if ('errno' in fault) {
      onError()
      return throwing(fault.errno)
    }
    if ('short' in fault) return (part ?? whole)()
    if (fault.crash === 'middle') part?.()
    if (fault.crash === 'after') whole()
    return die()
  }
  return {
    get count() {
      return count
    },
    get isCrashed() {
      return isCrashed
    },
    open: (path, flags, mode) => run('open', () => files.open(path, flags, mode)),
    write: (file, bytes, offset, length = bytes.length - offset, position = null) => {
      const half = Math.max(1, Math.floor(length / 2))
      return run(
        'write',
        () => files.write(file, bytes, offset, length, position),
        () => files.write(file, bytes, offset, half, position),
      )
    },
    read: (file, bytes, offset, length, position) => {
      const half = Math.max(1, Math.floor(length / 2))
      return run(
        'read',
        () => files.read(file, bytes, offset, length, position),
        () => files.read(file, bytes, offset, half, position),
      )
    },
    fsync: (file) =>
      run(
        'fsync',
        () => files.fsync(file),
        null,
        () => {
          if (files instanceof CrashFiles) files.failSync(file)
        },
      ),
    ftruncate: (file, bytes) => run('ftruncate', () => files.ftruncate(file, bytes)),
    // Linux closes a file also where it answers with an error.
    close: (file) =>
      run(
        'close',
        () => files.close(file),
        null,
        () => files.close(file),
      ),
    rename: (from, to) => run('rename', () => files.rename(from, to)),
    link: (from, to) => run('link', () => files.link(from, to)),
    unlink: (path) => run('unlink', () => files.unlink(path)),
    mkdir: (path, mode) => run('mkdir', () => files.mkdir(path, mode)),
    rmdir: (path) => run('rmdir', () => files.rmdir(path)),
    readdir: (path) => run('readdir', () => files.readdir(path)),
    stat: (path) => run('stat', () => files.stat(path)),
  }
}

/** The n-th call fails with `errno`, or is short; with `isLasting` all from the n-th on. */
export const nthFailure = (
  files: FileCalls,
  n: number,
  errno: string | 'short',
  isLasting = false,
): FailingFiles =>
  failingFiles(files, (_, number) => {
    if (isLasting ? number < n : number !== n) return null
    return errno === 'short' ? { short: true } : { errno }
  })
