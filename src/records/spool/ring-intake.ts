/** Takes the entries of one ring into frames of a segment. */

import { RECORD_ROLES } from '../../shared/record-policy.ts'
import { checkEntry, ENTRY_KIND, ENTRY_WORD, entrySequence, KIND_AT, UNIT_BYTES } from '../entry.ts'
import { GAP_REASON } from '../reasons.ts'
import { drain, type RecordRing, RING_DOUBLE, RING_WORD } from '../ring/record-ring.ts'
import type { FrameStage } from './frame-stage.ts'
import { FRAME, type SpooledGap } from './segment-format.ts'
import type { Redactor, SpoolLayouts } from './spool-layouts.ts'
import type { IntakeTarget, Part } from './spool-part.ts'

const SHADOW = RECORD_ROLES.indexOf('shadow')

/** FLOOR and TAKEN of a ring that have not changed need not be said again. */
const ACCOUNT_MS = 1000

export class RingIntake {
  readonly ring: RecordRing
  readonly thread: number
  readonly #layouts: SpoolLayouts
  readonly #onEntry = (from: number, to: number): boolean => this.#take(from, to)
  #floor = 1
  #taken = 0
  #accountMs = -Infinity
  /** FLOOR at the last look, and at the one before. */
  #floorSeen = 1
  #floorReady = 1
  #target: IntakeTarget | null = null
  #layoutId = 0
  #redactor: Redactor | null = null
  #stop: 'none' | 'room' | 'layout' = 'none'
  /** Entries that lie side by side in the ring and are yet to be copied. */
  #runFrom = 0
  #runTo = 0
  #drainedFrom = 0
  #entries = 0
  #shadows = 0
  #records = 0
  #failed: SpooledGap[] = []
  #damaged = 0

  constructor(ring: RecordRing, thread: number, layouts: SpoolLayouts) {
    this.ring = ring
    this.thread = thread
    this.#layouts = layouts
  }

  /** Bytes that are published and not given back. */
  get bytesWaiting(): number {
    const { head } = this.ring
    const units = (Atomics.load(head, RING_WORD.WRITTEN) - Atomics.load(head, RING_WORD.READ)) | 0
    return units * UNIT_BYTES
  }

  /** Entries that were neither kept nor known by their sequence, since this was last asked. */
  takeDamaged(): number {
    const damaged = this.#damaged
    this.#damaged = 0
    return damaged
  }

  /**
   * To be called once before each `isDue` or `stage`. FLOOR is no atomic: what it promises is
   * counted on one look later, when all that was written before it is surely seen.
   */
  look(): void {
    this.#floorReady = this.#floorSeen
    this.#floorSeen = this.#double(RING_DOUBLE.FLOOR)
  }

  /** Whether FLOOR or TAKEN should be said again although there is no entry. */
  isDue(nowMs: number): boolean {
    const isMoved = this.#floorReady > this.#floor || this.#double(RING_DOUBLE.TAKEN) > this.#taken
    return isMoved && nowMs - this.#accountMs >= ACCOUNT_MS
  }

  /**
   * Stages what is in the ring, until the target has `entryBytesMax`. `isForced`: at least an
   * account. Returns whether the ring has been emptied.
   */
  stage(target: IntakeTarget, isForced: boolean): boolean {
    this.#target = target
    const isWanted = isForced || this.isDue(target.nowMs)
    this.#layoutId = 0
    for (;;) {
      this.#begin(FRAME.RECORDS)
      if (drain(this.ring, this.#onEntry) < 0) this.#damaged++
      this.#endRun()
      const isEmptied = this.#stop === 'none'
      this.#end(isEmptied ? this.#floorReady : this.#floor, isEmptied && isWanted)
      if (this.#stop !== 'layout') return isEmptied
      this.#stageLayout()
    }
  }

  /** Stages that the thread is there. No part comes of it: it is true whenever it is written. */
  stageBegin(stage: FrameStage): void {
    const [floor, taken] = [this.#floor, this.#double(RING_DOUBLE.TAKEN)]
    stage.begin(FRAME.BEGIN)
    stage.reserveAccount()
    stage.account({ thread: this.thread, count: 0, floor, taken })
    stage.end()
  }

  /** Stages the last word on a thread that has ended, and whose ring is empty. */
  stageEnd(target: IntakeTarget): void {
    this.#target = target
    this.#begin(FRAME.END)
    this.#stageAccount(0, this.#double(RING_DOUBLE.FLOOR))
  }

  /** A part is on disk, as safely as it has to be: its room in the ring is given back. */
  keep({ drained, floor, taken }: Part, nowMs: number): void {
    const { head } = this.ring
    this.#floor = floor
    this.#taken = taken
    this.#accountMs = nowMs
    Atomics.store(head, RING_WORD.READ, drained)
    Atomics.store(head, RING_WORD.DURABLE, drained)
  }

  /** What was staged and not kept comes again. */
  rewind(): void {
    this.ring.drained = Atomics.load(this.ring.head, RING_WORD.READ)
  }

  /** Passes over what is in the ring. Returns how many records that were. */
  discard(): number {
    const { ring } = this
    let records = 0
    this.rewind()
    drain(ring, (from) => {
      const [kind, role] = [KIND_AT, ENTRY_WORD.ROLE].map((at) => ring.words[(from >> 2) + at])
      if (kind === ENTRY_KIND.RECORD && role !== SHADOW) records++
      return true
    })
    return records
  }

  #double(at: number): number {
    return this.ring.headDoubles[at]!
  }

  #begin(kind: number): void {
    const { stage } = this.#target!
    this.#stop = 'none'
    this.#drainedFrom = this.ring.drained
    this.#entries = 0
    this.#records = 0
    this.#shadows = 0
    this.#failed = []
    this.#runFrom = 0
    this.#runTo = 0
    stage.begin(kind)
    stage.reserveAccount()
  }

  #take(from: number, to: number): boolean {
    const { words } = this.ring
    const target = this.#target!
    if (target.entryBytes > 0 && target.entryBytes + to - from > target.entryBytesMax) {
      this.#stop = 'room'
      return false
    }
    if (!checkEntry(words, from, to)) return this.#fail(from)
    const kind = words[(from >> 2) + KIND_AT]
    if (kind === ENTRY_KIND.GAP) return this.#copy(from, to)
    if (kind !== ENTRY_KIND.RECORD) return this.#fail(from)
    const id = words[(from >> 2) + ENTRY_WORD.LAYOUT]!
    if (id !== this.#layoutId && !this.#enter(id)) {
      return this.#stop === 'layout' ? false : this.#fail(from)
    }
    if (this.#redactor === null || !this.#redactor.concerns(words, from)) this.#copy(from, to)
    else if (!this.#copyRedacted(this.#redactor, from, to)) return this.#fail(from)
    if (words[(from >> 2) + ENTRY_WORD.ROLE] === SHADOW) this.#shadows++
    else this.#records++
    return true
  }

  /** False where the entry cannot be taken now, or not at all. */
  #enter(id: number): boolean {
    const layout = this.#layouts.find(id)
    if (layout === null) return false
    if (!this.#target!.layouts.has(id)) {
      this.#stop = 'layout'
      this.#layoutId = id
      return false
    }
    this.#layoutId = id
    this.#redactor = layout.redactor
    return true
  }

  #copy(from: number, to: number): true {
    if (from !== this.#runTo) {
      this.#endRun()
      this.#runFrom = from
    }
    this.#runTo = to
    this.#entries++
    this.#target!.entryBytes += to - from
    return true
  }

  /** Whatever goes wrong here, what was to be redacted goes nowhere. */
  #copyRedacted(redactor: Redactor, from: number, to: number): boolean {
    this.#endRun()
    try {
      const entry = redactor.redact(this.ring.bytes.subarray(from, to))
      this.#target!.stage.append(entry, 0, entry.length)
      this.#target!.entryBytes += entry.length
      this.#entries++
      return true
    } catch {
      return false
    }
  }

