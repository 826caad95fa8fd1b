/** Records of one data thread into its ring, and an account of those that are not. */

import { UNIT_BYTES } from './entry.ts'
import { EntryWriter } from './entry-writer.ts'
import { GAP_REASON } from './reasons.ts'
import type { GapBook } from './ring/gap-book.ts'
import { putGaps } from './ring/gap-entry.ts'
import type { GapRuns } from './ring/gap-runs.ts'
import {
  claim,
  publish,
  type RecordRing,
  RING_DOUBLE,
  RING_WORD,
  writtenEnd,
} from './ring/record-ring.ts'
import { inclusionOf, samplingSeed } from './sampling.ts'
import { ROLE, type WriteFacts } from './write-facts.ts'
import type { WritePlan } from './write-plan.ts'

/** Why the ring has no room, by SPOOL_STATE. */
const FULL_REASONS = [
  GAP_REASON.RING_FULL,
  GAP_REASON.SPOOL_FULL,
  GAP_REASON.DISK_FULL,
  GAP_REASON.IO_ERROR,
] as const

/** Of the ring, so that one record and its filler never want more than there is. */
const ENTRY_SHARE_MAX = 4

export interface RecordWriterTerms {
  readonly ring: RecordRing
  readonly gaps: GapBook
  /** `<gateway>.<replica>.<thread>-<incarnation>` */
  readonly producer: string
  /** Most bytes of any record but of feedback, whatever its endpoint allows. */
  readonly recordBytesMax: number
  /** Called behind each record that is in the ring. */
  readonly onWritten?: () => void
}

export class RecordWriter {
  readonly #ring: RecordRing
  readonly #gaps: GapBook
  readonly #seed: number
  readonly #bytesMax: number
  /** Feedback cannot do without its text, and its sender could not do anything about it. */
  readonly #feedbackBytesMax: number
  readonly #onWritten: (() => void) | null
  readonly #entries: EntryWriter
  readonly #putGaps: (runs: GapRuns) => boolean

  constructor({ ring, gaps, producer, recordBytesMax, onWritten }: RecordWriterTerms) {
    this.#ring = ring
    this.#gaps = gaps
    this.#seed = samplingSeed(producer)
    this.#feedbackBytesMax = (ring.capacityUnits * UNIT_BYTES) / ENTRY_SHARE_MAX
    this.#bytesMax = Math.min(recordBytesMax, this.#feedbackBytesMax)
    this.#onWritten = onWritten ?? null
    this.#entries = new EntryWriter(ring)
    this.#putGaps = (runs) => putGaps(ring, runs)
  }

  /** The next sequence number, from 1, to be settled by `write` or `skip`. */
  takeSequence(): number {
    const sequence = this.#gaps.take()
    this.#ring.headDoubles[RING_DOUBLE.TAKEN] = sequence
    if (this.#gaps.isDue) this.#flush(false)
    return sequence
  }

  /** The request has no record. `reason`: GAP_REASON. */
  skip(sequence: number, reason: number): void {
    this.#gaps.skipped(sequence, reason)
  }

  /**
   * Writes the record of a request. Returns where it ends in the ring, as `writtenEnd`; -1: it is
   * not kept, and counted for a reason, or was settled before. A shadow's sequence is settled by
   * its answer.
   */
  write(plan: WritePlan, facts: WriteFacts): number {
    const { sequence } = facts
    const settles = facts.role !== ROLE.shadow
    if (settles && !this.#gaps.isOpen(sequence)) return -1
    if (!plan.isRecorded) return this.#leave(facts, GAP_REASON.DISABLED)
    const inclusion = inclusionOf(plan, facts, this.#seed)
    if (inclusion === 0) return this.#leave(facts, GAP_REASON.SAMPLED)
    const isFeedback = facts.role === ROLE.feedback
    const bytesMax = isFeedback ? this.#feedbackBytesMax : Math.min(plan.bytesMax, this.#bytesMax)
    const units = this.#entries.measure(plan, facts, bytesMax)
    if (units === 0) return this.#leave(facts, GAP_REASON.TOO_LARGE)
    const unit = claim(this.#ring, units)
    if (unit < 0) return this.#leave(facts, this.#fullReason())
    publish(this.#ring, this.#entries.put(plan, facts, unit, inclusion))
    if (settles) this.#gaps.recorded(sequence)
    if (this.#onWritten !== null) this.#onWritten()
    return writtenEnd(this.#ring)
  }

  /** On every beat of the thread: what has no record goes into the ring, and the floor rises. */
  flush(): void {
    this.#flush(true)
  }

  /**
   * The producer ends: nobody settles anything any more. False: the ring has no room for all that
   * is to be said; again when it has. `reason`: of what is open.
   */
  close(reason: number = GAP_REASON.UNACCOUNTED): boolean {
    this.#gaps.close(reason)
    this.#flush(true)
    return this.#gaps.floor() > this.#gaps.taken
  }

  #flush(isBeat: boolean): void {
    this.#gaps.flush(this.#putGaps, isBeat)
    this.#ring.headDoubles[RING_DOUBLE.FLOOR] = this.#gaps.floor()
  }

  #leave({ sequence, role }: WriteFacts, reason: number): number {
    if (role !== ROLE.shadow) this.#gaps.skipped(sequence, reason)
    return -1
  }

  #fullReason(): number {
    const state = Atomics.load(this.#ring.head, RING_WORD.SPOOL_STATE)
    return FULL_REASONS[state] ?? GAP_REASON.RING_FULL
  }
}
