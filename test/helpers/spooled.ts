/** What is in the segments of a state folder. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LENGTH_AT } from '../../src/records/entry.ts'
import { decodeLayout } from '../../src/records/layout-file.ts'
import type { Gap } from '../../src/records/reasons.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import { readSegment } from '../../src/records/spool/read-segment.ts'
import {
  ACCOUNT_BYTES,
  type Account,
  FRAME,
  readAccount,
  readGapFrame,
  type SegmentHeader,
} from '../../src/records/spool/segment-format.ts'
import type { Frame } from '../../src/records/spool/segment-reader.ts'
import { readAll } from './record-rig.ts'

/** As `records.path`: there is no such folder, so that nothing is shipped and leaves the spool. */
export const AWAY = '/dev/null/away'

export interface SpooledProducer {
  readonly records: PredictionRecord[]
  readonly gaps: Gap[]
  /** Of the last frame about it. */
  last: Account | null
  hasEnded: boolean
}

/** Entries of the payload of a RECORDS frame. */
const entriesOf = (payload: Uint8Array): Uint8Array[] => {
  const entries: Uint8Array[] = []
  for (let at = ACCOUNT_BYTES; at + 8 <= payload.length; ) {
    const length = new Int32Array(payload.buffer, payload.byteOffset + at, 1)[LENGTH_AT]!
    entries.push(payload.slice(at, at + length))
    at += length
  }
  return entries
}

/** What frames of one segment say. */
class SegmentContent {
  readonly #producers: Map<string, SpooledProducer>
  readonly #layouts: RecordLayout[] = []

  constructor(producers: Map<string, SpooledProducer>) {
    this.#producers = producers
  }

  take({ kind, payload }: Frame, { gateway, replica, incarnation }: SegmentHeader): void {
    if (kind === FRAME.LAYOUT) this.#layouts.push(decodeLayout(payload.subarray(8)))
    if (kind === FRAME.LAYOUT || kind === FRAME.SEAL) return
    const account = readAccount(payload)!
    const name = `${gateway}.${replica}.${account.thread}-${incarnation}`
    const producer = this.#producers.get(name) ?? {
      ...{ records: [], gaps: [], last: null, hasEnded: false },
    }
    this.#producers.set(name, producer)
    producer.last = account
    if (kind === FRAME.END) producer.hasEnded = true
    if (kind === FRAME.GAPS) producer.gaps.push(...readGapFrame(payload)!)
    if (kind !== FRAME.RECORDS) return
    const { records, gaps } = readAll(entriesOf(payload), this.#layouts, name)
    producer.records.push(...records)
    producer.gaps.push(...gaps)
  }
}

/** By producer, from all segments of a gateway. */
export const spooled = (stateDir: string): ReadonlyMap<string, SpooledProducer> => {
  const folder = join(stateDir, 'spool')
  const producers = new Map<string, SpooledProducer>()
  const names = readdirSync(folder).filter((name) => name.endsWith('.seg'))
  for (const name of names.toSorted()) {
    const content = new SegmentContent(producers)
    readSegment(systemFiles, join(folder, name), 0, (frame, header) => {
      content.take(frame, header)
      return true
    })
  }
  return producers
}

/** All records of all producers. */
export const spooledRecords = (stateDir: string): PredictionRecord[] =>
  [...spooled(stateDir).values()].flatMap(({ records }) => records)
