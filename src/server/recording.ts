/**
 * Records of one data thread: every sequence number that is taken here ends in a record, or in a
 * reason why there is none, once (records/ring/gap-book.ts sees to that). Nothing allocates.
 */

import { GAP_REASON } from '../records/reasons.ts'
import { recordBytesOf } from '../records/record-size.ts'
import type { RecordWriter } from '../records/record-writer.ts'
import { type RecordRing, RING_WORD, SPOOL_STATE } from '../records/ring/record-ring.ts'
import { makeWriteFacts, ROLE } from '../records/write-facts.ts'
import type { WritePlan } from '../records/write-plan.ts'
import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import type { Clock } from '../shared/clock.ts'
import { REASON_OK, reasonIndex } from '../shared/counters.ts'
import { type Refusal, refuse } from '../shared/errors.ts'
import type { Exchange } from './exchange.ts'
import type { Pending } from './pending.ts'
import type { Answer } from './protocols/protocol.ts'
import { idOf, idOfHead } from './request-ids.ts'
import { FEATURES } from './wire-formats.ts'

const STATUS_OK = 200
const STATUS_ACCEPTED = 202
const NONE = Number.NaN

const UNAVAILABLE = reasonIndex('RECORD_UNAVAILABLE')
/** The least that is asked of the ring for a request. */
const ONE_ROW = { rows: 1, extras: null, bodyBytes: 0, requestId: null }
const NO_ROOM = Object.freeze(
  refuse('RECORD_UNAVAILABLE', 'There is no room for records in memory; try again later'),
)
const NO_SPOOL = Object.freeze(
  refuse('RECORD_UNAVAILABLE', 'Records cannot be written to disk; try again later'),
)

export interface RecordingParts {
  readonly ring: RecordRing
  /** Promises room where requests wait for it. */
  readonly writer: RecordWriter
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** Without room requests are refused: `records.when_full: wait`. */
  readonly waits: boolean
  /** Reports a fault of ours. */
  onFault(thrown: unknown): void
}

export class Recording {
  readonly #parts: RecordingParts
  readonly #facts = makeWriteFacts()

  constructor(parts: RecordingParts) {
    this.#parts = parts
    this.#setWallClock()
  }

  takeSequence(): number {
    return this.#parts.writer.takeSequence()
  }

  /**
   * Why a request of an endpoint with this plan is not looked at; null: there may be room for its
   * record.
   */
  refusal(plan: WritePlan | null): Refusal | null {
    const { waits, ring, writer } = this.#parts
    if (!waits || plan === null || !plan.isRecorded) return null
    if (Atomics.load(ring.head, RING_WORD.SPOOL_STATE) !== SPOOL_STATE.WELL) return NO_SPOOL
    return writer.hasRoom(plan, recordBytesOf(plan, ONE_ROW)) ? null : NO_ROOM
  }

  /** Why a request, now decoded, is not admitted; null: its record will have room. */
  promise(pending: Pending, plan: WritePlan | null): Refusal | null {
    const { waits, writer } = this.#parts
    if (!waits || plan === null || !plan.isRecorded) return null
    const { rows, extras, bodyBytes } = pending
    const requestId = idOf(idOfHead(pending.exchange), pending.bodyId)
    const bytes = recordBytesOf(plan, { rows, extras, bodyBytes, requestId })
    pending.promisedUnits = writer.promise(plan, bytes)
    return pending.promisedUnits > 0 ? null : NO_ROOM
  }

  /** Of requests under way. */
  get promisedUnits(): number {
    return this.#parts.writer.promisedUnits
  }

  /**
   * The record of an answer. Where it ends in the ring, as `writtenEnd`; -1: there is none.
   */
  answered(pending: Pending, answer: Answer, place: Place, times: RunTimes): number {
    const facts = this.#facts
    facts.role = ROLE.answer
    facts.code = REASON_OK
    facts.status = STATUS_OK
    facts.latencyMs = answer.latencyMs
    facts.queueMs = times.startedMs - pending.admittedMs
    facts.computeMs = times.endedMs - times.runStartMs
    facts.inputs = place.inputs
    facts.results = answer.results
    facts.rowStart = place.rowStart
    facts.requestId = answer.requestId
    return this.#writeRequest(pending)
  }

