/**
 * Adds up the counters of all replicas, the dead included, so that no exported counter ever falls.
 *
 * A replica's figures are cumulative over its life. When it dies, its last figures join the dead
 * sums (so up to one period of them is lost). Every replica keeps those sums for a control to come,
 * which takes the higher of what it is told: `exported = told + died here + living`. What was told
 * and what died here are kept apart, because only the former may be raised by a late Hello.
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
import { SlotRetirement } from './slot-retirement.ts'
import { addInto, exactSeconds, hasFallen, raiseInto, type SlotSums, slotOf } from './slot-sums.ts'

/** What statistics needs of a connected replica. */
export interface Askable {
  readonly index: number
  readonly pid: number
  /** Names one process for ever; the index is its successor's too. */
  readonly incarnation: number
  readonly hello: { readonly epoch: bigint; readonly dead?: DeadSums | undefined }
  readonly link: { call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> }
}

export interface ReplicaSnapshot {
  readonly index: number
  readonly pid: number
  /** False until it has answered once; then the figures are its last ones. */
  readonly hasFigures: boolean
  /** Milliseconds since the figures were new; without figures, since it connected. */
  readonly ageMs: number
  readonly threads: readonly ThreadStatistics[]
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly epoch: number
}

export interface Snapshot {
  /** False until every adopted replica has answered: part of a sum would be a fall. */
  readonly isWhole: boolean
  /**
   * Counters by slotKeyText over all replicas that ever lived, in the order in which the keys were
   * first seen. Empty until the sums are whole.
   */
  readonly slots: ReadonlyMap<string, Float64Array>
  /** Slots whose series have gone, of versions that still have some: sums by version need them. */
  readonly retired: ReadonlyMap<string, Float64Array>
  readonly replicas: readonly ReplicaSnapshot[]
  /** CPU seconds of replicas that have died. */
  readonly deadCpuSeconds: number
}

const ANSWER_MS_MAX = 200

interface Living {
  readonly index: number
  readonly pid: number
  readonly incarnation: number
  /** It has served before this control knew it: the sums are not whole without its figures. */
  readonly isAdopted: boolean
  figures: ReplicaFigures | null
  slots: SlotSums
  /** When the figures came; before that, when it connected. */
  atMs: number
  /** The question that is under way; a scrape and the timer share it. */
  asking: Promise<void> | null
}

interface Dead {
  readonly slots: SlotSums
  cpuSeconds: number
}

export class Statistics {
  readonly #clock: Clock
  readonly #living = new Map<number, Living>()
  /** As earlier controls summed them up. */
  readonly #told: Dead = { slots: new Map(), cpuSeconds: 0 }
  /** Died under this control. */
  readonly #own: Dead = { slots: new Map(), cpuSeconds: 0 }
  readonly #retirement = new SlotRetirement()
  #isWhole = false
  #deadChanges = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A replica said Hello. The first time, the dead sums that it was told by an earlier control are
   * taken over, the higher value winning; later ones can only come from here. A predecessor of the
   * same index is dead, whether or not that was noticed.
   */
  replicaConnected({ index, pid, incarnation, hello }: Omit<Askable, 'link'>): void {
    if (this.#living.has(incarnation)) return
    for (const other of this.#living.values()) {
      if (other.index === index) this.replicaDied(index, other.incarnation)
    }
    if (hello.dead !== undefined) this.#absorb(hello.dead)
    const atMs = this.#clock.monotonic()
    const isAdopted = hello.epoch > 0n
    const living = { index, pid, incarnation, isAdopted, atMs, figures: null, asking: null }
    this.#living.set(incarnation, { ...living, slots: new Map() })
  }

  #absorb(sums: DeadSums): void {
    for (const { key, values } of sums.slots) {
      const slot = slotOf(values)
      if (slot !== null) raiseInto(this.#told.slots, key, slot)
    }
    this.#told.cpuSeconds = Math.max(this.#told.cpuSeconds, exactSeconds(sums.cpuSeconds))
    this.#deadChanges++
  }

  /** Folds the last figures of a replica into the sums of the dead, once. */
  replicaDied(index: number, incarnation: number): void {
    const living = this.#living.get(incarnation)
    if (living === undefined || living.index !== index) return
    this.#living.delete(incarnation)
    for (const [key, slot] of living.slots) addInto(this.#own.slots, key, slot)
    this.#own.cpuSeconds += exactSeconds(living.figures?.cpuSeconds ?? 0)
    this.#deadChanges++
  }

  /**
   * Asks all replicas at once; one that does not answer in 200 ms keeps its last figures. Replicas
   * that have not connected, or have died, are not asked.
   *
   * @param active slot keys of the present plan; others retire after a while
   */
  async poll(replicas: readonly Askable[], active: ReadonlySet<string>): Promise<Snapshot> {
    await Promise.all(replicas.map((replica) => this.#ask(replica)))
    return this.#snapshot(active)
  }

  #ask({ incarnation, link }: Askable): Promise<void> {
    const living = this.#living.get(incarnation)
    if (living === undefined) return Promise.resolve()
    living.asking ??= this.#call(living, link).finally(() => {
      living.asking = null
    })
    return living.asking
  }

  async #call(living: Living, link: Askable['link']): Promise<void> {
    const value = create(StatisticsRequestSchema)
    try {
      const answer = await link.call({ case: 'statisticsRequest', value }, ANSWER_MS_MAX)
      if (answer.case === 'statistics') this.#take(living, answer.value)
    } catch {
      // Silence is no event: the age of its last figures is exported.
    }
  }

