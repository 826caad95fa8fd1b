/**
 * What became of all predictions, from two sides: replicas say what they have taken, written and
 * dropped since they started; the shipper says what it has shipped, and how producers have ended.
 * A replica counts by its own figures until the shipper has all of it, then by its account. So at
 * every moment
 *
 *     produced = shipped + unshipped + pending + dropped by reason
 *
 * and no counter falls: of what a replica that was killed had said, nothing is taken back.
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

/** What a sink has, since it was used first. */
export interface Shipped {
  readonly records: number
  readonly gaps: Readonly<Record<string, number>>
  /** Those that are open, and those that have ended lately. */
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

const add = (sums: Reasons, reason: string, count: number): void => {
  if (count > 0) sums.set(reason, (sums.get(reason) ?? 0) + count)
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

/** What a group came to, when nothing more comes of it. */
const settled = ({ figures, accounts }: Group): { taken: number; dropped: Reasons } => {
  const all = [...accounts.values()]
  const reported = figures === null ? 0 : sumOf(figures.taken)
  const taken = Math.max(reported, sumOf(all.map((account) => account.taken)))
  const dropped = figures === null ? new Map<string, number>() : droppedOf(figures)
  let left = taken - sumOf(all.map(({ records }) => records)) - sumOf(dropped.values())
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
  #shipped = 0
  #spooledMost = 0
  #isFirst = true

  constructor(gateway: string) {
    this.#gateway = gateway
  }

  /** A replica's figures; its last ones, however old, count when it has gone. */
  take(incarnation: number, figures: RecordFigures): void {
    const key = groupKey(this.#gateway, incarnation)
    if (!this.#settled.has(key)) this.#group(key).figures = figures
  }

  takeShipped({ records, gaps, producers }: Shipped): void {
    this.#shipped = Math.max(this.#shipped, records)
    if (this.#isFirst) this.#takeEarlier(records, gaps, producers)
    for (const account of producers) {
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
  }

  totals(): RecordTotals {
    const dropped: Reasons = new Map(this.#dropped)
    let produced = this.#taken
    let pending = 0
    for (const { figures, accounts } of this.#groups.values()) {
      if (figures === null) {
        // Of a replica that this control has not known: all that it wrote is in the spool.
        for (const { taken, gaps } of accounts.values()) {
          produced += taken
          for (const [name, count] of Object.entries(gaps)) add(dropped, name, count)
        }
        continue
      }
      const own = droppedOf(figures)
      const taken = sumOf(figures.taken)
      produced += taken
      pending += Math.max(0, taken - figures.spooled - sumOf(own.values()))
      for (const [name, count] of own) add(dropped, name, count)
    }
    const kept = produced - sumOf(dropped.values()) - pending
    this.#spooledMost = Math.max(this.#spooledMost, kept)
    // The shipper may be ahead of what replicas have said.
    const shipped = Math.min(this.#shipped, kept)
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

  /** What was shipped of producers that nobody names any more. */
  #takeEarlier(
    records: number,
    gaps: Readonly<Record<string, number>>,
    producers: readonly ShippedProducer[],
  ): void {
    this.#isFirst = false
    this.#taken += records - sumOf(producers.map((each) => each.records))
    for (const [name, count] of Object.entries(gaps)) {
      const named = sumOf(producers.map((each) => each.gaps[name] ?? 0))
      add(this.#dropped, name, count - named)
      this.#taken += Math.max(0, count - named)
    }
  }

  #settle(key: string, group: Group): void {
    const { taken, dropped } = settled(group)
    this.#taken += taken
    for (const [name, count] of dropped) add(this.#dropped, name, count)
    this.#groups.delete(key)
    this.#settled.add(key)
  }
}
