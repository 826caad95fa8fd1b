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
import { RingRoom } from './ring/ring-room.ts'
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
  /** Room is promised to requests (ring/ring-room.ts); else whoever comes first has it. */
  readonly promises?: boolean
}

export class RecordWriter {
  readonly #ring: RecordRing
  readonly #gaps: GapBook
  readonly #seed: number
  readonly #bytesMax: number
  /** Feedback cannot do without its text, and its sender could not do anything about it. */
  readonly #feedbackBytesMax: number
  /** null: nothing is promised. */
  readonly #room: RingRoom | null
  readonly #entries: EntryWriter
  readonly #putGaps: (runs: GapRuns) => boolean

  constructor({ ring, gaps, producer, recordBytesMax, promises }: RecordWriterTerms) {
    this.#ring = ring
    this.#gaps = gaps
    this.#seed = samplingSeed(producer)
    this.#feedbackBytesMax = (ring.capacityUnits * UNIT_BYTES) / ENTRY_SHARE_MAX
    this.#bytesMax = Math.min(recordBytesMax, this.#feedbackBytesMax)
    const entryUnitsMax = Math.floor(this.#bytesMax / UNIT_BYTES)
    this.#room = promises === true ? new RingRoom(ring, entryUnitsMax) : null
    this.#entries = new EntryWriter(ring)
    this.#putGaps = (runs) => putGaps(ring, runs, this.#room === null ? 0 : this.#room.keptUnits)
  }

  /** The next sequence number, from 1, to be settled by `write` or `skip`. */
  takeSequence(): number {
    const sequence = this.#gaps.take()
    this.#ring.headDoubles[RING_DOUBLE.TAKEN] = sequence
    if (this.#gaps.isDue) this.#flush(false)
    return sequence
  }

  /** Bytes of the largest entry that a record of this plan may be, a multiple of 8. */
  #most(plan: WritePlan): number {
    return Math.min(plan.bytesMax, this.#bytesMax) & -UNIT_BYTES
  }

  /** Whether a record of so many bytes, a multiple of 8, would be promised its room. */
  hasRoom(plan: WritePlan, bytes: number): boolean {
    return this.#room === null || this.#room.has(Math.min(bytes, this.#most(plan)) / UNIT_BYTES)
  }

  /**
   * Promises room for the record of a request: units, to be handed to `write`, which finds room
   * then for a record of so many bytes, or for one without features; 0: there is no room.
   */
  promise(plan: WritePlan, bytes: number): number {
    const units = Math.min(bytes, this.#most(plan)) / UNIT_BYTES
    return this.#room?.promise(units) === true ? units : 0
  }

  /** Of all requests that have not been written down since. */
  get promisedUnits(): number {
    return this.#room === null ? 0 : this.#room.promisedUnits
  }

  /** The request has no record. `reason`: GAP_REASON. */
  skip(sequence: number, reason: number): void {
    this.#gaps.skipped(sequence, reason)
  }

  /**
   * Writes the record of a request. Returns where it ends in the ring, as `writtenEnd`; -1: it is
   * not kept, and counted for a reason, or was settled before. A shadow's sequence is settled by
   * its answer. `promised`: of `promise`, which ends with this.
   */
  write(plan: WritePlan, facts: WriteFacts, promised = 0): number {
    if (promised > 0) this.#room!.end(promised)
    const { sequence } = facts
    const settles = facts.role !== ROLE.shadow
    if (settles && !this.#gaps.isOpen(sequence)) return -1
    if (!plan.isRecorded) return this.#leave(facts, GAP_REASON.DISABLED)
    const inclusion = inclusionOf(plan, facts, this.#seed)
    if (inclusion === 0) return this.#leave(facts, GAP_REASON.SAMPLED)
    const isFeedback = facts.role === ROLE.feedback
    const bytesMax = isFeedback ? this.#feedbackBytesMax : Math.min(plan.bytesMax, this.#bytesMax)
    let units = this.#entries.measure(plan, facts, bytesMax)
    if (units === 0) return this.#leave(facts, GAP_REASON.TOO_LARGE)
    let unit = this.#claim(units, promised)
    if (unit < 0 && promised > 0) {
      // It is larger than could be foreseen: what was promised is enough without its features.
      units = this.#entries.measure(plan, facts, promised * UNIT_BYTES)
      if (units > 0) unit = this.#claim(units, promised)
    }
    if (unit < 0) return this.#leave(facts, this.#fullReason())
    publish(this.#ring, this.#entries.put(plan, facts, unit, inclusion))
    if (settles) this.#gaps.recorded(sequence)
    return writtenEnd(this.#ring)
  }

  #claim(units: number, promised: number): number {
    return this.#room === null ? claim(this.#ring, units) : this.#room.claim(units, promised)
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
