/**
 * The one file that says how far a sink is: its places in the spool, its accounts, and what it was
 * about to do. Replaced as a whole, so that they are always of one moment.
 */

import { writeFileAtomic } from '../../shared/atomic-file.ts'
import { isFields } from '../../shared/fields.ts'
import type { ProcessIdentity } from '../../shared/process-identity.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { type Account, isAccount } from './account.ts'
import { decodeDocument, encodeDocument, readDocument } from './document.ts'
import type { PatientTime } from './patient-clock.ts'
import type { SeenSnapshot } from './seen-set.ts'
import type { LatestSegment } from './segment-numbers.ts'
import type { Intent, SinkState } from './sink.ts'

const FORMAT = { name: 'sluice-shipper', version: 1 }
const BYTES_MAX = 256 * 1024 * 1024

/** How far a segment is shipped. */
export interface SegmentPlace {
  /** Behind the last frame that was. */
  readonly offset: number
  /** null: there may be more. `quarantine`: something in it could not be read. */
  readonly done: null | 'done' | 'quarantine'
  /** Something in it was not what it should be: it is not to be deleted. */
  readonly isKept?: boolean | undefined
  /** Nothing is wrong but its end, of which half a frame is there. */
  readonly isTorn?: boolean | undefined
  /** It could not be read on when what follows it was: it holds what is missing below floors. */
  readonly isPassedOver?: boolean | undefined
  /**
   * It counts as nobody's for as long as it has so many bytes; absent: whatever it has, its writer
   * is known to be done with it.
   */
  readonly bytesAlone?: number | undefined
  /** For so long, as far as anybody has looked, the disk has not given all of it. */
  readonly unreadableMs?: number | undefined
  /** Where pages of it begin that the disk does not give; absent: none is known. */
  readonly badPages?: readonly number[] | undefined
}

export interface ProducerPlace {
  readonly account: Account
  readonly seen: SeenSnapshot
  /** Of shadows, which share the sequence of their answer. */
  readonly shadows: SeenSnapshot | null
  /** Its thread has ended in order. */
  readonly hasEnded?: boolean | undefined
  /** The highest floor that a frame has said; absent: that of the account. */
  readonly floorSeen?: number | undefined
}

/** A producer as its account says, without what only verification needs. */
export type CommittedProducer = Pick<Account, 'producer' | 'state' | 'taken' | 'records' | 'gaps'>

export interface StreamPlace {
  readonly process: ProcessIdentity | null
  readonly producers: readonly string[]
  /** Something in its segments is lost. */
  readonly isDamaged: boolean
  /** Something may be, where a segment was cut off. */
  readonly isTorn?: boolean | undefined
  /** The last segment of it that was seen; absent: nobody knows. */
  readonly latest?: LatestSegment | undefined
  /** Segments before that were never seen, and may turn up. */
  readonly isShort?: boolean | undefined
}

/** Since the sink was used first: counters that never fall. */
export interface ShipTotals {
  /** Each has a sequence of its own: all but shadows. */
  readonly records: number
  readonly shadows: number
  readonly rows: number
  readonly duplicates: number
  /** Sequences without a record, by reason. */
  readonly gaps: Readonly<Record<string, number>>
  readonly quarantined: number
}

export interface ShipState {
  readonly sink: string
  readonly segments: Readonly<Record<string, SegmentPlace>>
  readonly producers: Readonly<Record<string, ProducerPlace>>
  /** Streams of which producers are, by key. */
  readonly streams: Readonly<Record<string, StreamPlace>>
  readonly totals: ShipTotals
  /** Since when totals are counted: another one where a state was lost. Absent: of an old state. */
  readonly era?: string | undefined
  /** Producers of which nothing is left to ship, and nobody has been told yet. Absent: none. */
  readonly finished?: readonly CommittedProducer[] | undefined
  /** File by which the folder of the spool is known; absent: by none. */
  readonly home?: string | undefined
  readonly sinkState: SinkState | null
  /** null: nothing is left to do. */
  readonly intent: Intent | null
  /** Absent: nobody knows. */
  readonly time?: PatientTime | undefined
}

export const NO_TOTALS: ShipTotals = {
  ...{ records: 0, shadows: 0, rows: 0, duplicates: 0, gaps: {}, quarantined: 0 },
}

const isPlace = (value: unknown): boolean =>
  isFields(value) &&
  Number.isSafeInteger(value['offset']) &&
  value['done'] !== undefined &&
  Array.isArray(value['badPages'] ?? [])

const isSeen = (value: unknown): boolean =>
  isFields(value) &&
  Number.isSafeInteger(value['base']) &&
  typeof value['recorded'] === 'string' &&
  typeof value['explained'] === 'string' &&
  Array.isArray(value['holes'])

const isProducer = (value: unknown): boolean =>
  isFields(value) &&
  isAccount(value['account']) &&
  isSeen(value['seen']) &&
  (value['shadows'] === null || isSeen(value['shadows']))

const isFieldsOf = (value: unknown, check: (each: unknown) => boolean): boolean =>
  isFields(value) && Object.values(value).every(check)

const isIntent = (value: unknown): boolean =>
  isFields(value) && Array.isArray(value['renames']) && Array.isArray(value['deletes'])

const isLeaps = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((each) => isFields(each) && [each['untilMs'], each['byMs']].every(Number.isFinite))

const isTime = (value: unknown): boolean =>
  value === undefined ||
  (isFields(value) &&
    Number.isFinite(value['believedMs']) &&
    (value['leaptToMs'] === null || Number.isFinite(value['leaptToMs'])) &&
    Number.isFinite(value['leaptFromMs'] ?? 0) &&
    isLeaps(value['leaps'] ?? []))

const isLatest = (value: unknown): boolean =>
  value === undefined ||
  (isFields(value) && [value['generation'], value['number']].every(Number.isSafeInteger))

const isStream = (value: unknown): boolean =>
  isFields(value) &&
  isLatest(value['latest']) &&
  (value['process'] === null || isFields(value['process'])) &&
  Array.isArray(value['producers'])

const isFinished = (value: unknown): boolean =>
  isFields(value) &&
  typeof value['producer'] === 'string' &&
  [value['taken'], value['records']].every(Number.isSafeInteger) &&
  isFieldsOf(value['gaps'], Number.isSafeInteger)

const isState = (fields: unknown): fields is ShipState => {
  if (!isFields(fields)) return false
  const { sink, segments, producers, streams, totals, sinkState, intent, time } = fields
  const { era = '', finished = [], home = '' } = fields
  return (
    typeof sink === 'string' &&
    isFieldsOf(segments, isPlace) &&
    isFieldsOf(producers, isProducer) &&
    isFieldsOf(streams, isStream) &&
    isFields(totals) &&
    typeof era === 'string' &&
    typeof home === 'string' &&
    Array.isArray(finished) &&
    finished.every(isFinished) &&
    (sinkState === null || isFields(sinkState)) &&
    (intent === null || isIntent(intent)) &&
    isTime(time)
  )
}

/**
 * The state of a sink; null where there is none.
 *
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT, and what the file system does
 */
export const readShipState = (files: FileCalls, path: string): ShipState | null => {
  const bytes = readDocument(files, path, BYTES_MAX)
  return bytes === null ? null : decodeDocument(FORMAT, 'The state of the shipper', bytes, isState)
}

/** Replaces the state; throws what the file system does, and then holds the old or the new one. */
export const writeShipState = (files: FileCalls, path: string, state: ShipState): void =>
  writeFileAtomic(path, encodeDocument(FORMAT, state), { calls: files })
