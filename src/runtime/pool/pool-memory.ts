/**
 * The shared memory of one pooled version: slots in which its requests go to compute threads and
 * their answers come back.
 *
 * ```
 * pool words    Int32    READY | TICKET                      by all, atomically
 * levels        Int32    ROWS | REQUESTS | OVERSIZED_ROWS    per priority level, the same
 * tops          Int32    slots in use lie below it           per data thread, written by it
 * states        Int32    generation | thread | state         per slot (pool-slots.ts)
 * slot words    Int32    ROWS | PRIORITY | TICKET ...        per slot, one cache line
 * pool doubles  Float64  COST_RUN_US | COST_ROW_US ...       written by compute threads
 * slot doubles  Float64  DEADLINE | TIMEOUT | STARTED ...    per slot, one cache line
 * payloads      bytes    input columns, then output columns  of the first slots of a data thread
 * ```
 *
 * Every data thread owns a part of the slots: it alone takes and frees them, without a look at the
 * others. Compute threads only see what is ready.
 */

import type { TensorData } from '../../shared/tensor.ts'
import { align, columnView, ownerOf, type PoolShape, SLOTS_PER_THREAD } from './pool-shape.ts'

export const POOL_WORDS = {
  /** Slots that are ready. A hint: what is counted may be meant for another thread. */
  READY: 0,
  /** Order of admission over all data threads; wraps around. */
  TICKET: 1,
} as const

/** Of one priority level: what was admitted and whose run has not begun. */
export const LEVEL_WORDS = {
  ROWS: 0,
  REQUESTS: 1,
  /** Rows, beside ROWS, of requests that alone are more than may wait. */
  OVERSIZED_ROWS: 2,
} as const
export const LEVEL_LINE_WORDS = 4
const HEADER_WORDS = 16
const LINE_WORDS = 16

export const POOL_DOUBLES = {
  /** What runs cost, as the compute thread found that ran last. */
  COST_RUN_US: 0,
  COST_ROW_US: 1,
  /** When that was, in the time that all threads share. */
  LAST_RUN_MS: 2,
} as const
const HEADER_DOUBLES = 8

export const SLOT_WORDS = {
  ROWS: 0,
  PRIORITY: 1,
  TICKET: 2,
  /** The compute thread that has its tensors, plus 1; 0: they are in the payload. */
  HOLDER: 3,
  /** Compute threads that died with it. */
  DEATHS: 4,
  /** 1: nobody waits for its answer any more. */
  CANCELLED: 5,
  /** How it ended: `RESULT`. */
  RESULT: 6,
  /** Rows of the run that answered it. */
  RUN_ROWS: 7,
  /** Runs that it was the first of, and the rows of the last of them; those before were full. */
  SERVED_RUNS: 8,
  SERVED_ROWS: 9,
  /** 1: it alone is more than may wait. */
  OVERSIZED: 10,
} as const
export const SLOT_LINE_WORDS = 16

/** Monotonic milliseconds that all threads share (clock.ts). */
export const SLOT_DOUBLES = {
  DEADLINE: 0,
  TIMEOUT: 1,
  STARTED: 2,
  RUN_START: 3,
  ENDED: 4,
  /** Of the runs that it was the first of: assembling inputs, running, and the end of the last. */
  SERVED_INPUT_MS: 5,
  SERVED_RUN_MS: 6,
  SERVED_ENDED: 7,
} as const
export const SLOT_LINE_DOUBLES = 8

export const RESULT = {
  /** Its rows are in the payload. */
  PAYLOAD: 0,
  /** Its tensors, or why there are none, come by message. */
  MESSAGE: 1,
  /** It waited for too long and was not run. */
  EXPIRED: 2,
  /** The compute threads that had it died. */
  LOST: 3,
} as const

/** Views of one pooled version on its shared block. */
export interface PoolMemory {
  readonly shape: PoolShape
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly levels: Int32Array
  readonly tops: Int32Array
  readonly states: Int32Array
  readonly slotWords: Int32Array
  readonly doubles: Float64Array
  readonly slotDoubles: Float64Array
}

