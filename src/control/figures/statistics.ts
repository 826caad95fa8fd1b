/**
 * Adds up the counters of all replicas, the dead included, so that Prometheus sees no more than was
 * counted.
 *
 * A replica's figures are cumulative over its life. When it dies, its last figures join those of
 * the dead: its final ones when it ended in order, else up to one period of them is lost.
 *
 * What is promised: no counter falls, but to zero. That happens, to all at once, when a replica of
 * an earlier control ended and only that control had heard its figures: nobody can know the sums
 * any more, and a part of them would be taken for a restart that counted all of it anew. From zero
 * on, rates are right again; what was counted since the last scrape before is missing from them.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import {
  type DeadSums,
  type LoadedVersion,
  type RecordFigures,
  type Statistics as ReplicaFigures,
  StatisticsRequestSchema,
  type ThreadStatistics,
} from '../../../proto/gen/control_pb.ts'
import type { Clock } from '../../shared/clock.ts'
import { SLOT_DOUBLES } from '../../shared/counters.ts'
import { DeadFigures } from './dead-figures.ts'
import { SlotRetirement } from './slot-retirement.ts'
import { addInto, exactSeconds, hasFallen, type SlotSums, slotOf } from './slot-sums.ts'

/** What statistics needs of a connected replica. */
export interface Askable {
  readonly index: number
  readonly pid: number
  /** Names one process for ever; the index is its successor's too. */
  readonly incarnation: number
  readonly hello: { readonly epoch: bigint; readonly dead?: DeadSums | undefined }
  readonly link: { call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> }
}

/** The end of a replica process. */
export interface Ended {
  readonly incarnation: number
  /** An earlier control has started it. */
  readonly isAdopted: boolean
}

export interface ReplicaSnapshot {
  readonly index: number
  readonly incarnation: number
  readonly pid: number
  /** False until it has answered once; then the figures are its last ones. */
  readonly hasFigures: boolean
  /** Milliseconds since the figures were new; without figures, since it connected. */
  readonly ageMs: number
  readonly threads: readonly ThreadStatistics[]
  readonly computeThreads: readonly ThreadStatistics[]
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly epoch: number
  /** What its threads hold. */
  readonly loaded: readonly LoadedVersion[]
  /** Versions unloaded in the life of the process. */
  readonly unloads: number
  /** Resident memory with its first epoch; 0 before it. */
  readonly baseRssBytes: number
  /** null: it writes nothing down, or is of an earlier release. */
  readonly records: RecordFigures | null
}

export interface Snapshot {
  /** False until every adopted replica has answered: part of a sum would be a fall. */
  readonly isWhole: boolean
  /**
   * Counters by slotKeyText over all replicas that ever lived, in the order in which the keys were
   * first seen; zeros for what the plan names and nobody has counted. Empty until they are whole.
   */
  readonly slots: ReadonlyMap<string, Float64Array>
  /** Slots whose series have gone, of versions that still have some: sums by version need them. */
  readonly retired: ReadonlyMap<string, Float64Array>
  readonly replicas: readonly ReplicaSnapshot[]
  /** CPU seconds of replicas that have died. */
  readonly deadCpuSeconds: number
}

/** How long a scrape waits for answers. What comes later is taken then. */
const PATIENCE_MS = 200
/** The link of a replica that answers nothing is closed long before. */
const QUESTION_MS_MAX = 60_000
const ZEROS = new Float64Array(SLOT_DOUBLES)

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
  /** The question that is under way, however many wait for it. */
  asking: Promise<void> | null
}

