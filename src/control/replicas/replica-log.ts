/** What replicas write to stdout and stderr: a file each, cut at a size, one old file kept. */

import { closeSync, copyFileSync, openSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'

const BYTES_MAX = 16 * 1024 * 1024

const logPath = (logsPath: string, replica: number): string =>
  join(logsPath, `replica-${replica}.log`)

/**
 * Moves a log that has grown over `bytesMax` to `replica-<n>.log.old`. Copied and cut, not renamed:
 * the replica keeps its descriptor, and with O_APPEND its next line is the first of the cut file.
 * Lines that it writes between copy and cut are lost.
 */
export const rotateReplicaLog = (
  logsPath: string,
  replica: number,
  bytesMax = BYTES_MAX,
): boolean => {
  const path = logPath(logsPath, replica)
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size <= bytesMax) return false
  copyFileSync(path, `${path}.old`)
  truncateSync(path)
  return true
}

/** Runs `task` with a descriptor to append to the log of a replica. */
export const withReplicaLog = <T>(
  logsPath: string,
  replica: number,
  task: (file: number) => T,
): T => {
  const file = openSync(logPath(logsPath, replica), 'a', 0o600)
  try {
    return task(file)
  } finally {
    closeSync(file)
  }
}