interface Offsets {
  readonly levelsAt: number
  readonly topsAt: number
  readonly statesAt: number
  readonly slotWordsAt: number
  readonly doublesAt: number
  readonly slotDoublesAt: number
  readonly payloadsAt: number
  readonly bytes: number
}

const offsetsOf = ({ dataThreads, levels, payloads, payloadBytes }: PoolShape): Offsets => {
  const slots = dataThreads * SLOTS_PER_THREAD
  const levelsAt = HEADER_WORDS * 4
  const topsAt = align(levelsAt + levels * LEVEL_LINE_WORDS * 4, 64)
  const statesAt = topsAt + dataThreads * LINE_WORDS * 4
  const slotWordsAt = statesAt + slots * 4
  const doublesAt = slotWordsAt + slots * SLOT_LINE_WORDS * 4
  const slotDoublesAt = doublesAt + HEADER_DOUBLES * 8
  const payloadsAt = slotDoublesAt + slots * SLOT_LINE_DOUBLES * 8
  const bytes = payloadsAt + dataThreads * payloads * payloadBytes
  const words = { levelsAt, topsAt, statesAt, slotWordsAt }
  return { ...words, doublesAt, slotDoublesAt, payloadsAt, bytes }
}

export const poolBytes = (shape: PoolShape): number => offsetsOf(shape).bytes

/** Word of `tops` that belongs to a data thread: a cache line for each. */
export const topIndex = (dataThread: number): number => dataThread * LINE_WORDS

/** Lays the views over a block of `poolBytes(shape)` bytes or more. */
export const mapPool = (buffer: SharedArrayBuffer, shape: PoolShape): PoolMemory => {
  const offsets = offsetsOf(shape)
  if (buffer.byteLength < offsets.bytes) {
    throw new RangeError(`A pool has ${buffer.byteLength} bytes, and needs ${offsets.bytes}`)
  }
  const slots = shape.dataThreads * SLOTS_PER_THREAD
  return {
    shape,
    buffer,
    words: new Int32Array(buffer, 0, HEADER_WORDS),
    levels: new Int32Array(buffer, offsets.levelsAt, shape.levels * LEVEL_LINE_WORDS),
    tops: new Int32Array(buffer, offsets.topsAt, shape.dataThreads * LINE_WORDS),
    states: new Int32Array(buffer, offsets.statesAt, slots),
    slotWords: new Int32Array(buffer, offsets.slotWordsAt, slots * SLOT_LINE_WORDS),
    doubles: new Float64Array(buffer, offsets.doublesAt, HEADER_DOUBLES),
    slotDoubles: new Float64Array(buffer, offsets.slotDoublesAt, slots * SLOT_LINE_DOUBLES),
  }
}

/** Makes a pool of what was another: only payloads keep what they had. */
export const clearPool = ({ buffer, shape }: PoolMemory): void => {
  new Uint8Array(buffer, 0, offsetsOf(shape).payloadsAt).fill(0)
}

/** First of the words of `levels` that belong to a priority: 1 is the first level, 0 none. */
export const levelIndex = ({ shape }: PoolMemory, priority: number): number =>
  (priority > 0 && priority <= shape.levels ? priority - 1 : 0) * LEVEL_LINE_WORDS

/** Whether a slot has a payload. */
export const hasPayload = ({ shape }: PoolMemory, slot: number): boolean =>
  slot % SLOTS_PER_THREAD < shape.payloads

/** Views on the columns of a slot that has a payload: `slotRows` rows each. */
export const payloadViews = (
  pool: PoolMemory,
  slot: number,
  which: 'inputs' | 'outputs',
): TensorData[] => {
  const { shape, buffer } = pool
  const index = ownerOf(slot) * shape.payloads + (slot % SLOTS_PER_THREAD)
  const from = offsetsOf(shape).payloadsAt + index * shape.payloadBytes
  return shape[which].map((column) => columnView(buffer, from, column, shape.slotRows))
}
