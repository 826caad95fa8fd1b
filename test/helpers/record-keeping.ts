/** Records of a request path: their memory, and the spool thread as a test plays it. */

import { ENTRY_KIND, KIND_AT } from '../../src/records/entry.ts'
import { decodeEntry, readGaps } from '../../src/records/entry-reader.ts'
import { GAP_REASON, type Gap } from '../../src/records/reasons.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import {
  drain,
  giveBack,
  RING_DOUBLE,
  RING_WORD,
  SPOOL_STATE,
} from '../../src/records/ring/record-ring.ts'
import { mapRecordMemory, recordMemoryBytes } from '../../src/records/spool/spool-memory.ts'
import { type LayoutNumbers, RecordLayouts } from '../../src/server/record-layouts.ts'
import {
  type ThreadRecords,
  type ThreadRecordsParts,
  threadRecords,
} from '../../src/server/thread-records.ts'
import type { EpochPlan } from '../../src/shared/epoch-plan.ts'
import { type EndpointRecordPolicy, UNRECORDED } from '../../src/shared/record-policy.ts'
import type { RecordSettings } from '../../src/shared/record-settings.ts'

export const RECORDED: EndpointRecordPolicy = { ...UNRECORDED, isRecorded: true }

/** A plan of which everything is written down. */
export const recorded = (plan: EpochPlan, policy = RECORDED): EpochPlan => ({
  ...plan,
  endpoints: plan.endpoints.map((endpoint) => ({ ...endpoint, records: policy })),
})

const SETTINGS: RecordSettings = {
  ...{ durability: 'memory', whenFull: 'drop', ringBytes: 256 * 1024, recordBytesMax: 16_384 },
  hmac: null,
  spool: { folder: '', bytesMax: 0, segmentBytesMax: 0, segmentMsMax: 0 },
}

type Begin = Omit<
  ThreadRecordsParts,
  'settings' | 'memory' | 'threads' | 'thread' | 'heldBytesMax' | 'wait' | 'onFault'
>

export class RecordKeeping {
  readonly faults: unknown[] = []
  /** The thread waits, at its end, for room in the ring. */
  onWait = (): void => {}
  readonly #settings: RecordSettings
  readonly #block: SharedArrayBuffer
  readonly #layouts = new RecordLayouts(null)
  readonly #memory
  #thread: ThreadRecords | null = null
  #producer = ''

  readonly #heldBytesMax: number

  constructor(settings: Partial<RecordSettings> = {}, heldBytesMax = 1e9) {
    this.#heldBytesMax = heldBytesMax
    this.#settings = { ...SETTINGS, ...settings }
    const { ringBytes } = this.#settings
    this.#block = new SharedArrayBuffer(recordMemoryBytes(1, ringBytes))
    this.#memory = mapRecordMemory(this.#block, 1, ringBytes)
  }

  begin(given: Begin): ThreadRecords {
    this.#producer = given.producer
    this.#thread = threadRecords({
      ...{ settings: this.#settings, memory: this.#block, threads: 1, thread: 0, ...given },
      heldBytesMax: this.#heldBytesMax,
      wait: () => this.onWait(),
      onFault: (thrown) => this.faults.push(thrown),
    })
    return this.#thread
  }

  assign(plan: EpochPlan): LayoutNumbers {
    return this.#layouts.assign(plan, null, 0).numbers
  }

  get thread(): ThreadRecords {
    if (this.#thread === null) throw new Error('No request path has begun')
    return this.#thread
  }

  get #ring() {
    return this.#memory.rings[0]!
  }

  /** Sequence numbers that were taken. */
  get taken(): number {
    return this.#ring.headDoubles[RING_DOUBLE.TAKEN]!
  }

  get floor(): number {
    return this.#ring.headDoubles[RING_DOUBLE.FLOOR]!
  }

  get wantsWake(): boolean {
    return this.#ring.head[RING_WORD.WANTS_WAKE] === 1
  }

  /** By reason, of those that have no record. */
  counted(reason: keyof typeof GAP_REASON): number {
    return this.#memory.gaps[0]![GAP_REASON[reason]]!
  }

  get undurable(): number {
    return this.#memory.answers[0]![0]!
  }

  /** The spool thread says how it is. */
  say(state: keyof typeof SPOOL_STATE): void {
    Atomics.store(this.#ring.head, RING_WORD.SPOOL_STATE, SPOOL_STATE[state])
  }

  /** The spool thread takes what is in the ring; it is durable then, unless told otherwise. */
  take(isDurable = true): { records: PredictionRecord[]; gaps: Gap[] } {
    const byId = new Map(this.#layouts.all.map((layout) => [layout.id, layout]))
    const records: PredictionRecord[] = []
    const gaps: Gap[] = []
    const ring = this.#ring
    drain(ring, (from, to) => {
      const entry = ring.bytes.slice(from, to)
      const kind = new Int32Array(entry.buffer)[KIND_AT]
      if (kind === ENTRY_KIND.GAP) gaps.push(...readGaps(entry))
      else records.push(decodeEntry(entry, byId, this.#producer))
      return true
    })
    giveBack(ring)
    if (isDurable) this.persist()
    return { records, gaps }
  }

  /** What was taken is on disk. */
  persist(): void {
    Atomics.store(this.#ring.head, RING_WORD.DURABLE, this.#ring.drained)
  }

  /** What the message of the spool thread does, where it was wanted. */
  wake(): void {
    if (Atomics.exchange(this.#ring.head, RING_WORD.WANTS_WAKE, 0) === 1) {
      this.thread.release?.look()
    }
  }
}
