/**
 * A pooled version on one compute thread: takes what is ready, at most about a batch ahead, so that
 * other instances have their share, and runs it by the same `Batcher` that runs inline versions.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import type { BatcherHandlers, Place, RunTimes } from '../batch-runs.ts'
import { Batcher } from '../batcher.ts'
import type { BatcherPolicy, Turns } from '../batcher-policy.ts'
import type { CostModel } from '../cost-model.ts'
import type { Queued } from '../row-queue.ts'
import type { Session } from '../session-types.ts'
import { copied, sliceTensors } from '../tensor-copies.ts'
import { ThreadWork } from '../thread-work.ts'
import type { FairTurns, Tenant } from './fair-turns.ts'
import {
  POOL_DOUBLES,
  type PoolMemory,
  RESULT,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
} from './pool-memory.ts'
import { packResult, type SentRequest, type SentResult, type SentTensors } from './pool-messages.ts'
import { PoolOrder } from './pool-order.ts'
import { ownerOf } from './pool-shape.ts'
import { begin, claim, finish, generationOf } from './pool-slots.ts'
import { isOver } from './ready-slots.ts'
import { SlotPayloads } from './slot-payloads.ts'

/** A request that this thread has claimed. */
interface Member extends Queued {
  readonly slot: number
  readonly rows: number
  /** What was sent for it, and is to come back; null: nothing. */
  readonly sent: readonly Tensor[] | null
  hasBegun: boolean
}

/** What the thread is told of what goes on. */
export interface HostSurroundings {
  readonly poolNumber: number
  readonly pool: PoolMemory
  readonly thread: number
  readonly session: Session
  /** Of the session. */
  readonly cost: CostModel
  readonly policy: BatcherPolicy
  readonly fair: FairTurns
  readonly turns: Turns
  /** What is added to `monotonic()` of this thread for the time that all threads share. */
  readonly originMs: number
  /** Before anything is done for the version in a turn of its. */
  onTurn(): void
  onRunStart(): void
  onRunEnd(): void
  /** A slot of that data thread is done. */
  onFinished(dataThread: number): void
  send(dataThread: number, result: SentResult, transfer: readonly ArrayBuffer[]): void
  onFault(thrown: unknown): void
}

export class PoolHost {
  readonly #around: HostSurroundings
  readonly #pool: PoolMemory
  readonly #batcher: Batcher<Member>
  readonly #order: PoolOrder
  readonly #tenant: Tenant
  readonly #requests = new Map<number, SentRequest>()
  /** What it has claimed and not answered. */
  readonly #members = new Set<Member>()
  #hasLeft = false
  /** What the batcher wants done in the next turn: a turn of its own, or its timer. */
  #tasks: (() => void)[] = []
  /** Rows claimed whose run has not begun, of requests that fit into a batch. */
  #aheadRows = 0
  /** Requests under way of more rows than a batch may have: one at a time. */
  #large = 0
  readonly #batchRows: number
  readonly #payloads: SlotPayloads
  /** Microseconds of all runs, when what they cost was published. */
  #ranUs = 0
  /** When slots are looked at, in the time that all threads share. */
  #nowMs = 0

  constructor(around: HostSurroundings) {
    const { session, cost, policy, fair, turns } = around
    this.#around = around
    this.#pool = around.pool
    this.#payloads = new SlotPayloads(around.pool, around.originMs)
    this.#batchRows = policy.mixesRequests ? policy.rowsMax : 1
    this.#order = new PoolOrder(around.pool, cost, this.#batchRows)
    this.#tenant = fair.tenant(() => this.#takeTurn())
    const soon = (task: () => void): void => {
      if (this.#hasLeft) return // a timer: what the pool is now belongs to another version
      this.#tasks.push(task)
      this.#tenant.want()
    }
    const own: Turns = {
      monotonic: () => turns.monotonic(),
      soon,
      after: (delayMs, task) => turns.after(delayMs, () => soon(task)),
    }
    const surroundings = { session, cost, work: new ThreadWork(), turns: own }
    this.#batcher = new Batcher<Member>(surroundings, policy, this.#handlers)
    this.#publishCost()
  }

  /** Where there are several instances, the last word counts: they run the same model. */
  #publishCost(): void {
    const { cost, turns, originMs } = this.#around
    const { doubles } = this.#pool
    doubles[POOL_DOUBLES.COST_RUN_US] = cost.a
    doubles[POOL_DOUBLES.COST_ROW_US] = cost.b
    if (cost.ranUs === this.#ranUs) return
    this.#ranUs = cost.ranUs
    doubles[POOL_DOUBLES.LAST_RUN_MS] = turns.monotonic() + originMs
  }

  /** Something may be ready. */
  want(): void {
    this.#tenant.want()
  }

  /** Claims what is ready, up to a batch; that asks for a turn. */
  pull(): void {
    const { turns, originMs, thread } = this.#around
    const nowMs = turns.monotonic()
    this.#nowMs = nowMs + originMs
    const count = this.#batchRows - this.#aheadRows
    for (const slot of this.#order.firstReady(count, this.#nowMs, this.#isWanted)) {
      const rows = this.#rowsOf(slot)
      if (this.#canTake(rows) && claim(this.#pool, slot, thread)) this.#admit(slot, rows, nowMs)
    }
  }

  /** Tensors that were sent, or are not wanted any more. */
  onTensors(sent: SentTensors): void {
    if (sent.tensors !== null) {
      this.#requests.set(sent.slot, sent)
      this.#tenant.want()
    } else if (this.#requests.get(sent.slot)?.generation === sent.generation) {
      this.#requests.delete(sent.slot)
    }
  }

  /** Nobody uses the version any more. */
  leave(): void {
    this.#hasLeft = true
    this.#tasks = []
    this.#around.fair.evict(this.#tenant)
    this.#batcher.dispose()
  }

  #takeTurn(): void {
    this.#around.onTurn()
    this.#dropCancelled()
    this.pull()
    const tasks = this.#tasks
    if (tasks.length === 0) return
    this.#tasks = []
    for (const task of tasks) task()
    this.#publishCost()
    // What has become ready meanwhile is pulled when it is its turn again, not held before.
    this.#tenant.want()
  }

  /** Of those that wait here for company, or between the parts of a large request. */
  #dropCancelled(): void {
    const { slotWords } = this.#pool
    for (const member of this.#members) {
      const at = member.slot * SLOT_LINE_WORDS + SLOT_WORDS.CANCELLED
      if (Atomics.load(slotWords, at) === 1) this.#batcher.cancel(member)
    }
  }

