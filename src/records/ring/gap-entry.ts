/** Runs of sequence numbers without a record, as an entry of the ring: GAP of entry.ts. */

import {
  CHECK_AT,
  ENTRY_KIND,
  entryCheck,
  GAP_BASE_DOUBLE,
  GAP_COUNT_MAX,
  GAP_HEADER_BYTES,
  GAP_REASON_BITS,
  GAP_RUN_WORDS,
  GAP_RUNS_WORD,
  KIND_AT,
  LENGTH_AT,
  UNIT_BYTES,
} from '../entry.ts'
import type { GapRuns } from './gap-runs.ts'
import { claim, publish, type RecordRing } from './record-ring.ts'

/** Runs of one entry: 4 KiB, so that an entry never waits for much room. */
const RUNS_MAX = 509
/** Most units of one entry. */
export const GAP_UNITS_MAX = (GAP_HEADER_BYTES + RUNS_MAX * GAP_RUN_WORDS * 4) / UNIT_BYTES
const OFFSET_MAX = 2 ** 31 - 1

/** How many of the first runs can stand in one entry. */
const fitting = (runs: GapRuns): number => {
  const base = runs.from(0)
  let count = 1
  while (count < runs.length && count < RUNS_MAX) {
    if (Math.abs(runs.from(count) - base) > OFFSET_MAX) break
    count++
  }
  return count
}

/**
 * Puts the first runs into the ring, and takes them off the list; false: there is no room, or
 * `keptUnits` would not be left of it.
 */
export const putGaps = (ring: RecordRing, runs: GapRuns, keptUnits = 0): boolean => {
  const count = fitting(runs)
  const length = GAP_HEADER_BYTES + count * GAP_RUN_WORDS * 4
  const unit = claim(ring, length / UNIT_BYTES, keptUnits)
  if (unit < 0) return false
  const { words, doubles } = ring
  const at = unit * 2
  const base = runs.from(0)
  words[at + LENGTH_AT] = length
  words[at + KIND_AT] = ENTRY_KIND.GAP
  words[at + GAP_RUNS_WORD] = count
  doubles[unit + GAP_BASE_DOUBLE] = base
  let next = at + GAP_HEADER_BYTES / 4
  let whole = 0
  for (let i = 0; i < count; i++) {
    const run = Math.min(runs.to(i) - runs.from(i) + 1, GAP_COUNT_MAX)
    words[next++] = runs.from(i) - base
    words[next++] = (run << GAP_REASON_BITS) | runs.reason(i)
    if (run === runs.to(i) - runs.from(i) + 1) whole++
    else break
  }
  // A run that is longer than one can say ends this entry; its rest begins the next.
  const put = whole === count ? count : whole + 1
  const bytes = GAP_HEADER_BYTES + put * GAP_RUN_WORDS * 4
  words[at + LENGTH_AT] = bytes
  words[at + GAP_RUNS_WORD] = put
  words[at + CHECK_AT] = entryCheck(words, at, bytes)
  publish(ring, bytes / UNIT_BYTES)
  runs.take(whole)
  if (whole < count) runs.shorten(GAP_COUNT_MAX)
  return true
}
