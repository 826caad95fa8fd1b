/**
 * Taking back what a record says of its answer, as long as it is in the ring alone: its client was
 * told something else. The spool thread reads entries again whenever it tries to write them; who
 * has the lock, of the two, is alone with those that are not durable.
 */

import { CHECK_AT, ENTRY_WORD, entryCheck, LENGTH_AT } from '../entry.ts'
import { isDurable, type RecordRing, RING_WORD } from './record-ring.ts'

const LOCK = { NOBODY: 0, SPOOL: 1, WRITER: 2 } as const

/** The writer is done in microseconds; in so long, it has died, and the lock is taken from it. */
const WAIT_MS = 1
const WAITS_MAX = 100

/** Of the spool thread, before it looks at entries. */
export const lockForSpool = (
  { head }: RecordRing,
  wait: (words: Int32Array, index: number, value: number, ms: number) => unknown = Atomics.wait,
): void => {
  for (let times = 0; times < WAITS_MAX; times++) {
    const found = Atomics.compareExchange(head, RING_WORD.LOCK, LOCK.NOBODY, LOCK.SPOOL)
    // One of its own is that of a spool thread before it, which has died.
    if (found !== LOCK.WRITER) break
    wait(head, RING_WORD.LOCK, LOCK.WRITER, WAIT_MS)
  }
  Atomics.store(head, RING_WORD.LOCK, LOCK.SPOOL)
}

/** Of the writer: false while the spool thread reads and writes, however long that takes. */
export const lockForWriter = ({ head }: RecordRing): boolean =>
  Atomics.compareExchange(head, RING_WORD.LOCK, LOCK.NOBODY, LOCK.WRITER) === LOCK.NOBODY

export const unlock = ({ head }: RecordRing): void => {
  Atomics.store(head, RING_WORD.LOCK, LOCK.NOBODY)
}

/** What a record says instead. */
export interface Unsaid {
  readonly role: number
  readonly code: number
  readonly status: number
}

/**
 * Of the RECORD between `start` and `end`, counts of units, with the lock of the writer. False: it
 * is durable as it is.
 */
export const unsay = (
  ring: RecordRing,
  { start, end }: { readonly start: number; readonly end: number },
  { role, code, status }: Unsaid,
): boolean => {
  if (isDurable(ring, end)) return false
  const { words } = ring
  const at = (start & (ring.capacityUnits - 1)) * 2
  words[at + ENTRY_WORD.ROLE] = role
  words[at + ENTRY_WORD.CODE] = code
  words[at + ENTRY_WORD.STATUS] = status
  words[at + CHECK_AT] = entryCheck(words, at, words[at + LENGTH_AT]!)
  return true
}
