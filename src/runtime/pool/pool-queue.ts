/**
 * The queue of a pooled version in one data thread: requests go into slots of shared memory, which
 * compute threads empty, and leave through the same handlers as those of a `Batcher`.
 *
 * Every admitted member leaves exactly once: it is one of `#members` from its slot's publication on
 * until it is taken out in `#leave`, and nobody else frees a slot.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import { type BatcherHandlers, emptyPlace, type RunTimes } from '../batch-runs.ts'
import type { WaitingPolicy } from '../batcher-policy.ts'
import { EXPIRED, GONE } from '../queue-admission.ts'
import type { DecodeTarget, PoolQueued, RowQueue } from '../row-queue.ts'
import { OwnSlots } from './own-slots.ts'
import { PoolGate } from './pool-gate.ts'
import type { LinkedQueue, PoolLinks } from './pool-links.ts'
import {
  type PoolMemory,
  RESULT,
  SLOT_DOUBLES,
  SLOT_LINE_DOUBLES,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
} from './pool-memory.ts'
import { type PoolGrant, type SentResult, textsOf, withTexts } from './pool-messages.ts'
import { generationOf, lowerTop, publish, SLOT_STATE, stateOf, withdraw } from './pool-slots.ts'

export interface PoolQueueSurroundings {
  readonly grant: PoolGrant
  readonly pool: PoolMemory
  readonly dataThread: number
  readonly links: PoolLinks
  readonly policy: WaitingPolicy
  /** What is added to `monotonic()` of this thread for the time that all threads share. */
  readonly originMs: number
  monotonic(): number
}

/** Where a member is. */
interface Held<M> {
  readonly member: M
  readonly slot: number
  readonly generation: number
  readonly rows: number
  /** Compute thread that has its tensors; -1: they are in the slot. */
  readonly holder: number
  /** Of those tensors the texts, else null; null: none is text. */
  readonly texts: readonly (Tensor | null)[] | null
  isQueued: boolean
}

const LOST = refuse('THREAD_LOST', 'The thread that ran it has died; nothing was answered')

export class PoolQueue<M extends PoolQueued> implements RowQueue<M>, LinkedQueue {
  readonly #around: PoolQueueSurroundings
  readonly #pool: PoolMemory
  readonly #handlers: BatcherHandlers<M>
  readonly #gate: PoolGate
  readonly #slots: OwnSlots
  #held: Held<M>[] = []
  /** What came by message before its slot was looked at. */
  readonly #results = new Map<number, SentResult>()
  /** The slot that is decoded into. */
  #open = -1
  /** Members are leaving: none is to leave by another way. */
  #isLooking = false
  readonly #place = emptyPlace()
  readonly #times: RunTimes = { startedMs: 0, runStartMs: 0, endedMs: 0, takenMs: 0 }

