/** The entries of a RECORDS frame, one behind the other. */

import { RECORD_ROLES } from '../../shared/record-policy.ts'
import {
  ENTRY_DOUBLE,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  ENTRY_WORD,
  KIND_AT,
  LENGTH_AT,
} from '../entry.ts'
import { EntryInvalid } from '../entry-cursor.ts'
import { readGaps } from '../entry-reader.ts'
import type { Gap } from '../reasons.ts'
import type { FrameViews } from './frame-views.ts'

const SHADOW = RECORD_ROLES.indexOf('shadow')

export interface EntryVisitor {
  /** False: it is not wanted. */
  record(sequence: number, isShadow: boolean): boolean
  gap(gap: Gap): void
}

let froms = new Int32Array(1024)

export interface Visited {
  /** Where records that are wanted begin, valid until the next call. */
  readonly froms: Int32Array
  readonly count: number
  /** False: there is something that is no entry. */
  readonly isWhole: boolean
}

/**
 * Shows every entry to `visitor`. The checksum of the frame says that they are as they were
 * written.
 */
export const visitEntries = (
  { bytes, words, doubles }: FrameViews,
  visitor: EntryVisitor,
): Visited => {
  let count = 0
  let isWhole = true
  for (let at = 0; at + 8 <= bytes.length; ) {
    const word = at >> 2
    const length = words[word + LENGTH_AT]!
    const kind = words[word + KIND_AT]
    if (length < 8 || length % 8 !== 0 || at + length > bytes.length) {
      isWhole = false
      break
    }
    if (kind === ENTRY_KIND.RECORD && length >= ENTRY_HEADER_BYTES) {
      const sequence = doubles[(at >> 3) + ENTRY_DOUBLE.SEQUENCE]!
      if (!(Number.isSafeInteger(sequence) && sequence > 0)) isWhole = false
      else if (visitor.record(sequence, words[word + ENTRY_WORD.ROLE] === SHADOW)) {
        if (count === froms.length) froms = enlarged(froms)
        froms[count++] = at
      }
    } else if (kind === ENTRY_KIND.GAP) {
      if (!visitGaps(bytes.subarray(at, at + length), visitor)) isWhole = false
    }
    at += length
  }
  return { froms, count, isWhole }
}

const visitGaps = (entry: Uint8Array, visitor: EntryVisitor): boolean => {
  try {
    for (const gap of readGaps(entry)) visitor.gap(gap)
    return true
  } catch (thrown) {
    if (!(thrown instanceof EntryInvalid)) throw thrown
    return false
  }
}

const enlarged = (numbers: Int32Array): Int32Array<ArrayBuffer> => {
  const larger = new Int32Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}
