/** What is in the folder of the spool. */

import { join } from 'node:path'
import { type FileCalls, lookAt } from './file-calls.ts'
import { parseSegmentName } from './segment-names.ts'

export interface FolderContent {
  /** By the name of every segment, whoever wrote it. */
  readonly segments: ReadonlyMap<string, number>
  /** Names of those that could not be looked at now. */
  readonly unseen: ReadonlySet<string>
  /** The sum of all. */
  readonly bytes: number
}

/**
 * Bytes of all segments. One that goes while this looks is passed over; what is no file, or
 * cannot be looked at, counts what was `known` of it before.
 *
 * @throws the error of the file system where the folder cannot be read
 */
export const readFolder = (
  files: FileCalls,
  folder: string,
  known: ReadonlyMap<string, number> = new Map(),
): FolderContent => {
  const segments = new Map<string, number>()
  const unseen = new Set<string>()
  let bytes = 0
  for (const name of files.readdir(folder)) {
    if (parseSegmentName(name) === null) continue
    const stat = lookAt(files, join(folder, name))
    if (stat === null) continue
    if (stat.kind === 'other') unseen.add(name)
    const size = stat.kind === 'file' ? stat.bytes : known.get(name)
    if (size === undefined) continue
    segments.set(name, size)
    bytes += size
  }
  return { segments, unseen, bytes }
}
