/** A ring with a writer, and what comes out at its other end. */

import { ENTRY_KIND, KIND_AT } from '../../src/records/entry.ts'
import { decodeEntry, readGaps } from '../../src/records/entry-reader.ts'
import { GAP_REASON_COUNT, type Gap } from '../../src/records/reasons.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import { RecordWriter } from '../../src/records/record-writer.ts'
import { GapBook } from '../../src/records/ring/gap-book.ts'
import {
  drain,
  giveBack,
  mapRecordRing,
  type RecordRing,
  recordRingBytes,
} from '../../src/records/ring/record-ring.ts'
import { makeWriteFacts, type WriteFacts } from '../../src/records/write-facts.ts'
import type { RecordCase } from './record-cases.ts'

export const PRODUCER = 'gw.1.0-7'

export interface RecordRig {
  readonly ring: RecordRing
  readonly writer: RecordWriter
  readonly facts: WriteFacts
  /** By reason. */
  readonly counts: Float64Array
  /** Copies of the entries in the ring, which is then empty. */
  take(): Uint8Array[]
}

export interface RigTerms {
  readonly ringBytes?: number
  readonly recordBytesMax?: number
  /** What the ring holds before anything is written. */
  readonly before?: number
  readonly promises?: boolean
}

export const recordRig = (terms: RigTerms = {}): RecordRig => {
  const {
    ringBytes = 1024 * 1024,
    recordBytesMax = 256 * 1024,
    before = 0,
    promises = false,
  } = terms
  const buffer = new SharedArrayBuffer(recordRingBytes(ringBytes))
  const [ring, reader] = [mapRecordRing(buffer, 0, ringBytes), mapRecordRing(buffer, 0, ringBytes)]
  ring.bytes.fill(before)
  const counts = new Float64Array(GAP_REASON_COUNT)
  const writer = new RecordWriter({
    ...{ ring, gaps: new GapBook(counts), producer: PRODUCER, recordBytesMax, promises },
  })
  const take = (): Uint8Array[] => {
    const entries: Uint8Array[] = []
    drain(reader, (from, to) => entries.push(reader.bytes.slice(from, to)) > 0)
    giveBack(reader)
    return entries
  }
  return { ring, writer, facts: makeWriteFacts(), counts, take }
}

/** The facts of a case. */
export const setFacts = (facts: WriteFacts, given: RecordCase): void => {
  const { rows, rowStart, inputs, results, extras } = given
  Object.assign(facts, { rows, rowStart, inputs, results, extras })
}

export const kindOf = (entry: Uint8Array): number =>
  new Int32Array(entry.slice(0, 16).buffer)[KIND_AT]!

/** Records and gaps of entries, in their order. */
export const readAll = (
  entries: readonly Uint8Array[],
  layouts: readonly RecordLayout[],
  producer = PRODUCER,
): { records: PredictionRecord[]; gaps: Gap[] } => {
  const byId = new Map(layouts.map((layout) => [layout.id, layout]))
  const isGap = (entry: Uint8Array) => kindOf(entry) === ENTRY_KIND.GAP
  return {
    records: entries
      .filter((each) => !isGap(each))
      .map((each) => decodeEntry(each, byId, producer)),
    gaps: entries.filter(isGap).flatMap(readGaps),
  }
}