  #canTake(rows: number): boolean {
    return this.#isLarge(rows) ? this.#large === 0 : this.#aheadRows < this.#batchRows
  }

  #isLarge(rows: number): boolean {
    return rows > this.#batchRows
  }

  #rowsOf(slot: number): number {
    return this.#pool.slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.ROWS]!
  }

  /** Whether this thread could run the slot now. What is past its deadline is answered at once. */
  readonly #isWanted = (slot: number): boolean => {
    const { slotWords, states } = this.#pool
    const holder = slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.HOLDER]!
    if (holder !== 0) {
      if (holder !== this.#around.thread + 1) return false
      const generation = generationOf(Atomics.load(states, slot))
      if (this.#requests.get(slot)?.generation !== generation) return false
    }
    if (isOver(this.#pool, slot, this.#around.policy.queue, this.#nowMs)) {
      if (claim(this.#pool, slot, this.#around.thread)) {
        this.#requests.delete(slot)
        this.#finish(slot, RESULT.EXPIRED)
      }
      return false
    }
    return this.#canTake(this.#rowsOf(slot))
  }

  #admit(slot: number, rows: number, nowMs: number): void {
    if (this.#isLarge(rows)) this.#large++
    else this.#aheadRows += rows
    const request = this.#requests.get(slot)
    this.#requests.delete(slot)
    const sent = request?.wantsInputs === true ? request.tensors : null
    const member = { slot, rows, sent, hasBegun: false, ...this.#payloads.termsOf(slot) }
    this.#members.add(member)
    const tensors = request?.tensors ?? this.#payloads.take(slot, rows)
    try {
      this.#batcher.admitTensors(member, [...tensors], rows, nowMs)
    } catch (thrown) {
      this.#handlers.onFault(member, thrown) // no memory for its batch
    }
  }

  /** The run of a member begins, or it will have none. */
  #begin(member: Member): void {
    if (member.hasBegun) return
    member.hasBegun = true
    if (!this.#isLarge(member.rows)) this.#aheadRows -= member.rows
    begin(this.#pool, member.slot)
  }

  #finish(slot: number, result: number): void {
    finish(this.#pool, slot, result)
    this.#around.onFinished(ownerOf(slot))
  }

  #leave(member: Member, result: number): void {
    this.#begin(member)
    if (this.#isLarge(member.rows)) this.#large--
    this.#members.delete(member)
    this.#finish(member.slot, result)
  }

  #done(member: Member, results: readonly Tensor[], place: Place, times: RunTimes): void {
    const { slot } = member
    this.#payloads.noteAnswer(slot, place, times)
    if (this.#payloads.put(slot, results, place)) this.#leave(member, RESULT.PAYLOAD)
    else this.#send(member, this.#ownResults(member, results, place), null, -1, member.sent)
  }

  /** Results that nobody else holds: those of several runs were put together for this member. */
  #ownResults({ rows }: Member, results: readonly Tensor[], place: Place): readonly Tensor[] {
    const { rowsMax, mixesRequests } = this.#around.policy
    if (mixesRequests && rows > rowsMax) return results
    const own =
      rowsMax === 0 ? results : sliceTensors(results, place.rowStart, place.rowStart + rows)
    return copied(own)
  }

  /** By message, which is on its way before the slot says so; with the inputs that came so. */
  #send(
    member: Member,
    results: readonly Tensor[] | null,
    refusal: Refusal | null,
    badRow: number,
    inputs: readonly Tensor[] | null,
  ): void {
    const { slot } = member
    const generation = generationOf(Atomics.load(this.#pool.states, slot))
    const ended = { pool: this.#around.poolNumber, slot, generation, refusal, badRow }
    const { sent, transfer } = packResult(ended, results, inputs)
    this.#around.send(ownerOf(slot), sent, transfer)
    this.#leave(member, RESULT.MESSAGE)
  }

  readonly #handlers: BatcherHandlers<Member> = {
    onQueueRows: () => {},
    onRunStart: () => this.#around.onRunStart(),
    onRunEnd: () => this.#around.onRunEnd(),
    onQueued: () => {},
    onUnqueued: (member) => this.#begin(member),
    onServed: (first, rows, times) => {
      this.#order.ran(first.priority, times.endedMs - times.startedMs)
      this.#payloads.noteRun(first.slot, rows, times)
    },
    onDone: (member, results, place, times) => this.#done(member, results, place, times),
    onFailed: (member, refusal, badRow, { inputs }) => {
      if (refusal.code === 'DEADLINE_EXPIRED') this.#leave(member, RESULT.EXPIRED)
      else this.#send(member, null, refusal, badRow, inputs === null ? null : member.sent)
    },
    onFault: (member, thrown) => {
      this.#around.onFault(thrown)
      this.#send(member, null, refuse('INTERNAL', 'Internal error'), -1, null)
    },
  }
}