  constructor(around: PoolQueueSurroundings, handlers: BatcherHandlers<M>) {
    this.#around = around
    this.#pool = around.pool
    this.#handlers = handlers
    const { grant, links, policy } = around
    this.#gate = new PoolGate(around.pool, policy, grant.hosts.length, {
      isBusy: () => links.areBusy(grant.hosts),
      othersMs: (ownMs) => links.othersMs(this, ownMs),
    })
    this.#slots = new OwnSlots(around.pool, around.dataThread)
  }

  get hosts(): readonly number[] {
    return this.#around.grant.hosts
  }

  waitingMs(): number {
    return this.#gate.waitingMs()
  }

  turnMs(): number {
    return this.#gate.turnMs()
  }

  refusal(member: M, rows: number, nowMs: number): Refusal | null {
    return this.#gate.refusal(member, rows, nowMs, this.#around.originMs, this.#held.length)
  }

  openTarget(target: DecodeTarget): void {
    if (!this.#openSlot()) {
      target.room = 0
      return
    }
    target.columns = this.#slots.inputsOf(this.#open)
    target.row = 0
    target.room = this.#pool.shape.slotRows
  }

  /** Whether there is a slot with a payload to write into. */
  #openSlot(): boolean {
    if (this.#open < 0) this.#open = this.#slots.takeWithPayload()
    return this.#open >= 0
  }

  admitInPlace(member: M, rows: number, _nowMs: number): void {
    const slot = this.#open
    this.#open = -1
    this.#publish(member, slot, rows, -1, null)
    this.#around.links.ring(this.#around.grant.hosts)
  }

  admitTensors(member: M, tensors: Tensor[], rows: number, nowMs: number): void {
    const { slotRows } = this.#pool.shape
    if (rows <= slotRows && this.#openSlot()) {
      const columns = this.#slots.inputsOf(this.#open)
      for (const [i, { data }] of tensors.entries()) {
        ;(columns[i] as Float64Array).set(data as Float64Array)
      }
      this.admitInPlace(member, rows, nowMs)
      return
    }
    const slot = this.#slots.take()
    const { grant, links } = this.#around
    const holder = links.choose(grant.hosts)
    const { wantsInputs } = member
    const texts = wantsInputs ? textsOf(tensors) : null
    const { generation } = this.#publish(member, slot, rows, holder, texts)
    links.send(holder, { pool: grant.pool, slot, generation, tensors, wantsInputs })
  }

  #publish(
    member: M,
    slot: number,
    rows: number,
    holder: number,
    texts: Held<M>['texts'],
  ): Held<M> {
    const { originMs } = this.#around
    const generation = publish(this.#pool, slot, {
      rows,
      priority: member.priority,
      deadlineMs: member.deadlineMs + originMs,
      timeoutMs: member.timeoutMs + originMs,
      holder,
      isOversized: this.#gate.isOversized(rows),
    })
    const held = { member, slot, generation, rows, holder, texts, isQueued: true }
    this.#held.push(held)
    this.#handlers.onQueueRows(rows)
    this.#handlers.onQueued(member)
    return held
  }

  /** Hands out what is done. Members leave in the order of their admission. */
  look(): void {
    const held = this.#held
    if (held.length === 0) return
    const { states } = this.#pool
    let kept = 0
    this.#isLooking = true
    for (let i = 0; i < held.length; i++) {
      const one = held[i]!
      const state = stateOf(Atomics.load(states, one.slot))
      if (state >= SLOT_STATE.RUNNING) this.#unqueue(one)
      if (state !== SLOT_STATE.DONE || !this.#take(one)) held[kept++] = one
    }
    this.#isLooking = false
    held.length = kept
    if (kept === 0) lowerTop(this.#pool, this.#around.dataThread)
  }

  cancel(member: M): boolean {
    const index = this.#isLooking ? -1 : this.#held.findIndex((one) => one.member === member)
    const one = this.#held[index]
    if (one === undefined) return false
    if (!withdraw(this.#pool, one.slot)) {
      // Of a request in parts the rest is not run, and what waits for company leaves.
      const at = one.slot * SLOT_LINE_WORDS + SLOT_WORDS.CANCELLED
      Atomics.store(this.#pool.slotWords, at, 1)
      return false
    }
    this.#held.splice(index, 1)
    const { grant, links } = this.#around
    const { slot, generation, holder } = one
    if (holder >= 0) links.withdraw(holder, { pool: grant.pool, slot, generation })
    this.#unqueue(one)
    this.#fail(one, GONE)
    this.#slots.giveBack(slot)
    return true
  }

  onResult(result: SentResult): void {
    // One of a thread that has died may come when another one has answered.
    if (generationOf(this.#pool.states[result.slot]!) !== result.generation) return
    this.#results.set(result.slot, result)
    this.look()
  }

  onReplaced(thread: number): void {
    this.#held = this.#held.filter((one) => {
      if (one.holder !== thread || !withdraw(this.#pool, one.slot)) return true
      this.#unqueue(one)
      this.#fail(one, LOST)
      this.#slots.giveBack(one.slot)
      return false
    })
    this.look()
  }

  #unqueue(one: Held<M>): void {
    if (!one.isQueued) return // the thread that ran it has died, and it was ready again
    one.isQueued = false
    this.#handlers.onQueueRows(-one.rows)
    this.#handlers.onUnqueued(one.member)
  }

  /** Answers a member whose slot is done; false: its message has not come yet. */
  #take(one: Held<M>): boolean {
    const { slot } = one
    const result = this.#pool.slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.RESULT]!
    const sent = result === RESULT.MESSAGE ? this.#results.get(slot) : undefined
    if (result === RESULT.MESSAGE && sent?.generation !== one.generation) return false
    this.#results.delete(slot)
    this.#noteRuns(one)
    // What was not run has none, wherever it waited.
    this.#place.inputs = result === RESULT.EXPIRED ? null : this.#inputsOf(one, sent)
    if (result === RESULT.EXPIRED) this.#fail(one, EXPIRED)
    else if (result === RESULT.LOST) this.#fail(one, LOST)
    else if (sent === undefined) this.#done(one, this.#slots.answersOf(slot, one.rows))
    else if (sent.tensors !== null) this.#done(one, sent.tensors)
    else this.#fail(one, sent.refusal!, sent.badRow)
    this.#place.inputs = null
    this.#slots.giveBack(slot)
    return true
  }

  #inputsOf({ member, slot, holder, texts }: Held<M>, sent: SentResult | undefined) {
    if (!member.wantsInputs) return null
    if (holder < 0) return this.#slots.askedOf(slot)
    return sent === undefined ? null : withTexts(sent.inputs, texts)
  }

  /** The runs that it was the first of: all but the last were full, and all took equally long. */
  #noteRuns({ member, slot }: Held<M>): void {
    const { slotWords, slotDoubles } = this.#pool
    const wordAt = slot * SLOT_LINE_WORDS
    const at = slot * SLOT_LINE_DOUBLES
    const runs = slotWords[wordAt + SLOT_WORDS.SERVED_RUNS]!
    if (runs === 0) return
    const times = this.#times
    times.endedMs = slotDoubles[at + SLOT_DOUBLES.SERVED_ENDED]! - this.#around.originMs
    times.runStartMs = times.endedMs - slotDoubles[at + SLOT_DOUBLES.SERVED_RUN_MS]! / runs
    times.startedMs = times.runStartMs - slotDoubles[at + SLOT_DOUBLES.SERVED_INPUT_MS]! / runs
    for (let left = runs; left > 0; left--) {
      const rows =
        left === 1 ? slotWords[wordAt + SLOT_WORDS.SERVED_ROWS]! : this.#around.policy.rowsMax
      this.#handlers.onServed(member, rows, times)
    }
  }

  #done({ member, slot, rows }: Held<M>, results: readonly Tensor[]): void {
    const { slotWords, slotDoubles } = this.#pool
    const { originMs } = this.#around
    const doubleAt = slot * SLOT_LINE_DOUBLES
    const place = this.#place
    place.rows = rows
    place.runRows = slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.RUN_ROWS]!
    const times = this.#times
    times.startedMs = slotDoubles[doubleAt + SLOT_DOUBLES.STARTED]! - originMs
    times.runStartMs = slotDoubles[doubleAt + SLOT_DOUBLES.RUN_START]! - originMs
    times.endedMs = slotDoubles[doubleAt + SLOT_DOUBLES.ENDED]! - originMs
    times.takenMs = this.#around.monotonic()
    try {
      this.#handlers.onDone(member, results, place, times)
    } catch (thrown) {
      this.#handlers.onFault(member, thrown)
    }
  }

  #fail({ member, rows }: Held<M>, refusal: Refusal, badRow = -1): void {
    this.#place.rows = rows
    this.#place.runRows = 0
    try {
      this.#handlers.onFailed(member, refusal, badRow, this.#place)
    } catch (thrown) {
      this.#handlers.onFault(member, thrown)
    }
  }
}
