/**
 * Adds up the counters of all replicas, the dead included, so that no exported counter ever falls.
 *
 * A replica's figures are cumulative over its life. When it dies, its last figures join the dead
 * sums (so up to one period is lost); replicas keep those sums for a control to come, which takes
 * the higher of what it is told.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import {
  type DeadSums,
  DeadSumsSchema,
  type Statistics as ReplicaFigures,
  SlotSchema,
  StatisticsRequestSchema,
  type ThreadStatistics,
} from '../../proto/gen/control_pb.ts'
import type { Clock } from '../shared/clock.ts'

/** What statistics needs of a connected replica. */
export interface Askable {
  readonly index: number
  readonly pid: number
  readonly link: { call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> }
}

export interface ReplicaSnapshot {
  readonly index: number
  readonly pid: number
  /** Milliseconds since these figures were new. */
  readonly ageMs: number
  readonly threads: readonly ThreadStatistics[]
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly epoch: number
}

export interface Snapshot {
  /** Counters by slotKeyText, over all replicas that ever lived. */
  readonly slots: ReadonlyMap<string, Float64Array>
  readonly replicas: readonly ReplicaSnapshot[]
  /** CPU seconds of replicas that have died. */
  readonly deadCpuSeconds: number
}

const ANSWER_MS_MAX = 200
/** How long series of a version stay after no replica counts for it any more (design §5). */
const RETIRE_AFTER_MS = 15 * 60_000

interface Known {
  readonly pid: number
  readonly figures: ReplicaFigures
  readonly atMs: number
}

export class Statistics {
  readonly #clock: Clock
  readonly #last = new Map<number, Known>()
  readonly #dead = new Map<string, Float64Array>()
  readonly #lastActiveMs = new Map<string, number>()
  #deadCpuSeconds = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Asks all replicas at once; one that does not answer in 200 ms keeps its last figures.
   *
   * @param active slot keys of the present plan; others retire after a while
   */
  async poll(replicas: readonly Askable[], active: ReadonlySet<string>): Promise<Snapshot> {
    await Promise.all(replicas.map((replica) => this.#ask(replica)))
    const nowMs = this.#clock.monotonic()
    for (const key of active) this.#lastActiveMs.set(key, nowMs)
    return this.#snapshot(nowMs)
  }

  async #ask({ index, pid, link }: Askable): Promise<void> {
    const body: EnvelopeBody = {
      case: 'statisticsRequest',
      value: create(StatisticsRequestSchema),
    }
    try {
      const answer = await link.call(body, ANSWER_MS_MAX)
      if (answer.case !== 'statistics') return
      this.#last.set(index, { pid, figures: answer.value, atMs: this.#clock.monotonic() })
    } catch {
      // Silence is no event: the age of its last figures is exported.
    }
  }

  /** Folds the last figures of a replica into the sums of the dead, once. */
  replicaDied(index: number): void {
    const known = this.#last.get(index)
    if (known === undefined) return
    this.#last.delete(index)
    for (const { key, values } of known.figures.slots) addInto(this.#dead, key, values)
    this.#deadCpuSeconds += known.figures.cpuSeconds
  }

  /** Takes over sums that a replica was told by an earlier control; the higher value wins. */
  absorb(sums: DeadSums): void {
    for (const { key, values } of sums.slots) {
      const own = this.#dead.get(key) ?? new Float64Array(values.length)
      for (let i = 0; i < own.length; i++) own[i] = Math.max(own[i]!, values[i] ?? 0)
      this.#dead.set(key, own)
    }
    this.#deadCpuSeconds = Math.max(this.#deadCpuSeconds, sums.cpuSeconds)
  }

  deadSums(): DeadSums {
    const slots = [...this.#dead].map(([key, values]) =>
      create(SlotSchema, { key, values: [...values] }),
    )
    return create(DeadSumsSchema, { slots, cpuSeconds: this.#deadCpuSeconds })
  }

  #snapshot(nowMs: number): Snapshot {
    const slots = new Map<string, Float64Array>()
    for (const [key, values] of this.#dead) slots.set(key, values.slice())
    for (const { figures } of this.#last.values()) {
      for (const { key, values } of figures.slots) addInto(slots, key, values)
    }
    this.#retire(slots, nowMs)
    const replicas = [...this.#last].map(([index, { pid, figures, atMs }]) => ({
      index,
      pid,
      ageMs: nowMs - atMs,
      threads: figures.threads,
      cpuSeconds: figures.cpuSeconds,
      rssBytes: figures.rssBytes,
      heapBytes: figures.heapBytes,
      epoch: Number(figures.epoch),
    }))
    return { slots, replicas, deadCpuSeconds: this.#deadCpuSeconds }
  }

  #retire(slots: Map<string, Float64Array>, nowMs: number): void {
    for (const key of slots.keys()) {
      const activeMs = this.#lastActiveMs.get(key) ?? nowMs
      this.#lastActiveMs.set(key, activeMs)
      if (nowMs - activeMs > RETIRE_AFTER_MS) slots.delete(key)
    }
  }
}

const addInto = (sums: Map<string, Float64Array>, key: string, values: readonly number[]): void => {
  const sum = sums.get(key) ?? new Float64Array(values.length)
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i] ?? 0
  sums.set(key, sum)
}
