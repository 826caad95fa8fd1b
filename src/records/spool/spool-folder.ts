/** What is in the folder of the spool. */

import type { PatientLooks } from './patient-looks.ts'
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
 * Bytes of all segments among these names. What is no file is passed over; what cannot be looked
 * at counts what was known of it before.
 */
export const contentOf = (names: readonly string[], looks: PatientLooks): FolderContent => {
  const segments = new Map<string, number>()
  const unseen = new Set<string>()
  let bytes = 0
  const looked = looks.look(names.filter((name) => parseSegmentName(name) !== null))
  for (const [name, { stat, isSeen }] of looked) {
    if (!isSeen) unseen.add(name)
    if (stat?.kind !== 'file') continue
    segments.set(name, stat.bytes)
    bytes += stat.bytes
  }
  return { segments, unseen, bytes }
}
