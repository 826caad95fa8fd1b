/**
 * The spool of one replica: brings what is in the rings of its data threads into segments, step by
 * step, and says how far it has come. It waits for nobody: who calls `step` decides when.
 *
 * What cannot be written stays in the rings. So a disk that is full, or fails, costs the records
 * that find no room there, and nothing that was in a ring is lost with this thread.
 */

import type { Clock } from '../../shared/clock.ts'
import { GAP_REASON } from '../reasons.ts'
import { isWhole, RING_WORD, SPOOL_STATE } from '../ring/record-ring.ts'
import { errnoOf } from './file-calls.ts'
import { FrameStage } from './frame-stage.ts'
import { RingIntake } from './ring-intake.ts'
import { isWithoutRoom, type SegmentWriter } from './segment-writer.ts'
import { SpoolBound } from './spool-bound.ts'
import { SpoolCounts } from './spool-counts.ts'
import type { SpoolLayouts } from './spool-layouts.ts'
import { type RecordMemory, SPOOL_FIGURE } from './spool-memory.ts'
import type { IntakeTarget, Part } from './spool-part.ts'
import { type SegmentTerms, SpoolSegments } from './spool-segments.ts'
import { SpoolState, type StateHandlers } from './spool-state.ts'

/** Of what is written by one call, unless segments are smaller: copied once more in this thread. */
const BATCH_BYTES_MAX = 1024 * 1024
/** Between attempts after one has failed. */
const RETRY_MS = 1000

/** Of one last word: a thread that has not ended may write for ever. */
const LAST_STEPS_MAX = 64

/** What a step came to. `more`: at once another one; `blocked`: not before the disk is better. */
export type StepOutcome = 'more' | 'worked' | 'idle' | 'blocked'

export interface SpoolTerms extends SegmentTerms, StateHandlers {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly memory: RecordMemory
  readonly layouts: SpoolLayouts
  /** Something was wrong that was dealt with. */
  onFault(detail: string): void
}

/** What an attempt to write came to. */
interface Attempt {
  readonly error: unknown
  readonly outcome: StepOutcome
}

export class SpoolWriter {
  readonly #terms: SpoolTerms
  readonly #segments: SpoolSegments
  readonly #intakes: readonly RingIntake[]
  readonly #bound: SpoolBound
  readonly #state: SpoolState
  readonly #counts: SpoolCounts
  readonly #stage = new FrameStage()
  readonly #batchBytes: number
  #parts: Part[] = []
  #retryMs = -Infinity
  /** The data threads have ended. */
  #isLast = false
  /** Whose ring comes first in the next batch. */
  #first = 0

