/**
 * Traced requests that have ended, on their way from a data thread to its agent: a ring of slots of
 * equal size in shared memory, with one writer and one reader, who never wait for each other. A
 * full ring takes nothing more; what it did not take is counted.
 *
 * ```
 * head     Int32   WRITTEN | READ | LOST      each on a cache line of its own
 * words    Int32   RING_SLOTS x SLOT_WORDS    of a request: TRACE
 * doubles  Float64 RING_SLOTS x SLOT_DOUBLES  likewise: TRACE_AT
 * ```
 *
 * The counts of the head only rise, modulo 2 ** 32. A slot is the reader's from the store that
 * raises WRITTEN to the one that raises READ, else the writer's.
 */

/** A power of two, so that counts may wrap. 200 ms of 5,000 traced requests a second. */
export const RING_SLOTS = 1024

const LINE_WORDS = 16
const WRITTEN = 0
const READ = LINE_WORDS
const LOST = 2 * LINE_WORDS
const HEAD_WORDS = 3 * LINE_WORDS

/** Words of a slot. */
export const TRACE = {
  /** Trace id and the caller's span id as in trace-context.ts; the latter 0: it begins here. */
  IDS: 0,
  PROTOCOL: 6,
  REASON: 7,
  ROUTE: 8,
  COUNTER_SLOT: 9,
  ROWS: 10,
  RUN_ROWS: 11,
} as const
const SLOT_WORDS = 12

/** Doubles of a slot. */
export const TRACE_AT = {
  EPOCH: 0,
  SEQUENCE: 1,
  /** Wall clock in ms; what follows are ms after it, or NOT_SO_FAR. */
  RECEIVED: 2,
  STARTED: 3,
  ADMITTED: 4,
  TAKEN: 5,
  RUN_START: 6,
  RUN_END: 7,
  WRITING: 8,
  ENDED: 9,
} as const
const SLOT_DOUBLES = 10

/** A request ended before it came there. */
export const NOT_SO_FAR = Number.NaN

/** Spans that are made of one request at most: one for the whole, one for each part of its way. */
export const REQUEST_SPANS_MAX = 7

/** How the version of a request was chosen. */
export const ROUTE = {
  /** It was not: the request was refused before. */
  NONE: 0,
  /** There is but one. */
  ONLY: 1,
  /** By bucket. */
  SPLIT: 2,
  /** The path names it. */
  PINNED: 3,
} as const
export type Route = (typeof ROUTE)[keyof typeof ROUTE]

/** Views of one ring. */
export interface TraceRing {
  readonly head: Int32Array
  readonly words: Int32Array
  readonly doubles: Float64Array
}

const wordsAt = HEAD_WORDS * 4
const doublesAt = wordsAt + RING_SLOTS * SLOT_WORDS * 4

/** Bytes of a ring: whole cache lines. */
export const TRACE_RING_BYTES = doublesAt + RING_SLOTS * SLOT_DOUBLES * 8

/** Lays the views over TRACE_RING_BYTES bytes of zeros, from `offset` on, a multiple of 64. */
export const mapTraceRing = (buffer: SharedArrayBuffer, offset = 0): TraceRing => ({
  head: new Int32Array(buffer, offset, HEAD_WORDS),
  words: new Int32Array(buffer, offset + wordsAt, RING_SLOTS * SLOT_WORDS),
  doubles: new Float64Array(buffer, offset + doublesAt, RING_SLOTS * SLOT_DOUBLES),
})

/** First word and first double of a slot. */
export const wordAt = (slot: number): number => slot * SLOT_WORDS
export const doubleAt = (slot: number): number => slot * SLOT_DOUBLES

/** The writer's next slot, to be filled, then published; -1, and one more is lost: it is full. */
export const claimSlot = ({ head }: TraceRing): number => {
  const written = head[WRITTEN]!
  if (((written - Atomics.load(head, READ)) | 0) >= RING_SLOTS) {
    Atomics.add(head, LOST, 1)
    return -1
  }
  return written & (RING_SLOTS - 1)
}

/** Hands the claimed slot to the reader. */
export const publishSlot = ({ head }: TraceRing): void => {
  Atomics.store(head, WRITTEN, (head[WRITTEN]! + 1) | 0)
}

/** Calls `read` with every slot that is published, oldest first, and gives them all back. */
export const drainRing = ({ head }: TraceRing, read: (slot: number) => void): void => {
  const written = Atomics.load(head, WRITTEN)
  let next = head[READ]!
  for (; next !== written; next = (next + 1) | 0) read(next & (RING_SLOTS - 1))
  Atomics.store(head, READ, next)
}

/** How many requests found no slot since this was last asked. */
export const takeLost = ({ head }: TraceRing): number => Atomics.exchange(head, LOST, 0) >>> 0