  #take(living: Living, figures: ReplicaFigures): void {
    // Its figures are among the dead sums already: what it still had to say would count twice.
    if (this.#living.get(living.incarnation) !== living) return
    const slots: SlotSums = new Map()
    for (const { key, values } of figures.slots) {
      const slot = slotOf(values)
      if (slot !== null) slots.set(key, slot)
    }
    // A replica gives the slot of a key that is long unused to another one and starts it at zero.
    for (const [key, before] of living.slots) {
      const after = slots.get(key)
      if (after !== undefined && !hasFallen(before, after)) continue
      addInto(this.#own.slots, key, before)
      this.#deadChanges++
    }
    living.slots = slots
    living.figures = figures
    living.atMs = this.#clock.monotonic()
  }

  /** Counts up when the sums of the dead have risen: all replicas should be told. */
  get deadChanges(): number {
    return this.#deadChanges
  }

  /** What every replica should keep for the next control. */
  deadSums(): DeadSums {
    const sums: SlotSums = new Map()
    for (const { slots } of [this.#told, this.#own]) {
      for (const [key, slot] of slots) addInto(sums, key, slot)
    }
    const slots = [...sums].map(([key, slot]) => create(SlotSchema, { key, values: [...slot] }))
    return create(DeadSumsSchema, { slots, cpuSeconds: this.#deadCpuSeconds() })
  }

  #deadCpuSeconds(): number {
    return this.#told.cpuSeconds + this.#own.cpuSeconds
  }

  #snapshot(active: ReadonlySet<string>): Snapshot {
    const nowMs = this.#clock.monotonic()
    const living = [...this.#living.values()]
    const counted = new Set(living.flatMap(({ slots }) => [...slots.keys()]))
    const sums: SlotSums = new Map()
    for (const { slots } of [this.#told, this.#own, ...living]) {
      for (const [key, slot] of slots) addInto(sums, key, slot)
    }
    const { slots, retired, dropped } = this.#retirement.sort(sums, active, counted, nowMs)
    for (const key of dropped) {
      this.#told.slots.delete(key)
      this.#own.slots.delete(key)
    }
    this.#isWhole ||= living.every(({ isAdopted, figures }) => !isAdopted || figures !== null)
    return {
      isWhole: this.#isWhole,
      slots: this.#isWhole ? slots : new Map(),
      retired: this.#isWhole ? retired : new Map(),
      replicas: living.map((one) => replicaSnapshot(one, nowMs)),
      deadCpuSeconds: this.#deadCpuSeconds(),
    }
  }
}

const replicaSnapshot = (
  { index, pid, figures, atMs }: Living,
  nowMs: number,
): ReplicaSnapshot => ({
  index,
  pid,
  hasFigures: figures !== null,
  ageMs: nowMs - atMs,
  threads: figures?.threads ?? [],
  cpuSeconds: exactSeconds(figures?.cpuSeconds ?? 0),
  rssBytes: figures?.rssBytes ?? 0,
  heapBytes: figures?.heapBytes ?? 0,
  epoch: Number(figures?.epoch ?? 0n),
})
