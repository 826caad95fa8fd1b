/**
 * Which files of a model are at rest. What is still being copied is as good as not there yet: a
 * version is not tried, settings are not read, and what was known before stays. Pure.
 *
 * Files are at rest when the youngest is older than a second, or when two looks a second apart saw
 * the same: so it does not matter whether the clock of a file server is right. A copy that stalls
 * for longer can be taken for whole; then its files change later, which the look after the proving
 * run sees.
 */

import type { ModelStamp } from '../../registry/file-stamps.ts'
import type { RepositoryFault, ScannedModel } from '../../registry/folder.ts'
import { refuse } from '../../shared/errors.ts'

export const SETTLE_MS = 1000

/** What an earlier look saw, as long as that is not at rest. */
export interface Restless {
  readonly text: string
  /** Monotonic milliseconds of the first look that saw it so. */
  readonly sinceMs: number
}

/** By version; 0 are the settings. */
export type RestlessParts = ReadonlyMap<number, Restless>

export interface Look {
  /** Before the files were read, and after. */
  readonly before: ModelStamp
  readonly after: ModelStamp
  /** Wall clock. */
  readonly nowMs: number
  readonly monotonicMs: number
  readonly known: RestlessParts
}

const SETTINGS = 0

const COPYING = refuse('FILES_CHANGING', 'Its files are still being written')
const EDITED = refuse('FILES_CHANGING', 'Settings of the model are still being written')

const partsOf = ({ settings, versions }: ModelStamp) => new Map([[SETTINGS, settings], ...versions])

/** Parts that are not at rest, and milliseconds until the first of them may be. */
export const restlessParts = (look: Look): { parts: RestlessParts; waitMs: number } => {
  const { nowMs, monotonicMs, known } = look
  const after = partsOf(look.after)
  const parts = new Map<number, Restless>()
  let waitMs = SETTLE_MS
  for (const [part, { text, changedMs }] of partsOf(look.before)) {
    const isSame = after.get(part)?.text === text
    const before = known.get(part)
    const sinceMs = isSame && before?.text === text ? before.sinceMs : monotonicMs
    const ageMs = nowMs - changedMs
    if (isSame && (ageMs >= SETTLE_MS || monotonicMs - sinceMs >= SETTLE_MS)) continue
    parts.set(part, { text, sinceMs })
    const restMs = isSame && ageMs >= 0 ? SETTLE_MS - ageMs : SETTLE_MS
    waitMs = Math.min(waitMs, Math.max(1, restMs))
  }
  return { parts, waitMs }
}

/** The model without what is not at rest in it, and what its versions looked like. */
export const withoutRestless = (
  model: ScannedModel,
  parts: RestlessParts,
  { versions: stamps }: ModelStamp,
): ScannedModel => {
  const isEdited = parts.has(SETTINGS)
  const settings: RepositoryFault = { ...EDITED, file: model.name }
  const versions = model.versions.map((each) => {
    const scanned = { ...each, stamp: stamps.get(each.version)?.text ?? '' }
    if (isEdited) return { ...scanned, fault: settings }
    if (!parts.has(scanned.version)) return scanned
    return { ...scanned, fault: { ...COPYING, file: `${model.name}/${scanned.version}` } }
  })
  if (!isEdited) return { ...model, versions }
  return { ...model, versions, faults: [settings], isBroken: true }
}
