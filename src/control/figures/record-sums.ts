/**
 * What became of all predictions, from two sides: replicas say what they have taken, written and
 * dropped since they started; the shipper says what it has shipped, and how producers have ended.
 * A replica counts by its own figures until the shipper has all of it, then by its account. So at
 * every moment
 *
 *     produced = shipped + unshipped + pending + dropped by reason
 *
 * and no counter falls: of what a replica that was killed had said, nothing is taken back. (Where
 * the shipper has lost its state, and control was started anew beside that, one may, once.)
 */

import type { RecordFigures } from '../../../proto/gen/control_pb.ts'
import { GAP_REASON, gapReasonName } from '../../records/reasons.ts'

/** A producer as the shipper knows it. */
export interface ShippedProducer {
  readonly producer: string
  /** `open`: more may come. */
  readonly state: 'open' | 'ended' | 'killed'
  readonly taken: number
  readonly records: number
  /** By name of the reason. */
  readonly gaps: Readonly<Record<string, number>>
}

/** What a sink has, as of its last commit. */
export interface Shipped {
  /** Since when it counts: another one where it has lost what it knew. */
  readonly era?: string
  readonly records: number
  readonly gaps: Readonly<Record<string, number>>
  /** Those that are open, and those that have ended since it has told of that. */
  readonly producers: readonly ShippedProducer[]
}

export interface RecordTotals {
  readonly produced: number
  readonly dropped: ReadonlyMap<string, number>
  /** Requests under way, and records in memory. */
  readonly pending: number
  /** Written to the spool, whatever became of it there. */
  readonly spooled: number
  readonly shipped: number
  /** In the spool, and not shipped. */
  readonly unshipped: number
}

type Reasons = Map<string, number>

/** Of those that have a record the reason is none. */
const RECORDED = ''

type Counted = Pick<Shipped, 'records' | 'gaps'>

const countsOf = ({ records, gaps }: Counted): [string, number][] => [
  [RECORDED, records],
  ...Object.entries(gaps),
]

const add = (sums: Reasons, reason: string, count: number): void => {
  if (count > 0) sums.set(reason, (sums.get(reason) ?? 0) + count)
}

const addAll = (sums: Reasons, counted: Counted): void => {
  for (const [name, count] of countsOf(counted)) add(sums, name, count)
}

