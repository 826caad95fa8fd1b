/**
 * Entries on their way from a data thread to the spool thread: a ring of bytes in shared memory,
 * with one writer and one reader, who never wait for each other.
 *
 * ```
 * head     WRITTEN | READ | DURABLE | WANTS_WAKE | SPOOL_STATE | TAKEN, FLOOR
 *          each on a cache line of its own; words but for the last line, which is doubles
 * entries  capacityUnits units of 8 bytes
 * ```
 *
 * WRITTEN, READ and DURABLE count units; they only rise, modulo 2 ** 32. An entry is contiguous: at
 * the end of the ring what is too short for it is a filler. Entries are the reader's from the store
 * that raises WRITTEN to the one that raises READ, else the writer's.
 */

import { ENTRY_KIND, KIND_AT, LENGTH_AT, UNIT_BYTES } from '../entry.ts'

const LINE_WORDS = 16
/** Words of the head. */
export const RING_WORD = {
  /** The data thread has written so far. */
  WRITTEN: 0,
  /** The spool thread has given room back so far. */
  READ: LINE_WORDS,
  /** It is on disk so far, as safely as `records.durability` wants it. */
  DURABLE: 2 * LINE_WORDS,
  /** 1: the data thread is idle and holds answers until DURABLE has passed them. */
  WANTS_WAKE: 3 * LINE_WORDS,
  /** SPOOL_STATE, as the spool thread sees it. */
  SPOOL_STATE: 4 * LINE_WORDS,
} as const
const HEAD_WORDS = 6 * LINE_WORDS

/** Doubles of the head. */
export const RING_DOUBLE = {
  /** The last sequence number that the producer has taken. */
  TAKEN: (5 * LINE_WORDS) / 2,
  /** Every lower sequence number has its record or its gap in the ring, or has had it there. */
  FLOOR: (5 * LINE_WORDS) / 2 + 1,
} as const

/** Whether the spool takes records. */
export const SPOOL_STATE = { WELL: 0, FULL: 1, DISK_FULL: 2, IO_ERROR: 3 } as const

const CAPACITY_MIN = 64 * 1024
/** Lengths and counts must stay apart modulo 2 ** 32, with room to spare. */
const CAPACITY_MAX = 1024 ** 3

/** Views of one ring, and what its writer or its reader knows of it. One object is for one side. */
export interface RecordRing {
  readonly head: Int32Array
  readonly headDoubles: Float64Array
  /** The entries, in the types that they are written in. */
  readonly bytes: Uint8Array
  readonly shorts: Int16Array
  readonly words: Int32Array
  readonly floats: Float32Array
  readonly doubles: Float64Array
  readonly bigints: BigInt64Array
  readonly capacityUnits: number
  /** Of the writer: WRITTEN, READ as last looked at, and where the claimed entry starts. */
  written: number
  readSeen: number
  claimed: number
  /** Of the reader: up to where it has drained. */
  drained: number
}

/** The next power of two, so that counts may wrap. Throws RangeError above the largest. */
const capacityOf = (bytes: number): number => {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(bytes, CAPACITY_MIN)))
  if (!(capacity <= CAPACITY_MAX)) {
    throw new RangeError(`A ring of records has at most ${CAPACITY_MAX} bytes, not ${bytes}`)
  }
  return capacity
}

/** Bytes of shared memory for a ring of `capacityBytes`, which is raised to a power of two. */
export const recordRingBytes = (capacityBytes: number): number =>
  HEAD_WORDS * 4 + capacityOf(capacityBytes)

/** Lays the views over `recordRingBytes(capacityBytes)` bytes from `offset`, a multiple of 64. */
export const mapRecordRing = (
  buffer: SharedArrayBuffer,
  offset: number,
  capacityBytes: number,
): RecordRing => {
  const capacity = capacityOf(capacityBytes)
  const at = offset + HEAD_WORDS * 4
  const head = new Int32Array(buffer, offset, HEAD_WORDS)
  return {
    head,
    headDoubles: new Float64Array(buffer, offset, HEAD_WORDS / 2),
    bytes: new Uint8Array(buffer, at, capacity),
    shorts: new Int16Array(buffer, at, capacity / 2),
    words: new Int32Array(buffer, at, capacity / 4),
    floats: new Float32Array(buffer, at, capacity / 4),
    doubles: new Float64Array(buffer, at, capacity / 8),
    bigints: new BigInt64Array(buffer, at, capacity / 8),
    capacityUnits: capacity / UNIT_BYTES,
    written: Atomics.load(head, RING_WORD.WRITTEN),
    readSeen: Atomics.load(head, RING_WORD.READ),
    claimed: 0,
    drained: Atomics.load(head, RING_WORD.READ),
  }
}

