/**
 * The shared memory of one replica: agent, data and compute threads, one block, no locks.
 *
 * ```
 * replica words  Int32   COMMITTED | DRAINING | BODY_BYTES | MARKS_FD      written by the agent,
 *                                                            BODY_BYTES by all, atomically
 * thread words   Int32   BEAT | STATE | VERSION | IN_FLIGHT |              per data thread, then
 *                        CONNECTIONS | TID | BELL | ACCEPTING ...          per compute thread
 * thread gauges  Float64 CPU_SECONDS | LOOP_LAG_SECONDS | QUEUE_ROWS        the same
 * counters       Float64 SLOTS x SLOT_DOUBLES (counters.ts)                 per data thread
 * traces                 a ring (trace-ring.ts)                             per data thread
 * ```
 *
 * Every thread word but BELL and every gauge has one writer, its thread; the agent only reads. The
 * words of the replica and those of each thread take 64 bytes, a cache line: all threads read
 * COMMITTED at every request, and each writes its own words several times.
 */

import { SLOT_DOUBLES } from './counters.ts'
import { mapTraceRing, TRACE_RING_BYTES, type TraceRing } from './trace-ring.ts'

/**
 * Number of the prepared plan that new requests serve; 0 before the first commit. Not its epoch: a
 * control that crashed may have prepared another plan under the same epoch.
 */
export const COMMITTED_WORD = 0
/** 1 while the replica drains. */
export const DRAINING_WORD = 1
/** Bytes of request bodies buffered in all threads together. */
export const BODY_BYTES_WORD = 2
/** Descriptor of the file of marks (run-marks.ts), good in every thread; 0: there is none. */
export const MARKS_FD_WORD = 3
const REPLICA_WORDS = 16

export const THREAD_WORDS = {
  /** Raised at every beat and whenever a state is entered: the watchdog looks for change. */
  BEAT: 0,
  STATE: 1,
  /** While STATE is RUN or LOAD: the number of the version (version-numbers.ts), of any epoch. */
  VERSION: 2,
  IN_FLIGHT: 3,
  CONNECTIONS: 4,
  TID: 5,
  /**
   * 1: the thread is awake, or a message that wakes it is on its way. Whoever finds 0 raises it and
   * sends that message (pool-links.ts).
   */
  BELL: 6,
  /** 0: it accepts connections; else why not (accepting.ts), and how often it came to that. */
  ACCEPTING: 7,
  TIMES_FULL: 8,
  TIMES_LATE: 9,
} as const
const WORDS_PER_THREAD = 16

export const THREAD_STATE = { IDLE: 0, DECODE: 1, RUN: 2, LOAD: 3, ENCODE: 4, WRITE: 5 } as const
export const THREAD_STATE_NAMES = ['idle', 'decode', 'run', 'load', 'encode', 'write'] as const

export const THREAD_GAUGES = { CPU_SECONDS: 0, LOOP_LAG_SECONDS: 1, QUEUE_ROWS: 2 } as const
const GAUGES_PER_THREAD = 8

/**
 * (endpoint, variant) pairs counted at once: a thousand models of three versions. About 95 MB of
 * address space a thread; pages that no slot touches are never resident.
 */
export const COUNTER_SLOTS = 4096

/** Views of one compute thread on the shared block: a data thread has more. */
export interface ComputeMemory {
  readonly words: Int32Array
  readonly gauges: Float64Array
}

/** Views of one data thread on the shared block. */
export interface ThreadMemory extends ComputeMemory {
  readonly counters: Float64Array
  readonly traces: TraceRing
}

export interface ReplicaMemory {
  readonly words: Int32Array
  readonly threads: readonly ThreadMemory[]
  readonly computeThreads: readonly ComputeMemory[]
}

const wordBytes = (all: number) => (REPLICA_WORDS + all * WORDS_PER_THREAD) * 4
const gaugesAt = (all: number) => Math.ceil(wordBytes(all) / 64) * 64
const countersAt = (all: number) => gaugesAt(all) + all * GAUGES_PER_THREAD * 8
const counterDoubles = COUNTER_SLOTS * SLOT_DOUBLES
const tracesAt = (threads: number, all: number) => countersAt(all) + threads * counterDoubles * 8

/** Bytes of the block for a number of data and compute threads. */
export const replicaMemoryBytes = (threads: number, computeThreads = 0): number =>
  tracesAt(threads, threads + computeThreads) + threads * TRACE_RING_BYTES

/** Lays the views over a block of `replicaMemoryBytes(threads, computeThreads)` bytes. */
export const mapReplicaMemory = (
  buffer: SharedArrayBuffer,
  threads: number,
  computeThreads = 0,
): ReplicaMemory => {
  const all = threads + computeThreads
  if (buffer.byteLength !== replicaMemoryBytes(threads, computeThreads)) {
    const wanted = `${threads} data and ${computeThreads} compute threads`
    throw new RangeError(`Shared block has ${buffer.byteLength} bytes for ${wanted}`)
  }
  const own = (index: number): ComputeMemory => {
    const wordsAt = (REPLICA_WORDS + index * WORDS_PER_THREAD) * 4
    const gaugeBytes = gaugesAt(all) + index * GAUGES_PER_THREAD * 8
    return {
      words: new Int32Array(buffer, wordsAt, WORDS_PER_THREAD),
      gauges: new Float64Array(buffer, gaugeBytes, GAUGES_PER_THREAD),
    }
  }
  const countersOf = (thread: number): Float64Array => {
    const counterBytes = countersAt(all) + thread * counterDoubles * 8
    return new Float64Array(buffer, counterBytes, counterDoubles)
  }
  const indices = Array.from({ length: all }, (_, index) => index)
  return {
    words: new Int32Array(buffer, 0, REPLICA_WORDS),
    threads: indices.slice(0, threads).map((thread) => ({
      ...own(thread),
      counters: countersOf(thread),
      traces: mapTraceRing(buffer, tracesAt(threads, all) + thread * TRACE_RING_BYTES),
    })),
    computeThreads: indices.slice(threads).map(own),
  }
}
