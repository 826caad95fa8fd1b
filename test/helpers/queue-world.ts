/**
 * A queue under a script, beside a model of what may become of each request: it looks over the
 * shoulder of every run. What is checked is what clients and operators rely on (reliability.md §6,
 * P1 to P3), not how batches are put together.
 */

import { expect } from 'vitest'
import type { QueuePolicies } from '../../src/shared/queue-policy.ts'
import { BatcherRig, doubled, type RigOptions, repeated } from './batcher-rig.ts'

export interface Arrival {
  readonly rows: number
  /** 0: the default level. */
  readonly level: number
  /** Milliseconds from now; Infinity: none. */
  readonly deadlineMs: number
  readonly timeoutMs: number
}

export type Step =
  | ({ readonly kind: 'arrive' } & Arrival)
  /** Of all so far, this one goes. */
  | { readonly kind: 'cancel'; readonly index: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'pass'; readonly ms: number }

interface Known extends Arrival {
  readonly number: number
  readonly priority: number
  readonly isOversized: boolean
  begun: number
}

export interface WorldOptions extends RigOptions {
  readonly queue: QueuePolicies
  readonly usOfRun: (rows: number) => number
}

export class QueueWorld {
  readonly rig: BatcherRig
  readonly #options: WorldOptions
  readonly #rowsMax: number
  readonly #mixes: boolean
  readonly #known = new Map<number, Known>()
  readonly refused = new Map<number, string>()
  readonly cancelled = new Set<number>()
  #next = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#rowsMax = options.policy?.rowsMax ?? 8
    this.#mixes = options.policy?.mixesRequests ?? true
    this.rig = new BatcherRig({
      ...options,
      policy: { ...options.policy, queue: options.queue },
      runMs: (rows) => options.usOfRun(rows) / 1000,
      onRun: (values) => this.#onRun(values),
    })
  }

  get offered(): number {
    return this.#next
  }

  play(step: Step): void {
    if (step.kind === 'arrive') this.#arrive(step)
    else if (step.kind === 'cancel') this.#cancel(step.index)
    else if (step.kind === 'turn') this.rig.turns.turn()
    else this.#pass(step.ms)
    this.#check()
  }

  /** Until nothing waits. */
  end(): void {
    this.rig.settle(5)
    const { batcher, turns } = this.rig
    expect(turns.isIdle).toBe(true)
    expect([batcher.queuedRows, batcher.oversizedRows, batcher.waitingMs]).toEqual([0, 0, 0])
    expect([this.rig.queuedRows, this.rig.pending.size, this.rig.unmarked]).toEqual([0, 0, 0])
    for (const [number, known] of this.#known) this.#checkOutcome(number, known)
    expect(this.refused.size + this.#known.size).toBe(this.#next)
  }

  #arrive(arrival: Arrival): void {
    const number = this.#next++
    const { turns, batcher } = this.rig
    const { levels, defaultLevel } = this.#options.queue
    const priority = levels === 0 ? 0 : Math.min(arrival.level, levels) || defaultLevel
    const deadlineMs = turns.nowMs + arrival.deadlineMs
    const timeoutMs = turns.nowMs + arrival.timeoutMs
    const asker = this.rig.asker(number, { priority, deadlineMs, timeoutMs })
    const refusal = batcher.refusal(asker, arrival.rows, turns.nowMs)
    if (refusal !== null) {
      expect(refusal.retryAfterMs ?? 1).toBeGreaterThanOrEqual(1)
      this.refused.set(number, refusal.code)
      return
    }
    const waitingMs = batcher.waitingMs
    const values = new Array<number>(arrival.rows).fill(number + 1)
    if (number % 3 === 0) this.rig.admitTensors(number, values)
    else this.rig.admit(number, values)
    const isOversized = batcher.oversizedRows > 0
    this.#known.set(number, {
      ...arrival,
      number,
      priority,
      deadlineMs,
      timeoutMs,
      isOversized,
      begun: 0,
    })
    // What is not known yet to cost anything is not bounded by it.
    if (isOversized || this.#options.runUsByRows?.length === 0) return
    const { queueWorkMsMax = 1000 } = this.#options.policy ?? {}
    const bound = queueWorkMsMax * Math.max(1, levels) + this.rig.cost.a / 1000
    expect(Math.min(waitingMs, batcher.waitingMs)).toBeLessThanOrEqual(bound + 1e-6)
  }

  #cancel(index: number): void {
    if (this.#next === 0) return
    const number = index % this.#next
    const known = this.#known.get(number)
    const isWaiting = known !== undefined && !this.rig.outcomes.has(number)
    expect(this.rig.cancel(number)).toBe(isWaiting)
    if (isWaiting) this.cancelled.add(number)
  }

  #pass(ms: number): void {
    const untilMs = this.rig.turns.nowMs + ms
    this.rig.turns.advance(ms)
    this.rig.turns.turn()
    // Nobody is told late that his time is over: a timer has steps of 1 ms.
    for (const known of this.#waiting()) {
      expect(known.deadlineMs).toBeGreaterThan(untilMs - 1)
    }
  }

  #waiting(): Known[] {
    return [...this.#known.values()].filter(({ number }) => !this.rig.outcomes.has(number))
  }

  #check(): void {
    const waiting = this.#waiting()
    const rows = waiting.reduce((sum, each) => sum + each.rows - each.begun, 0)
    expect([this.rig.batcher.queuedRows, this.rig.queuedRows]).toEqual([rows, rows])
    expect(this.rig.batcher.waitingMs).toBeGreaterThanOrEqual(0)
    const unbegun = waiting.filter(({ begun }) => begun === 0).map(({ number }) => number)
    expect([...this.rig.pending].sort((a, b) => a - b)).toEqual(unbegun)
  }

  /** Before a run: who is in it, by the values of its rows. */
  #onRun(values: readonly number[]): void {
    const { nowMs } = this.rig.turns
    const rowsOf = Map.groupBy(values, (value) => value - 1)
    if (this.#mixes) expect(values.length).toBeLessThanOrEqual(this.#rowsMax)
    else expect(rowsOf.size).toBe(1)
    for (const [number, { length }] of rowsOf) {
      const known = this.#known.get(number)!
      expect([number, this.rig.outcomes.has(number)]).toEqual([number, false])
      expect(known.deadlineMs).toBeGreaterThan(nowMs)
      const isPart = this.#mixes && known.rows > this.#rowsMax
      if (isPart) expect(rowsOf.size).toBe(1)
      else expect(length).toBe(known.rows)
      if (known.begun === 0) this.#checkTurnOf(known, new Set(rowsOf.keys()), nowMs)
      known.begun += length
    }
  }

  /** First come, first served, inside a level; whose policy time is over comes last, or never. */
  #checkTurnOf(known: Known, company: ReadonlySet<number>, nowMs: number): void {
    const isDelayed = ({ timeoutMs }: Known) => timeoutMs <= nowMs
    if (isDelayed(known)) expect(this.#policyOf(known).timeoutAction).toBe('delay')
    const rivals = this.#waiting().filter(
      ({ number, priority, begun }) =>
        priority === known.priority && begun === 0 && !company.has(number),
    )
    for (const rival of rivals) {
      if (isDelayed(rival)) continue
      const isBefore = rival.number < known.number || (isDelayed(known) && known.timeoutMs < nowMs)
      if (isDelayed(known) && rival.number > known.number && known.timeoutMs === nowMs) continue
      expect([rival.number, known.number, isBefore]).toEqual([rival.number, known.number, false])
    }
  }

  #policyOf({ priority }: Known) {
    const { queue } = this.#options
    return queue.byLevel[priority] ?? queue.base
  }

  #checkOutcome(number: number, known: Known): void {
    const outcomes = this.rig.outcomes.get(number) ?? []
    expect([number, outcomes.length]).toEqual([number, 1])
    const [{ code, answer }] = outcomes as [{ code?: string; answer?: unknown }]
    const values = new Array<number>(known.rows).fill(number + 1)
    // Who was not run to the end has none.
    expect(this.rig.inputs.get(number)).toEqual(answer === undefined ? null : repeated(values))
    if (this.cancelled.has(number)) expect(code).toBe('INFERENCE_FAILED')
    else if (answer === undefined) expect(code).toMatch(/^DEADLINE_(EXPIRED|UNMEETABLE)$/)
    else expect(answer).toEqual(doubled(values))
    if (code === 'DEADLINE_EXPIRED') {
      const dueMs = Math.min(known.deadlineMs, known.timeoutMs)
      expect(dueMs).toBeLessThan(Infinity)
    }
  }
}