/**
 * Whether the ring has so many units more, as a sum of what may be written; looks at READ only
 * where it has not, as far as was known.
 */
export const hasRoom = (ring: RecordRing, units: number): boolean => {
  const { written, capacityUnits } = ring
  if (((written - ring.readSeen) | 0) + units <= capacityUnits) return true
  ring.readSeen = Atomics.load(ring.head, RING_WORD.READ)
  return ((written - ring.readSeen) | 0) + units <= capacityUnits
}

/**
 * Room for an entry of `units` units, at most half of the ring: its first unit, to be filled, then
 * published; -1 when there is none, or `keptUnits` would not be left of it. A claim that is not
 * published is as if it had not been.
 */
export const claim = (ring: RecordRing, units: number, keptUnits = 0): number => {
  const { written, capacityUnits } = ring
  const at = written & (capacityUnits - 1)
  const rest = capacityUnits - at
  const filler = units > rest ? rest : 0
  if (!hasRoom(ring, filler + units + keptUnits)) return -1
  ring.claimed = (written + filler) | 0
  if (filler === 0) return at
  ring.words[at * 2 + LENGTH_AT] = filler * UNIT_BYTES
  ring.words[at * 2 + KIND_AT] = ENTRY_KIND.FILLER
  return 0
}

/** Hands the claimed entry to the reader. `units`: of it, no more than were claimed. */
export const publish = (ring: RecordRing, units: number): void => {
  ring.written = (ring.claimed + units) | 0
  Atomics.store(ring.head, RING_WORD.WRITTEN, ring.written)
}

/** Where the last entry that was published ends, as a count of units modulo 2 ** 32. */
export const writtenEnd = ({ written }: RecordRing): number => written >>> 0

/** Whether everything up to `end`, of `writtenEnd`, is as safe as it has to be. */
export const isDurable = ({ head }: RecordRing, end: number): boolean =>
  ((Atomics.load(head, RING_WORD.DURABLE) - end) | 0) >= 0

/**
 * Calls `onEntry` with the bytes `fromByte .. toByte - 1` of every entry that is published and not
 * drained, oldest first, until one answers false: it is not drained, and comes again. Fillers are
 * passed over. Returns the units that were passed; they are the reader's until `giveBack`.
 *
 * An entry without a possible length is a fault of memory: what is behind it cannot be found.
 * Everything that is published is then passed, and -1 returned.
 */
export const drain = (
  ring: RecordRing,
  onEntry: (fromByte: number, toByte: number) => boolean,
): number => {
  const { words, capacityUnits } = ring
  const written = Atomics.load(ring.head, RING_WORD.WRITTEN)
  const start = ring.drained
  while (ring.drained !== written) {
    const at = ring.drained & (capacityUnits - 1)
    const length = words[at * 2 + LENGTH_AT]!
    const units = length / UNIT_BYTES
    const most = Math.min((written - ring.drained) | 0, capacityUnits - at)
    if (!Number.isInteger(units) || units < 1 || units > most) {
      ring.drained = written
      return -1
    }
    const isFiller = words[at * 2 + KIND_AT] === ENTRY_KIND.FILLER
    if (!isFiller && !onEntry(at * UNIT_BYTES, at * UNIT_BYTES + length)) break
    ring.drained = (ring.drained + units) | 0
  }
  return (ring.drained - start) | 0
}

/** Gives everything that was drained back to the writer. */
export const giveBack = ({ head, drained }: RecordRing): void => {
  Atomics.store(head, RING_WORD.READ, drained)
}

/** Whether nothing is published that was not given back. */
export const isEmpty = ({ head }: RecordRing): boolean =>
  Atomics.load(head, RING_WORD.WRITTEN) === Atomics.load(head, RING_WORD.READ)

/** Whether every sequence number that was taken has its record or its gap in the ring. */
export const isWhole = ({ headDoubles }: RecordRing): boolean => {
  const taken = headDoubles[RING_DOUBLE.TAKEN]!
  return taken === 0 || headDoubles[RING_DOUBLE.FLOOR]! > taken
}
