/** What the file sink has in the state file beside its intent. */

import { dirname } from 'node:path'
import type { Intent, Rename, SinkState } from '../shipping/sink.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'

export interface SinkNotes {
  readonly nextNumber: number
  /** `records.path` as it was; null: nobody knows. */
  readonly root: string | null
  /** Producers of the files that the intent gives up. */
  readonly counted: readonly string[]
  /** What could not be renamed because it was not there. */
  readonly lost: readonly Rename[]
}

const listOf = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? value : [])

export const notedOf = (state: SinkState | null): SinkNotes => ({
  nextNumber: Number(state?.['nextNumber'] ?? 1),
  root: typeof state?.['root'] === 'string' ? state['root'] : null,
  counted: listOf(state?.['counted']),
  lost: listOf(state?.['lost']),
})

const NOTHING: Intent = { renames: [], deletes: [] }

/**
 * What is to be done of an intent. One of an earlier release does not say which file is to be
 * deleted because of which other one: those that lie beside a new one stay. Where that is there it
 * names them itself.
 */
export const publishable = (state: SinkState | null, intent: Intent | null): Intent => {
  const { renames, deletes } = intent ?? NOTHING
  if (state?.['counted'] !== undefined) return { renames, deletes }
  const folders = new Set(renames.map(([, to]) => dirname(to)))
  folders.delete(PRODUCERS_FOLDER)
  return { renames, deletes: deletes.filter((path) => !folders.has(dirname(path))) }
}