  constructor(terms: SpoolTerms) {
    this.#terms = terms
    this.#segments = new SpoolSegments(terms)
    const { figures } = terms.memory.spool
    const monotonic = () => terms.clock.monotonic()
    this.#bound = new SpoolBound({ ...terms, figures, monotonic })
    this.#counts = new SpoolCounts(figures, monotonic)
    this.#intakes = terms.memory.rings.map(
      (ring, thread) => new RingIntake(ring, thread, terms.layouts),
    )
    this.#batchBytes = Math.min(BATCH_BYTES_MAX, terms.settings.segmentBytesMax)
    this.#state = new SpoolState(terms.memory.rings, terms)
  }

  /** Whether nothing is in the rings. */
  get isEmpty(): boolean {
    return this.#intakes.every(({ bytesWaiting }) => bytesWaiting === 0)
  }

  /** Begins the first segment, so that the producers are known whatever comes. */
  begin(): StepOutcome {
    return this.#step(true)
  }

  /** Brings what is in the rings to disk, one batch of it. */
  step(): StepOutcome {
    return this.#step(false)
  }

  /**
   * Once the data threads `ended`, or all, have ended and their rings are empty: their last word,
   * and a SEAL. False: it could not be written, and is to be tried again.
   */
  finish(ended: readonly number[] = this.#intakes.map(({ thread }) => thread)): boolean {
    this.#isLast = true
    // There is no later for which it could wait.
    this.#retryMs = -Infinity
    for (let steps = 0; steps < LAST_STEPS_MAX && this.#step(false) === 'more'; steps++);
    const intakes = ended.map((thread) => this.#intakes[thread]!)
    if (intakes.some(({ bytesWaiting }) => bytesWaiting > 0)) return false
    const nowMs = this.#terms.clock.monotonic()
    const { error } = this.#attempt(nowMs, (target) => {
      // Who died with something unsaid has not ended in order.
      for (const intake of intakes) if (isWhole(intake.ring)) intake.stageEnd(target)
      return 'worked'
    })
    if (error !== null) {
      this.#fail(nowMs, error)
      return false
    }
    this.#segments.seal()
    return true
  }

  /** Gives up what is in the rings. Returns how many records that were. */
  giveUp(): number {
    const records = this.#intakes.reduce((sum, intake) => sum + intake.discard(), 0)
    this.#counts.add(SPOOL_FIGURE.FAILED + this.#state.reason, records)
    this.#segments.seal()
    return records
  }

  #step(isForced: boolean): StepOutcome {
    const nowMs = this.#terms.clock.monotonic()
    for (const intake of this.#intakes) intake.look()
    if (nowMs < this.#retryMs) return 'blocked'
    const lookError = this.#look(nowMs)
    if (lookError !== null) return this.#fail(nowMs, lookError)
    if (this.#segments.isDone(nowMs)) this.#segments.seal()
    if (this.#isFull()) {
      // The shipper deletes no segment that may still grow.
      this.#segments.seal()
      return this.#block(nowMs, SPOOL_STATE.FULL, 'the spool has as many bytes as it may')
    }
    // Whether it is well again is found out by writing, although nobody wants to.
    const isProbe = isForced || !this.#state.isWell
    const attemptAll = () =>
      this.#attempt(nowMs, (target) => this.#stageRings(target, isProbe), isProbe)
    let attempt = attemptAll()
    if (attempt.error !== null && !isWithoutRoom(attempt.error)) {
      this.#terms.onFault(`a segment was given up: ${errnoOf(attempt.error)}`)
      // What could not be synced may have filled the folder.
      if (!this.#isFull()) attempt = attemptAll()
    }
    if (attempt.error !== null) return this.#fail(nowMs, attempt.error)
    this.#retryMs = -Infinity
    this.#state.set(SPOOL_STATE.WELL, '')
    this.#sweep()
    return attempt.outcome
  }

  /** Everything from a segment to write to up to what the rings get back. Throws nothing. */
  #attempt(
    nowMs: number,
    stageInto: (target: IntakeTarget) => StepOutcome,
    isForced = true,
  ): Attempt {
    const isWanted =
      isForced || this.#intakes.some((each) => each.bytesWaiting > 0 || each.isDue(nowMs))
    if (!isWanted) return { error: null, outcome: 'idle' }
    try {
      const segment = this.#segments.open(nowMs)
      const outcome = stageInto(this.#target(segment, nowMs))
      if (this.#parts.length === 0) return { error: null, outcome: 'idle' }
      return { error: this.#write(segment, nowMs), outcome }
    } catch (error) {
      this.#counts.add(SPOOL_FIGURE.FAULTS, 1)
      if (errnoOf(error) === '') throw error
      return { error, outcome: 'blocked' }
    } finally {
      for (const intake of this.#intakes) intake.rewind()
      // One without a header is anybody's: after a while it would look as if nobody wrote it.
      if (this.#segments.current?.bytes === 0) this.#segments.giveUp()
    }
  }

  /** An empty stage, or one with the beginning of a segment. */
  #target(segment: SegmentWriter, nowMs: number): IntakeTarget {
    const { layouts } = this.#segments
    const stage = this.#stage
    this.#parts = []
    stage.reset(segment.bytes, this.#segments.headerCheck)
    if (segment.bytes === 0) {
      layouts.clear()
      stage.header(this.#segments.header(this.#terms.clock.now()))
      this.#segments.headerCheck = stage.headerCheck
      for (const intake of this.#intakes) intake.stageBegin(stage)
    }
    const room = { entryBytes: 0, entryBytesMax: this.#batchBytes }
    return { stage, parts: this.#parts, layouts, ...room, nowMs }
  }

  #stageRings(target: IntakeTarget, isForced: boolean): StepOutcome {
    const { length } = this.#intakes
    let isEmptied = true
    for (let i = 0; i < length; i++) {
      const intake = this.#intakes[(this.#first + i) % length]!
      if (!intake.stage(target, isForced && i === 0)) isEmptied = false
      this.#reportDamage(intake)
    }
    this.#first = (this.#first + 1) % length
    return isEmptied ? 'worked' : 'more'
  }

  /** Returns what went wrong, or null. */
  #write(segment: SegmentWriter, nowMs: number): unknown {
    const { bytes, error } = this.#counts.timed(SPOOL_FIGURE.WRITES, () =>
      segment.append(this.#stage),
    )
    this.#bound.add(bytes)
    this.#counts.add(SPOOL_FIGURE.BYTES, bytes)
    const kept = this.#parts.filter(({ end }) => end <= bytes)
    const fault = kept.length > 0 && !segment.isBroken ? this.#sync(segment) : null
    // On a disk that cannot say what it has, nothing is safe.
    const isSafe = fault === null && !(segment.isBroken && this.#isPower)
    for (const part of this.#parts) {
      if (part.end <= bytes && isSafe) this.#keep(part, nowMs)
      else if (part.layout !== null) this.#segments.layouts.delete(part.layout)
    }
    if (segment.isBroken) this.#segments.giveUp()
    if (error !== null || fault !== null) this.#counts.add(SPOOL_FIGURE.FAULTS, 1)
    return error ?? fault
  }

  get #isPower(): boolean {
    return this.#terms.settings.durability === 'power'
  }

  #sync(segment: SegmentWriter): unknown {
    if (!this.#isPower) return null
    try {
      this.#counts.timed(SPOOL_FIGURE.SYNCS, () => segment.sync())
      return null
    } catch (error) {
      return error
    }
  }

  #keep(part: Part, nowMs: number): void {
    this.#segments.isNeeded = true
    part.intake.keep(part, nowMs)
    this.#counts.add(SPOOL_FIGURE.RECORDS, part.records)
    this.#counts.add(SPOOL_FIGURE.SHADOWS, part.shadows)
    this.#counts.add(SPOOL_FIGURE.FAILED + GAP_REASON.CORRUPT, part.failed)
    this.#state.wake(part.intake.thread)
  }

  #fail(nowMs: number, error: unknown): StepOutcome {
    const state = isWithoutRoom(error) ? SPOOL_STATE.DISK_FULL : SPOOL_STATE.IO_ERROR
    return this.#block(nowMs, state, errnoOf(error))
  }

  #block(nowMs: number, state: number, detail: string): StepOutcome {
    this.#retryMs = nowMs + RETRY_MS
    this.#state.set(state, detail)
    return 'blocked'
  }

  #isFull(): boolean {
    const waiting = this.#intakes.reduce((sum, { bytesWaiting }) => sum + bytesWaiting, 0)
    return this.#bound.isFull(Math.min(waiting, this.#batchBytes), this.#isLast)
  }

  /** Returns why it is not known what the folder has, or null. */
  #look(nowMs: number): unknown {
    try {
      const found = this.#bound.look(nowMs)
      if (found === null || !this.#segments.isRobbed(found)) return null
      this.#terms.onFault('somebody has deleted or cut off the segment that is written to')
      this.#segments.giveUp()
      return null
    } catch (error) {
      if (errnoOf(error) === '') throw error
      this.#counts.add(SPOOL_FIGURE.FAULTS, 1)
      return error
    }
  }

  #sweep(): void {
    const reads = this.#intakes.map(({ ring }) => Atomics.load(ring.head, RING_WORD.READ))
    this.#terms.layouts.sweep(reads)
  }

  #reportDamage(intake: RingIntake): void {
    const damaged = intake.takeDamaged()
    if (damaged === 0) return
    this.#counts.add(SPOOL_FIGURE.DAMAGED, damaged)
    this.#terms.onFault(`entries of data thread ${intake.thread} were damaged: ${damaged}`)
  }
}
