/**
 * A spool as replicas leave it behind that nobody has shipped for long: every record goes through a
 * ring and the spool's writer, in this one thread, so that what each costs is seen.
 */

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { GAP_REASON_COUNT } from '../../src/records/reasons.ts'
import { RecordWriter } from '../../src/records/record-writer.ts'
import { GapBook } from '../../src/records/ring/gap-book.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import { SpoolLayouts } from '../../src/records/spool/spool-layouts.ts'
import {
  mapRecordMemory,
  recordMemoryBytes,
  SPOOL_FIGURE,
} from '../../src/records/spool/spool-memory.ts'
import { SpoolWriter } from '../../src/records/spool/spool-writer.ts'
import { type WritePlan, writePlanOf } from '../../src/records/write-plan.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { predictionIdPrefix } from '../../src/shared/ids.ts'
import type { ProcessIdentity } from '../../src/shared/process-identity.ts'
import { mlpLayout, Traffic } from './traffic.ts'

const THREADS = 2
const RING_BYTES = 4 * 1024 * 1024
const SEGMENT_BYTES = 16 * 1024 * 1024
const ROWS = 1000
/** Nobody: of a boot that was another one. */
const DEAD: ProcessIdentity = { pid: 1, startTime: '1', bootId: 'another boot' }
/** Records of each thread that the spool finds in a ring at a time. */
const LOT = 1024

export interface BacklogTerms {
  /** Of the spool; made if it is not there. */
  readonly folder: string
  readonly gateway: string
  /** Their indices. */
  readonly replicas: readonly number[]
  /** Of all replicas. */
  readonly records: number
  /** Wall clock of the first request, and of the one behind the last. */
  readonly fromMs: number
  readonly toMs: number
  /** Default 16 MiB. */
  readonly segmentBytes?: number
  /** Rows that are drawn, and then come again and again. Default 1000. */
  readonly rows?: number
}

export interface Backlog {
  readonly records: number
  readonly bytes: number
  /** CPU of the thread, microseconds a record. */
  readonly ringUs: number
  readonly spoolUs: number
  /** All of it, wall clock. */
  readonly seconds: number
}

const threadCpuUs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

interface Costs {
  ringUs: number
  spoolUs: number
  bytes: number
}

/** One replica from its beginning to its end in order. */
class Replica {
  readonly #plan: WritePlan
  readonly #writers: readonly RecordWriter[]
  readonly #spool: SpoolWriter
  readonly #traffic: Traffic
  readonly #figures: Float64Array

  constructor(terms: BacklogTerms, replica: number) {
    const { folder, gateway, segmentBytes = SEGMENT_BYTES, rows = ROWS } = terms
    const incarnation = 1
    const memory = new SharedArrayBuffer(recordMemoryBytes(THREADS, RING_BYTES))
    const own = mapRecordMemory(memory, THREADS, RING_BYTES)
    const layout = mlpLayout(1)
    const layouts = new SpoolLayouts(() => null)
    layouts.add([layout])
    this.#plan = writePlanOf(layout)
    this.#traffic = new Traffic(replica + 1, rows)
    this.#writers = own.rings.map((ring, thread) => {
      const gaps = new GapBook(new Float64Array(GAP_REASON_COUNT))
      const producer = predictionIdPrefix(gateway, replica, thread, incarnation).slice(0, -1)
      return new RecordWriter({ ring, gaps, producer, recordBytesMax: 65_536 })
    })
    this.#figures = own.spool.figures
    this.#spool = new SpoolWriter({
      files: systemFiles,
      settings: {
        ...{ folder, gateway, replica, incarnation, threads: THREADS, ringBytes: RING_BYTES },
        ...{ durability: 'memory', bytesMax: Number.MAX_SAFE_INTEGER, hmacKey: null },
        ...{ segmentBytesMax: segmentBytes, segmentMsMax: 3_600_000 },
      },
      generation: 0,
      process: DEAD,
      clock: systemClock,
      memory: mapRecordMemory(memory, THREADS, RING_BYTES),
      layouts,
      onState: (state, detail) => {
        throw new Error(`The spool is in state ${state}: ${detail}`)
      },
      onFault: (detail) => {
        throw new Error(detail)
      },
      wake: () => {},
    })
    this.#spool.begin()
  }

  /** So many answers, one each step of time, then the end of the replica. */
  run(records: number, fromMs: number, stepMs: number): Costs {
    const costs: Costs = { ringUs: 0, spoolUs: 0, bytes: 0 }
    for (let done = 0; done < records; ) {
      const startUs = threadCpuUs()
      for (const writer of this.#writers) {
        for (const until = Math.min(records, done + LOT); done < until; done++) {
          const facts = this.#traffic.next(writer.takeSequence(), fromMs + done * stepMs)
          if (writer.write(this.#plan, facts) < 0) throw new Error('A ring has no room')
        }
        writer.flush()
      }
      const writtenUs = threadCpuUs()
      while (this.#spool.step() === 'more');
      costs.ringUs += writtenUs - startUs
      costs.spoolUs += threadCpuUs() - writtenUs
    }
    for (const writer of this.#writers) writer.close()
    if (!this.#spool.finish()) throw new Error('The spool cannot be ended')
    costs.bytes = this.#figures[SPOOL_FIGURE.BYTES]!
    return costs
  }
}

/** Writes the segments of all replicas, one after the other. */
export const makeBacklog = (terms: BacklogTerms): Backlog => {
  const { folder, replicas, records, fromMs, toMs } = terms
  mkdirSync(dirname(folder), { recursive: true })
  const startMs = performance.now()
  const stepMs = (toMs - fromMs) / records
  const share = Math.ceil(records / replicas.length)
  const sum: Costs = { ringUs: 0, spoolUs: 0, bytes: 0 }
  let done = 0
  for (const replica of replicas) {
    const own = Math.min(share, records - done)
    const costs = new Replica(terms, replica).run(own, fromMs + done * stepMs, stepMs)
    sum.ringUs += costs.ringUs
    sum.spoolUs += costs.spoolUs
    sum.bytes += costs.bytes
    done += own
  }
  const seconds = (performance.now() - startMs) / 1000
  return {
    ...{ records, bytes: sum.bytes, seconds },
    ringUs: sum.ringUs / records,
    spoolUs: sum.spoolUs / records,
  }
}