export class Statistics {
  readonly #clock: Clock
  readonly #living = new Map<number, Living>()
  readonly #dead = new DeadFigures()
  readonly #retirement = new SlotRetirement()
  #isWhole = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A replica said Hello. The first time, the dead sums that it was told by an earlier control are
   * taken over, the higher value winning; later ones can only come from here.
   */
  replicaConnected({ index, pid, incarnation, hello }: Omit<Askable, 'link'>): void {
    if (this.#living.has(incarnation)) return
    if (hello.dead !== undefined) this.#dead.absorb(hello.dead)
    const atMs = this.#clock.monotonic()
    const isAdopted = hello.epoch > 0n
    const living = { index, pid, incarnation, isAdopted, atMs, figures: null, asking: null }
    this.#living.set(incarnation, { ...living, slots: new Map() })
  }

  /** Folds the last figures of a replica into those of the dead. Called once for each. */
  replicaDied({ incarnation, isAdopted }: Ended): void {
    const living = this.#living.get(incarnation)
    const isUnheard = living === undefined ? isAdopted : living.isAdopted && living.figures === null
    if (isUnheard) this.#dead.lose()
    if (living === undefined) return
    this.#living.delete(incarnation)
    this.#dead.add(living.slots, cpuOf(living))
  }

  /** Takes the last figures of a replica that is about to end, before anybody asks for them. */
  replicaDrained(incarnation: number, final: ReplicaFigures): void {
    const living = this.#living.get(incarnation)
    if (living !== undefined) this.#take(living, final)
  }

  /**
   * Asks all replicas at once; one that does not answer in 200 ms keeps its last figures for now,
   * and its answer is taken when it comes. Replicas that have not connected, or have died, are not
   * asked.
   *
   * @param active slot keys of the present plan; others retire after a while
   */
  async poll(replicas: readonly Askable[], active: ReadonlySet<string>): Promise<Snapshot> {
    const answered = Promise.all(replicas.map((replica) => this.#ask(replica)))
    const { promise: patience, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.setTimer(PATIENCE_MS, resolve)
    await Promise.race([answered, patience])
    cancel()
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
      const answer = await link.call({ case: 'statisticsRequest', value }, QUESTION_MS_MAX)
      if (answer.case === 'statistics') this.#take(living, answer.value)
    } catch {
      // Its link has closed. The age of its last figures is exported.
    }
  }

  #take(living: Living, figures: ReplicaFigures): void {
    // Its figures are among the dead sums already: what it still had to say would count twice.
    if (this.#living.get(living.incarnation) !== living) return
    const slots: SlotSums = new Map()
    for (const message of figures.slots) {
      const slot = slotOf(message)
      if (slot !== null) slots.set(message.key, slot)
    }
    // A replica gives the slot of a key that is long unused to another one and starts it at zero.
    // A slot in which nothing was counted is left out.
    for (const [key, before] of living.slots) {
      const after = slots.get(key)
      if (after !== undefined && !hasFallen(before, after)) continue
      this.#dead.add([[key, before]], 0)
    }
    living.slots = slots
    living.figures = figures
    living.atMs = this.#clock.monotonic()
  }

  /** Counts up when the sums of the dead have changed: all replicas should be told. */
  get deadChanges(): number {
    return this.#dead.changes
  }

  /** What every replica should keep for the next control. */
  deadSums(): DeadSums {
    return this.#dead.message()
  }

  #snapshot(active: ReadonlySet<string>): Snapshot {
    const nowMs = this.#clock.monotonic()
    const living = [...this.#living.values()]
    const counted = new Set(living.flatMap(({ slots }) => [...slots.keys()]))
    const sums: SlotSums = new Map()
    this.#dead.addTo(sums)
    for (const { slots } of living) for (const [key, slot] of slots) addInto(sums, key, slot)
    this.#isWhole ||= living.every(({ isAdopted, figures }) => !isAdopted || figures !== null)
    if (this.#isWhole && this.#dead.isIncomplete) {
      const cpuSeconds = living.reduce((total, one) => total + cpuOf(one), 0)
      this.#dead.reset(sums, cpuSeconds)
    }
    for (const key of active) if (!sums.has(key)) sums.set(key, ZEROS)
    const { slots, retired, dropped } = this.#retirement.sort(sums, active, counted, nowMs)
    for (const key of dropped) this.#dead.forget(key)
    return {
      isWhole: this.#isWhole,
      slots: this.#isWhole ? slots : new Map(),
      retired: this.#isWhole ? retired : new Map(),
      replicas: living.map((one) => replicaSnapshot(one, nowMs)),
      deadCpuSeconds: this.#dead.cpuSeconds,
    }
  }
}

const cpuOf = ({ figures }: Living): number => exactSeconds(figures?.cpuSeconds ?? 0)

const replicaSnapshot = (
  { index, incarnation, pid, figures, atMs }: Living,
  nowMs: number,
): ReplicaSnapshot => ({
  index,
  incarnation,
  pid,
  hasFigures: figures !== null,
  ageMs: nowMs - atMs,
  threads: figures?.threads ?? [],
  computeThreads: figures?.computeThreads ?? [],
  cpuSeconds: exactSeconds(figures?.cpuSeconds ?? 0),
  rssBytes: figures?.rssBytes ?? 0,
  heapBytes: figures?.heapBytes ?? 0,
  epoch: Number(figures?.epoch ?? 0n),
  loaded: figures?.loaded ?? [],
  unloads: figures?.unloads ?? 0,
  baseRssBytes: figures?.baseRssBytes ?? 0,
  records: figures?.records ?? null,
})