  /**
   * The record of a request without an answer of the model: refused before it joined the queue,
   * else failed. `reason`: index of counters.ts; `status`: 0, where its client had gone.
   */
  ended(pending: Pending, reason: number, status: number, place: Place | null): void {
    if (reason === UNAVAILABLE) {
      this.#parts.writer.skip(pending.sequence, this.#fullReason())
      return
    }
    const { admittedMs, exchange } = pending
    const facts = this.#facts
    facts.role = admittedMs > 0 ? ROLE.failed : ROLE.refused
    facts.code = reason
    facts.status = status
    facts.latencyMs = this.#parts.clock.monotonic() - exchange.startedMs
    facts.queueMs = NONE
    facts.computeMs = NONE
    facts.inputs = place === null ? null : place.inputs
    facts.results = null
    facts.rowStart = place === null ? 0 : place.rowStart
    facts.requestId = idOf(idOfHead(exchange), pending.bodyId)
    this.#writeRequest(pending)
  }

  #writeRequest(pending: Pending): number {
    const { exchange, variant, admittedMs } = pending
    const facts = this.#facts
    facts.sequence = pending.sequence
    facts.protocol = pending.format.protocol
    facts.epoch = pending.epoch.number
    facts.bucket = pending.bucket
    facts.startedMs = exchange.startedMs
    facts.decodeMs = admittedMs > 0 ? admittedMs - exchange.startedMs : NONE
    facts.rows = pending.rows
    facts.isBatch = pending.isBatch
    facts.traceIds = exchange.trace === null ? null : exchange.trace.ids
    facts.extras = pending.extras
    const promised = pending.promisedUnits
    pending.promisedUnits = 0
    return this.#write(variant === null ? pending.endpoint.records : variant.records, promised)
  }

  /** Feedback, its JSON, under a sequence number of its own. As `answered`. */
  feedback(plan: WritePlan | null, exchange: Exchange, epoch: number, text: string): number {
    const facts = this.#facts
    facts.sequence = this.takeSequence()
    facts.role = ROLE.feedback
    facts.code = REASON_OK
    facts.status = STATUS_ACCEPTED
    facts.protocol = FEATURES.protocol
    facts.epoch = epoch
    facts.bucket = -1
    facts.startedMs = exchange.startedMs
    facts.latencyMs = this.#parts.clock.monotonic() - exchange.startedMs
    facts.decodeMs = facts.queueMs = facts.computeMs = NONE
    facts.rows = facts.rowStart = 0
    facts.isBatch = false
    facts.requestId = idOfHead(exchange)
    facts.traceIds = exchange.trace === null ? null : exchange.trace.ids
    facts.text = text
    return this.#write(plan)
  }

  /** Total: a record that cannot be written keeps no answer back. */
  #write(plan: WritePlan | null, promised = 0): number {
    const facts = this.#facts
    const { writer } = this.#parts
    try {
      if (plan !== null) return writer.write(plan, facts, promised)
      writer.skip(facts.sequence, GAP_REASON.DISABLED)
      return -1
    } catch (thrown) {
      writer.skip(facts.sequence, GAP_REASON.UNACCOUNTED)
      this.#parts.onFault(thrown)
      return -1
    } finally {
      facts.inputs = null
      facts.results = null
      facts.extras = null
      facts.text = null
    }
  }

  #fullReason(): number {
    const state = Atomics.load(this.#parts.ring.head, RING_WORD.SPOOL_STATE)
    if (state === SPOOL_STATE.FULL) return GAP_REASON.SPOOL_FULL
    if (state === SPOOL_STATE.DISK_FULL) return GAP_REASON.DISK_FULL
    return state === SPOOL_STATE.IO_ERROR ? GAP_REASON.IO_ERROR : GAP_REASON.RING_FULL
  }

  /** At every beat of the thread. */
  onBeat(): void {
    this.#setWallClock()
    this.#parts.writer.flush()
  }

  /**
   * The thread ends. `isCut`: what is not settled is under way; else it has been forgotten. False:
   * the ring has no room for all that is to be said; again when it has.
   */
  close(isCut: boolean): boolean {
    return this.#parts.writer.close(isCut ? GAP_REASON.KILLED : GAP_REASON.UNACCOUNTED)
  }

  #setWallClock(): void {
    const { clock } = this.#parts
    this.#facts.wallOffsetMs = clock.now() - clock.monotonic()
  }
}
