/** What the file sink has in the state file beside its intent. */

import { dirname } from 'node:path'
import type { Intent, Rename, SinkState } from '../shipping/sink.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'
import type { Waiting } from './retired.ts'

export interface SinkNotes {
  readonly nextNumber: number
  /** Of the intent that is beside it; 0: an earlier release has written it. */
  readonly intentNumber: number
  /** `records.path` as it was; null: nobody knows. */
  readonly root: string | null
  readonly waiting: Waiting
  /** Files that an earlier release has counted and could not delete: no account says so. */
  readonly unsaid: readonly string[]
  /** What could not be renamed because it was not there. */
  readonly lost: readonly Rename[]
}

const listOf = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? value : [])

export const notedOf = (state: SinkState | null): SinkNotes => ({
  nextNumber: Number(state?.['nextNumber'] ?? 1),
  intentNumber: Number(state?.['intentNumber'] ?? 0),
  root: typeof state?.['root'] === 'string' ? state['root'] : null,
  waiting: listOf(state?.['waiting']),
  unsaid: listOf(state?.['unsaid']),
  lost: listOf(state?.['lost']),
})

const NOTHING: Intent = { renames: [], deletes: [] }

/**
 * What is to be done of an intent. One of an earlier release does not say which file is to be
 * deleted because of which other one: it may be because of any new one beside it, and none of those
 * that are deleted there goes unless all of these are there.
 *
 * What was given up with one of this release is left to the next tidy, where `records.path` is the
 * same: its disk may have been away meanwhile, and what is on it counts when its accounts say so.
 */
export const publishable = (
  state: SinkState | null,
  intent: Intent | null,
  root: string,
): Intent => {
  const { renames, deletes } = intent ?? NOTHING
  const noted = notedOf(state)
  if (noted.intentNumber > 0 && noted.root === root) return { renames, deletes: [] }
  if (state?.['counted'] !== undefined) return { renames, deletes }
  const beside = (to: string): string[] => {
    const folder = dirname(to)
    return folder === PRODUCERS_FOLDER ? [] : deletes.filter((path) => dirname(path) === folder)
  }
  const tied = renames.map(([from, to]): Rename => [from, to, beside(to)])
  const isTied = new Set(tied.flatMap(([, , replaced]) => replaced ?? []))
  return { renames: tied, deletes: deletes.filter((path) => !isTied.has(path)) }
}