  #endRun(): void {
    if (this.#runTo > this.#runFrom) {
      this.#target!.stage.append(this.ring.bytes, this.#runFrom, this.#runTo)
    }
    this.#runFrom = 0
    this.#runTo = 0
  }

  /** An entry that cannot be kept: a gap, if it can be told of what. */
  #fail(from: number): true {
    const { words, doubles } = this.ring
    const sequence = entrySequence(words, doubles, from / UNIT_BYTES)
    const isRecord = words[(from >> 2) + KIND_AT] === ENTRY_KIND.RECORD
    const isTaken = sequence > 0 && sequence <= this.#double(RING_DOUBLE.TAKEN)
    const isShadow = words[(from >> 2) + ENTRY_WORD.ROLE] === SHADOW
    if (isRecord && isTaken && Number.isInteger(sequence) && !isShadow) {
      this.#failed.push({ from: sequence, to: sequence, reason: GAP_REASON.CORRUPT })
    } else this.#damaged++
    return true
  }

  #end(floor: number, isWanted: boolean): void {
    const { stage } = this.#target!
    const hasFailed = this.#failed.length > 0
    const isPassed = this.ring.drained !== this.#drainedFrom
    if (!isPassed && !isWanted) {
      stage.undo()
      return
    }
    // The floor is true only with the gaps.
    this.#stageAccount(this.#entries, hasFailed ? this.#floor : floor)
    if (hasFailed) this.#stageFailed(floor)
  }

  #stageFailed(floor: number): void {
    const { stage, parts } = this.#target!
    const before = parts.pop()!
    stage.begin(FRAME.GAPS)
    stage.reserveAccount()
    for (const gap of this.#failed) stage.gap(gap)
    const [count, { taken }] = [this.#failed.length, before]
    stage.account({ thread: this.thread, count, floor, taken })
    stage.end()
    parts.push({ ...before, end: stage.length, floor, failed: count })
  }

  /** Ends the frame that was begun. */
  #stageAccount(count: number, floor: number): void {
    const { stage, parts } = this.#target!
    const taken = this.#double(RING_DOUBLE.TAKEN)
    stage.account({ thread: this.thread, count, floor, taken })
    stage.end()
    parts.push({
      intake: this,
      end: stage.length,
      drained: this.ring.drained,
      ...{ floor, taken, records: this.#records, shadows: this.#shadows },
      failed: 0,
      layout: null,
    })
  }

  #stageLayout(): void {
    const { stage, parts, layouts } = this.#target!
    const id = this.#layoutId
    const { bytes } = this.#layouts.find(id)!
    stage.begin(FRAME.LAYOUT)
    stage.append(Uint8Array.of(id, id >> 8, id >> 16, id >> 24, 0, 0, 0, 0), 0, 8)
    stage.append(bytes, 0, bytes.length)
    stage.end()
    layouts.add(id)
    parts.push({
      intake: this,
      end: stage.length,
      drained: this.ring.drained,
      ...{ floor: this.#floor, taken: this.#taken, records: 0, shadows: 0, failed: 0, layout: id },
    })
    // Looked up anew, with its redaction.
    this.#layoutId = 0
  }
}
