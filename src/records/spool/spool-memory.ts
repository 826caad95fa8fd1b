/**
 * The shared memory of a replica's records: agent, data threads and spool thread, one block.
 *
 * ```
 * words    Int32    THREAD_WORDS of the spool thread
 * gauges   Float64  THREAD_GAUGES of the spool thread
 * figures  Float64  SPOOL_FIGURE, then FAILED records by reason     written by the spool thread
 * gaps     Float64  GAP_REASON_COUNT of each data thread            written by that thread
 * answers  Float64  ANSWER_FIGURE of each data thread               likewise
 * rings             one of each data thread (ring/record-ring.ts)
 * ```
 *
 * The BELL of the words is the spool's alarm clock: 0 while it sleeps, see `ringBell`.
 */

import { THREAD_WORDS } from '../../shared/shared-memory.ts'
import { GAP_REASON_COUNT } from '../reasons.ts'
import { mapRecordRing, type RecordRing, recordRingBytes } from '../ring/record-ring.ts'

/** What the spool thread has done so far; all only rise, but for those of the folder. */
export const SPOOL_FIGURE = {
  /** Records that settle a sequence number, and those of shadows, which do not. */
  RECORDS: 0,
  SHADOWS: 1,
  /** Written to segments. */
  BYTES: 2,
  WRITES: 3,
  WRITE_SECONDS: 4,
  SYNCS: 5,
  SYNC_SECONDS: 6,
  /** Writes and syncs that failed, or files that could not be opened. */
  FAULTS: 7,
  /** Of all segments in the folder, whoever wrote them, when it was last looked at. */
  FOLDER_BYTES: 8,
  FOLDER_SEGMENTS: 9,
  /** Rings whose memory was damaged: what was in them is in no count. */
  DAMAGED: 10,
  /** Where records by GAP_REASON begin that came into the ring and could not be kept. */
  FAILED: 16,
} as const

/** What a data thread has done with answers that waited for their records. */
export const ANSWER_FIGURE = {
  /** Went out although their records were not safe. */
  UNDURABLE: 0,
  /** Wait now. */
  HELD: 1,
} as const
const ANSWER_FIGURES = 8

const WORDS = 16
const GAUGES = 8
const FIGURES = SPOOL_FIGURE.FAILED + GAP_REASON_COUNT

const gaugesAt = WORDS * 4
const figuresAt = gaugesAt + GAUGES * 8
const gapsAt = Math.ceil((figuresAt + FIGURES * 8) / 64) * 64
const answersAt = (threads: number): number => gapsAt + threads * GAP_REASON_COUNT * 8
const ringsAt = (threads: number): number =>
  Math.ceil((answersAt(threads) + threads * ANSWER_FIGURES * 8) / 64) * 64

/** Views of the spool thread. */
export interface SpoolMemory {
  readonly words: Int32Array
  readonly gauges: Float64Array
  readonly figures: Float64Array
}

export interface RecordMemory {
  readonly spool: SpoolMemory
  /** By data thread: counts of its GapBook. */
  readonly gaps: readonly Float64Array[]
  /** Likewise: ANSWER_FIGURE. */
  readonly answers: readonly Float64Array[]
  /** By data thread. A mapping is for one side of a ring: see there. */
  readonly rings: readonly RecordRing[]
}

/** Bytes of the block for so many data threads. */
export const recordMemoryBytes = (threads: number, ringBytes: number): number =>
  ringsAt(threads) + threads * recordRingBytes(ringBytes)

/** Lays the views over a block of `recordMemoryBytes(threads, ringBytes)` bytes. */
export const mapRecordMemory = (
  buffer: SharedArrayBuffer,
  threads: number,
  ringBytes: number,
): RecordMemory => {
  if (buffer.byteLength !== recordMemoryBytes(threads, ringBytes)) {
    throw new RangeError(`Block of records has ${buffer.byteLength} bytes for ${threads} threads`)
  }
  const indices = Array.from({ length: threads }, (_, index) => index)
  const gapBytes = GAP_REASON_COUNT * 8
  const bytesOfRing = recordRingBytes(ringBytes)
  return {
    spool: {
      words: new Int32Array(buffer, 0, WORDS),
      gauges: new Float64Array(buffer, gaugesAt, GAUGES),
      figures: new Float64Array(buffer, figuresAt, FIGURES),
    },
    gaps: indices.map(
      (thread) => new Float64Array(buffer, gapsAt + thread * gapBytes, GAP_REASON_COUNT),
    ),
    answers: indices.map(
      (thread) =>
        new Float64Array(buffer, answersAt(threads) + thread * ANSWER_FIGURES * 8, ANSWER_FIGURES),
    ),
    rings: indices.map((thread) =>
      mapRecordRing(buffer, ringsAt(threads) + thread * bytesOfRing, ringBytes),
    ),
  }
}

/** Wakes the spool thread if it sleeps. `words`: of the spool's memory. */
export const ringBell = (words: Int32Array): void => {
  if (Atomics.load(words, THREAD_WORDS.BELL) !== 0) return
  if (Atomics.exchange(words, THREAD_WORDS.BELL, 1) === 0) Atomics.notify(words, THREAD_WORDS.BELL)
}
