/** Writing and reading all of something: each call may do a part of it only. */

import { errnoOf, type FileCalls } from './file-calls.ts'

/** A signal may come often, but a call that is always interrupted is broken. */
const INTERRUPTIONS_MAX = 16

/** Repeats a call that a signal has interrupted. */
export const uninterrupted = <Value>(call: () => Value): Value => {
  for (let times = 0; ; times++) {
    try {
      return call()
    } catch (error) {
      if (errnoOf(error) !== 'EINTR' || times >= INTERRUPTIONS_MAX) throw error
    }
  }
}

/** What `writeWhole` came to. */
export interface WriteOutcome {
  /** Bytes that were written: all of them, unless there is an error. */
  readonly bytes: number
  /** What the call that failed threw, or null. */
  readonly error: unknown
}

/**
 * Writes `length` bytes of `bytes` at `position`. Throws nothing: what was written before a call
 * failed is the caller's to keep or to cut off.
 */
export const writeWhole = (
  files: FileCalls,
  file: number,
  bytes: Uint8Array,
  length: number,
  position: number,
): WriteOutcome => {
  let done = 0
  while (done < length) {
    try {
      const from = done
      const count = uninterrupted(() =>
        files.write(file, bytes, from, length - from, position + from),
      )
      if (count === 0) return { bytes: done, error: new Error('a write of 0 bytes') }
      done += count
    } catch (error) {
      return { bytes: done, error }
    }
  }
  return { bytes: done, error: null }
}

/** What is to be read. */
export interface WantedBytes {
  /** Into the buffer. */
  readonly offset: number
  readonly length: number
  /** From the file. */
  readonly position: number
  /** With so many it makes do where there is an error behind them; absent: with no fewer. */
  readonly atLeast?: number
}

/**
 * Reads bytes of a file, fewer at its end.
 *
 * @returns how many were read
 * @throws the error of the file system
 */
export const readWhole = (
  files: Pick<FileCalls, 'read'>,
  file: number,
  bytes: Uint8Array,
  { offset, length, position, atLeast = length }: WantedBytes,
): number => {
  let done = 0
  while (done < length) {
    const from = done
    try {
      const count = uninterrupted(() =>
        files.read(file, bytes, offset + from, length - from, position + from),
      )
      if (count === 0) break
      done += count
    } catch (error) {
      if (done < atLeast) throw error
      break
    }
  }
  return done
}

/** Closes a file of which nothing more is wanted: what matters was synced before. */
export const closeQuietly = (files: Pick<FileCalls, 'close'>, file: number): void => {
  try {
    files.close(file)
  } catch {
    // Linux has closed it all the same
  }
}
