/** A data thread as the spool sees it: takes sequences, settles them in its ring, keeps FLOOR. */

import { GAP_REASON, type Gap } from '../../src/records/reasons.ts'
import {
  isDurable,
  type RecordRing,
  RING_DOUBLE,
  RING_WORD,
  writtenEnd,
} from '../../src/records/ring/record-ring.ts'
import { gapEntry, putEntry, recordEntry } from './ring-entries.ts'

const REASONS = [
  GAP_REASON.RING_FULL,
  GAP_REASON.SPOOL_FULL,
  GAP_REASON.DISK_FULL,
  GAP_REASON.IO_ERROR,
]

export class TestProducer {
  readonly ring: RecordRing
  readonly #seed: number
  /** Bytes of every record that came into the ring, by sequence, and where it ends there. */
  readonly written = new Map<number, { readonly entry: Uint8Array; readonly end: number }>()
  /** Sequences without a record, by reason. */
  readonly skipped = new Map<number, number>()
  #waiting: Gap[] = []
  taken = 0

  constructor(ring: RecordRing, seed: number) {
    this.ring = ring
    this.#seed = seed
  }

  /** Whether every sequence that was taken has its record or gap in the ring. */
  get isSettled(): boolean {
    return this.#waiting.length === 0
  }

  /** Takes a sequence and settles it by a record, or by a gap where there is no room. */
  produce(payloadBytes: number, layout: number): void {
    const sequence = this.#take()
    const entry = recordEntry({ sequence, layout, payloadBytes, seed: this.#seed })
    if (putEntry(this.ring, entry)) {
      this.written.set(sequence, { entry, end: writtenEnd(this.ring) })
      this.#raiseFloor()
    } else {
      const state = Atomics.load(this.ring.head, RING_WORD.SPOOL_STATE)
      this.#skip(sequence, REASONS[state]!)
    }
  }

  /** Takes a sequence and settles it without a record. */
  skip(reason: number): void {
    this.#skip(this.#take(), reason)
  }

  /** Brings gaps into the ring, as a data thread does at every beat. */
  flush(): void {
    if (this.#waiting.length > 0 && putEntry(this.ring, gapEntry(this.#waiting))) this.#waiting = []
    this.#raiseFloor()
  }

  /** Sequences that are as safe as `durability` has them. */
  durable(): number[] {
    return [...this.written].flatMap(([sequence, { end }]) =>
      isDurable(this.ring, end) ? [sequence] : [],
    )
  }

  #take(): number {
    this.ring.headDoubles[RING_DOUBLE.TAKEN] = ++this.taken
    return this.taken
  }

  #skip(sequence: number, reason: number): void {
    this.skipped.set(sequence, reason)
    const last = this.#waiting.at(-1)
    if (last?.to === sequence - 1 && last.reason === reason) {
      this.#waiting[this.#waiting.length - 1] = { ...last, to: sequence }
    } else this.#waiting.push({ from: sequence, to: sequence, reason })
  }

  #raiseFloor(): void {
    this.ring.headDoubles[RING_DOUBLE.FLOOR] = this.#waiting[0]?.from ?? this.taken + 1
  }
}
