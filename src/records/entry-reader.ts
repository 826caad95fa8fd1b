/** Entries as records: the way back from what a data thread has written. */

import { PROTOCOLS, reasonName } from '../shared/counters.ts'
import { RECORD_ROLES } from '../shared/record-policy.ts'
import {
  ENTRY_DOUBLE,
  ENTRY_FLAG,
  ENTRY_WORD,
  GAP_BASE_DOUBLE,
  GAP_HEADER_BYTES,
  GAP_REASON_BITS,
  GAP_RUN_WORDS,
  GAP_RUNS_WORD,
} from './entry.ts'
import { EntryCursor, EntryInvalid } from './entry-cursor.ts'
import { instancesOf } from './entry-instances.ts'
import { decodeFeedback } from './feedback-text.ts'
import type { Gap } from './reasons.ts'
import type { FeaturesOmitted, PredictionRecord } from './record.ts'
import type { RecordLayout } from './record-layout.ts'
import { hasRules } from './redact/policy-rules.ts'

/** One for all: an entry is read to the end before the next one is opened. */
const cursor = new EntryCursor()

const REASON_MASK = (1 << GAP_REASON_BITS) - 1

/** The runs of a GAP entry. Throws EntryInvalid where the bytes are none. */
export const readGaps = (entry: Uint8Array): Gap[] => {
  cursor.open(entry)
  if (!cursor.isGap) throw new EntryInvalid('it has no gaps')
  const count = cursor.words[GAP_RUNS_WORD]!
  cursor.within(GAP_HEADER_BYTES, count, GAP_RUN_WORDS * 4)
  const base = cursor.doubles[GAP_BASE_DOUBLE]!
  return Array.from({ length: count }, (_, i) => {
    const word = GAP_HEADER_BYTES / 4 + i * GAP_RUN_WORDS
    const from = base + cursor.words[word]!
    const run = cursor.words[word + 1]!
    return { from, to: from + (run >>> GAP_REASON_BITS) - 1, reason: run & REASON_MASK }
  })
}

/**
 * The record of a RECORD entry of `producer`. Throws EntryInvalid where the bytes are none, its
 * layout is not among `layouts`, or what its policy demands has not been done to it.
 */
export const decodeEntry = (
  entry: Uint8Array,
  layouts: ReadonlyMap<number, RecordLayout>,
  producer: string,
): PredictionRecord => {
  cursor.open(entry)
  if (cursor.isGap) throw new EntryInvalid('it holds gaps')
  const { words } = cursor
  const layout = layouts.get(words[ENTRY_WORD.LAYOUT]!)
  if (layout === undefined) throw new EntryInvalid(`layout ${words[ENTRY_WORD.LAYOUT]}`)
  const flags = words[ENTRY_WORD.FLAGS]!
  if (hasRules(layout.policy) && (flags & ENTRY_FLAG.REDACTED) === 0) {
    throw new EntryInvalid('it has not been redacted')
  }
  const requestIdAt = cursor.section(ENTRY_WORD.REQUEST_ID)
  const textAt = cursor.section(ENTRY_WORD.TEXT)
  const { endpoint, model, version, variant, revision } = layout
  return {
    ...headerOf(producer),
    ...{ endpoint, model, version, variant, revision },
    requestId: requestIdAt === 0 ? null : cursor.text(requestIdAt),
    isBatch: (flags & ENTRY_FLAG.IS_BATCH) !== 0,
    featuresOmitted: omittedOf(flags),
    instances: instancesOf(cursor, layout),
    feedback: textAt === 0 ? null : decodeFeedback(cursor.text(textAt)),
  }
}

const omittedOf = (flags: number): FeaturesOmitted => {
  if ((flags & ENTRY_FLAG.TOO_LARGE) !== 0) return 'too_large'
  return (flags & ENTRY_FLAG.POLICY) === 0 ? '' : 'policy'
}

const codeOf = (reason: number): string => {
  const name = reasonName(reason)
  return name === 'ok' ? '' : name.toUpperCase()
}

const traceOf = (): string => {
  const ids = cursor.words.subarray(ENTRY_WORD.TRACE, ENTRY_WORD.TRACE + 4)
  if (ids.every((each) => each === 0)) return ''
  return Array.from(ids, (each) => (each >>> 0).toString(16).padStart(8, '0')).join('')
}

const wholeAt = (double: number): number => {
  const value = cursor.doubles[double]!
  if (!Number.isSafeInteger(value) || value < 0) throw new EntryInvalid(`a number of ${value}`)
  return value
}

const countAt = (word: number): number => {
  const value = cursor.words[word]!
  if (value < 0) throw new EntryInvalid(`a count of ${value}`)
  return value
}

/** What stands in the header of the entry that is open. */
const headerOf = (producer: string) => {
  const { words, doubles } = cursor
  const role = RECORD_ROLES[words[ENTRY_WORD.ROLE]!]
  if (role === undefined) throw new EntryInvalid(`role ${words[ENTRY_WORD.ROLE]}`)
  const sequence = wholeAt(ENTRY_DOUBLE.SEQUENCE)
  return {
    predictionId: `${producer}-${sequence}`,
    timeMs: doubles[ENTRY_DOUBLE.TIME]!,
    role,
    epoch: wholeAt(ENTRY_DOUBLE.EPOCH),
    bucket: words[ENTRY_WORD.BUCKET]!,
    protocol: PROTOCOLS[words[ENTRY_WORD.PROTOCOL]!] ?? '',
    status: countAt(ENTRY_WORD.STATUS),
    code: codeOf(words[ENTRY_WORD.CODE]!),
    producer,
    sequence,
    inclusionProbability: doubles[ENTRY_DOUBLE.INCLUSION]!,
    traceId: traceOf(),
    latencyMs: doubles[ENTRY_DOUBLE.LATENCY]!,
    decodeMs: doubles[ENTRY_DOUBLE.DECODE]!,
    queueMs: doubles[ENTRY_DOUBLE.QUEUE]!,
    computeMs: doubles[ENTRY_DOUBLE.COMPUTE]!,
    rows: countAt(ENTRY_WORD.ROWS),
  }
}
