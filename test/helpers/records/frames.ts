/** Frames of segments as the spool thread of a replica writes them, all of its thread 0. */

import { type Account, FRAME } from '../../../src/records/spool/segment-format.ts'
import { recordEntry } from '../ring-entries.ts'
import type { PlannedFrame } from '../segments.ts'

/** Whose they are in a segment with `HEADER`. */
export const PRODUCER = 'g7q2.1.0-3'

/** The numbers from 1 on. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

/** An entry without values. */
export const record = (sequence: number, layout = 2): Uint8Array =>
  recordEntry({ sequence, layout, payloadBytes: 0 })

/** A frame of entries up to `last`, which is the last that was taken, unless `account` differs. */
export const entriesFrame = (
  entries: readonly Uint8Array[],
  last: number,
  account: Partial<Account> = {},
): PlannedFrame => ({
  kind: FRAME.RECORDS,
  account: { thread: 0, count: entries.length, floor: last + 1, taken: last, ...account },
  bytes: Buffer.concat(entries),
})

/** The frame of the records from `first` to `last`. */
export const records = (
  first: number,
  last: number,
  account: Partial<Account> = {},
  layout = 2,
): PlannedFrame => {
  const numbers = upTo(last - first + 1).map((number) => first + number - 1)
  return entriesFrame(
    numbers.map((number) => record(number, layout)),
    last,
    account,
  )
}

/** What a data thread has said that came to its end in order. */
export const ended = (taken: number): PlannedFrame => ({
  kind: FRAME.END,
  account: { thread: 0, count: 0, floor: taken + 1, taken },
})
