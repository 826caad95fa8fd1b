/** Entries of rings, written word by word as entry.ts says, without a data thread. */

import {
  CHECK_AT,
  ENTRY_DOUBLE,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  ENTRY_WORD,
  entryCheck,
  GAP_BASE_DOUBLE,
  GAP_HEADER_BYTES,
  GAP_REASON_BITS,
  GAP_RUN_WORDS,
  GAP_RUNS_WORD,
  KIND_AT,
  LENGTH_AT,
  padded,
  UNIT_BYTES,
} from '../../src/records/entry.ts'
import type { Gap } from '../../src/records/reasons.ts'
import { claim, publish, type RecordRing } from '../../src/records/ring/record-ring.ts'

export interface TestEntry {
  readonly sequence: number
  readonly layout: number
  /** Index in RECORD_ROLES; 0: an answer. */
  readonly role?: number
  /** Filled with bytes that differ from entry to entry. */
  readonly payloadBytes: number
  /** Told apart by it: other incarnations, other threads. */
  readonly seed?: number
}

const seal = (words: Int32Array, bytes: number, kind: number): void => {
  words[LENGTH_AT] = bytes
  words[KIND_AT] = kind
  words[CHECK_AT] = entryCheck(words, 0, bytes)
}

/** The bytes of a RECORD. */
export const recordEntry = (entry: TestEntry): Uint8Array => {
  const { sequence, layout, role = 0, payloadBytes, seed = 0 } = entry
  const length = padded(ENTRY_HEADER_BYTES + payloadBytes)
  const buffer = new ArrayBuffer(length)
  const [words, doubles] = [new Int32Array(buffer), new Float64Array(buffer)]
  words[ENTRY_WORD.LAYOUT] = layout
  words[ENTRY_WORD.ROLE] = role
  doubles[ENTRY_DOUBLE.SEQUENCE] = sequence
  for (let i = ENTRY_HEADER_BYTES / 4; i < words.length; i++) {
    words[i] = Math.imul(sequence * 31 + i + seed, 0x9e3779b1)
  }
  seal(words, length, ENTRY_KIND.RECORD)
  return new Uint8Array(buffer)
}

/** The bytes of a GAP. */
export const gapEntry = (gaps: readonly Gap[]): Uint8Array => {
  const base = gaps[0]!.from
  const length = padded(GAP_HEADER_BYTES + gaps.length * GAP_RUN_WORDS * 4)
  const buffer = new ArrayBuffer(length)
  const words = new Int32Array(buffer)
  words[GAP_RUNS_WORD] = gaps.length
  new Float64Array(buffer)[GAP_BASE_DOUBLE] = base
  for (const [index, { from, to, reason }] of gaps.entries()) {
    const at = GAP_HEADER_BYTES / 4 + index * GAP_RUN_WORDS
    words[at] = from - base
    words[at + 1] = ((to - from + 1) << GAP_REASON_BITS) | reason
  }
  seal(words, length, ENTRY_KIND.GAP)
  return new Uint8Array(buffer)
}

/** Gaps of a GAP entry that lies alone in its buffer. */
export const gapsOf = (entry: Uint8Array): Gap[] => {
  const words = new Int32Array(entry.buffer, entry.byteOffset, entry.length / 4)
  const base = new Float64Array(entry.buffer, entry.byteOffset, entry.length / 8)[GAP_BASE_DOUBLE]!
  return Array.from({ length: words[GAP_RUNS_WORD]! }, (_, index) => {
    const at = GAP_HEADER_BYTES / 4 + index * GAP_RUN_WORDS
    const from = base + words[at]!
    const reason = words[at + 1]! & (2 ** GAP_REASON_BITS - 1)
    return { from, to: from + (words[at + 1]! >>> GAP_REASON_BITS) - 1, reason }
  })
}

/** Writes an entry into a ring; false when there is no room. */
export const putEntry = (ring: RecordRing, entry: Uint8Array): boolean => {
  const units = entry.length / UNIT_BYTES
  const unit = claim(ring, units)
  if (unit < 0) return false
  ring.bytes.set(entry, unit * UNIT_BYTES)
  publish(ring, units)
  return true
}