const sumOf = (counts: Iterable<number>): number => {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

const droppedOf = ({ dropped }: RecordFigures): Reasons => {
  const sums: Reasons = new Map()
  for (const [reason, count] of dropped.entries()) {
    add(sums, gapReasonName(reason) || `reason_${reason}`, count)
  }
  return sums
}

const KILLED = gapReasonName(GAP_REASON.KILLED)
const UNACCOUNTED = gapReasonName(GAP_REASON.UNACCOUNTED)

/** The producers of one replica process. */
interface Group {
  figures: RecordFigures | null
  readonly accounts: Map<string, ShippedProducer>
}

const recordsOf = (accounts: Group['accounts']): number =>
  sumOf(Array.from(accounts.values(), ({ records }) => records))

/** What a group has come to while more may come of it. */
const soFar = ({ figures, accounts }: Group) => {
  const records = recordsOf(accounts)
  const known: Reasons = new Map()
  for (const { gaps } of accounts.values()) {
    for (const [name, count] of Object.entries(gaps)) add(known, name, count)
  }
  const settledCount = records + sumOf(known.values())
  // Of a replica that this control has not known: what the shipper has of it.
  if (figures === null) return { produced: settledCount, dropped: known, kept: records }
  const dropped = droppedOf(figures)
  // The shipper may be ahead of what a replica has said.
  const kept = Math.max(figures.spooled, records)
  const produced = Math.max(sumOf(figures.taken), kept + sumOf(dropped.values()), settledCount)
  return { produced, dropped, kept }
}

/** What a group came to, when nothing more comes of it. */
const settled = ({ figures, accounts }: Group): { taken: number; dropped: Reasons } => {
  const all = [...accounts.values()]
  const reported = figures === null ? 0 : sumOf(figures.taken)
  const records = recordsOf(accounts)
  const dropped = figures === null ? new Map<string, number>() : droppedOf(figures)
  const told = sumOf(all.map((account) => account.taken))
  const taken = Math.max(reported, told, records + sumOf(dropped.values()))
  let left = taken - records - sumOf(dropped.values())
  const known: Reasons = new Map()
  for (const { gaps } of all) for (const [name, n] of Object.entries(gaps)) add(known, name, n)
  for (const [name, count] of known) {
    const more = Math.min(Math.max(0, left), count - (dropped.get(name) ?? 0))
    add(dropped, name, more)
    left -= Math.max(0, more)
  }
  const wasKilled = all.some(({ state }) => state === 'killed')
  add(dropped, wasKilled ? KILLED : UNACCOUNTED, left)
  return { taken, dropped }
}

const groupKey = (gateway: string, incarnation: number | string): string =>
  `${gateway}-${incarnation}`

/** `<gateway>.<replica>.<thread>-<incarnation>`: others count their incarnations from 1 as well. */
const groupOf = (producer: string): string =>
  groupKey(/^[^.]*/.exec(producer)![0], /-(\d+)$/.exec(producer)?.[1] ?? 0)

export class RecordSums {
  /** The name of the gateway whose replicas say what they have taken. */
  readonly #gateway: string
  readonly #groups = new Map<string, Group>()
  /** Groups that are part of the sums below. */
  readonly #settled = new Set<string>()
  readonly #dropped: Reasons = new Map()
  #taken = 0
  /** By their accounts. */
  readonly #settledCounts: Reasons = new Map()
  /** All that the sink has, whatever it remembers of it. */
  readonly #shipped: Reasons = new Map()
  #era = ''
  /** What it has said in this era. */
  #said: Reasons = new Map()
  /** Of producers that nobody has named: they were at their end before this control was there. */
  #unnamed: Reasons = new Map()
  #spooledMost = 0

  constructor(gateway: string) {
    this.#gateway = gateway
  }

  /** A replica's figures; its last ones, however old, count when it has gone. */
  take(incarnation: number, figures: RecordFigures): void {
    const key = groupKey(this.#gateway, incarnation)
    if (!this.#settled.has(key)) this.#group(key).figures = figures
  }

  /** To be called with all that the shipper says: who has ended is told once. */
  takeShipped(shipped: Shipped): void {
    this.#count(shipped)
    for (const account of shipped.producers) {
      const key = groupOf(account.producer)
      if (this.#settled.has(key)) continue
      this.#group(key).accounts.set(account.producer, account)
    }
    for (const [key, group] of this.#groups) {
      const all = [...group.accounts.values()]
      if (all.length > 0 && all.every(({ state }) => state !== 'open')) {
        this.#settle(key, group)
      }
    }
    this.#findUnnamed()
  }

  totals(): RecordTotals {
    const dropped: Reasons = new Map(this.#dropped)
    let produced = this.#taken
    for (const [name, count] of this.#unnamed) {
      produced += count
      if (name !== RECORDED) add(dropped, name, count)
    }
    let pending = 0
    for (const group of this.#groups.values()) {
      const { produced: count, dropped: lost, kept: own } = soFar(group)
      produced += count
      pending += count - own - sumOf(lost.values())
      for (const [name, each] of lost) add(dropped, name, each)
    }
    const kept = produced - sumOf(dropped.values()) - pending
    this.#spooledMost = Math.max(this.#spooledMost, kept)
    const shipped = this.#shipped.get(RECORDED) ?? 0
    const unshipped = kept - shipped
    return { produced, dropped, pending, spooled: this.#spooledMost, shipped, unshipped }
  }

  #group(key: string): Group {
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { figures: null, accounts: new Map() }
      this.#groups.set(key, group)
    }
    return group
  }

  /** What it has said in one era never falls; where its state was lost it counts anew. */
  #count(shipped: Shipped): void {
    const { era = '' } = shipped
    if (era !== this.#era) this.#said = new Map()
    this.#era = era
    for (const [name, count] of countsOf(shipped)) {
      const said = this.#said.get(name) ?? 0
      add(this.#shipped, name, count - said)
      this.#said.set(name, Math.max(said, count))
    }
  }

  #findUnnamed(): void {
    const named: Reasons = new Map(this.#settledCounts)
    for (const { accounts } of this.#groups.values()) {
      for (const account of accounts.values()) addAll(named, account)
    }
    this.#unnamed = new Map()
    for (const name of new Set([...this.#shipped.keys(), ...named.keys()])) {
      const more = (this.#shipped.get(name) ?? 0) - (named.get(name) ?? 0)
      add(this.#unnamed, name, more)
      // What the sink had counted before its state was lost is in the accounts alone.
      add(this.#shipped, name, -more)
    }
  }

  #settle(key: string, group: Group): void {
    const { taken, dropped } = settled(group)
    this.#taken += taken
    for (const [name, count] of dropped) add(this.#dropped, name, count)
    for (const account of group.accounts.values()) addAll(this.#settledCounts, account)
    this.#groups.delete(key)
    this.#settled.add(key)
  }
}
