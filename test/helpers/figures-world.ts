/**
 * Replicas that count and the controls that follow one another, in one thread: what has truly been
 * counted, beside what statistics says. It does with statistics what `control/gateway.ts` does.
 */

import { slotSamples } from '../../src/control/figures/slot-metrics.ts'
import { addInto, type SlotSums } from '../../src/control/figures/slot-sums.ts'
import { type Snapshot, Statistics } from '../../src/control/figures/statistics.ts'
import { SLOT_DOUBLES } from '../../src/shared/counters.ts'
import { countInto } from './counted-slots.ts'
import { FakeClock, settle } from './fake-clock.ts'
import type { Counted, Step } from './figures-steps.ts'
import { PuppetFigures } from './puppet-figures.ts'
import { Scraper } from './scraper.ts'

export interface Figures {
  readonly slots: SlotSums
  cpuSeconds: number
}

interface Member {
  readonly puppet: PuppetFigures
  /** What it has told the present control; null before its first answer. */
  told: Figures | null
  isLinked: boolean
  /** A question under way: who asked, and with which figures it is answered; null: later ones. */
  asked: { readonly by: Statistics; readonly figures: Figures | null } | null
  /** Up to which news it keeps the sums for the next control. */
  knows: number
}

const copyOf = ({ slots, cpuSeconds }: Figures): Figures => ({
  slots: new Map([...slots].map(([key, slot]) => [key, slot.slice()])),
  cpuSeconds,
})

const addTo = (sums: Figures, { slots, cpuSeconds }: Figures): void => {
  for (const [key, slot] of slots) addInto(sums.slots, key, slot)
  sums.cpuSeconds += cpuSeconds
}

const PATIENCE_MS = 200

export class FiguresWorld {
  readonly #clock = new FakeClock()
  readonly #keys: readonly string[]
  #statistics = new Statistics(this.#clock)
  #deadChangesTold = 0
  #active: ReadonlySet<string>
  #members: Member[] = []
  readonly #ghosts: Member[] = []
  #incarnations = 0
  /** Told by replicas that have died since, and by slots that were given to another key. */
  readonly #gone: Figures = { slots: new Map(), cpuSeconds: 0 }
  /** A replica of an earlier control died before the present one heard its figures. */
  #hasLost = false
  /** Counts up when something happens that the next control must know. */
  #news = 0
  #reclaimed = 0
  /** What the sums were at the last reset: they began again from zero then. */
  base: Figures = { slots: new Map(), cpuSeconds: 0 }
  resets = 0
  readonly scraper: Scraper
  snapshot: Snapshot | null = null

  /** `mayEnd`: series may go, as those of retired slots do; else one that goes is a fault. */
  constructor(keys: readonly string[], mayEnd: boolean) {
    this.#keys = keys
    this.#active = new Set(keys)
    this.scraper = new Scraper(mayEnd)
  }

  /** All that was ever counted, whoever heard of it. */
  readonly truth: Figures = { slots: new Map(), cpuSeconds: 0 }

  /** Sums over all replicas that ever lived, less what those that died had not told. */
  get counted(): Figures {
    const sums = copyOf(this.#gone)
    for (const { puppet } of this.#members) addTo(sums, puppet)
    return sums
  }

  /** How many figures were cut to quanta, at most. */
  get cuts(): number {
    return (this.#incarnations + this.#reclaimed) * (this.resets + 1)
  }

  async run(step: Step): Promise<void> {
    if (step.does === 'connect') return this.#connect(step.index)
    if (step.does === 'poll') return this.#poll()
    if (step.does === 'replaceControl') return this.#replaceControl(step.first, null)
    if (step.does === 'plan') return this.#plan(step.keys)
    if (step.does === 'wait') return this.#wait(step.minutes)
    const all = step.does === 'release' ? [...this.#members, ...this.#ghosts] : this.#members
    const member = all[step.who % all.length]
    if (member === undefined) return
    if (step.does === 'replaceBoth') return this.#replaceControl(step.first, member)
    if (step.does === 'release') return this.#release(member)
    if (step.does === 'die') return this.#die(member)
    if (step.does === 'drain') return this.#drain(member)
    if (step.does === 'redial') return this.#redial(member)
    if (step.does === 'hangUp') return this.#hangUp(member)
    if (step.does === 'behave') member.puppet.mode = step.mode
    if (step.does === 'count') this.#count(member, this.#keyAt(step.key), step.what)
    if (step.does === 'reclaim') await this.#reclaim(member, step.key, step.keep)
  }

  /** Everybody dials and answers. */
  async settle(): Promise<void> {
    for (const member of this.#members) {
      this.#redial(member)
      member.puppet.mode = 'answers'
      await this.#release(member)
    }
    await this.#poll()
  }

  #keyAt(at: number): string {
    return this.#keys[at % this.#keys.length]!
  }

  #connect(index: number): void {
    const puppet = new PuppetFigures({ index, incarnation: ++this.#incarnations })
    const member = { puppet, told: null, isLinked: true, asked: null, knows: 0 }
    this.#members.push(member)
    this.#statistics.replicaConnected(puppet)
    this.#tellDeadSums([member])
  }

  #count(member: Member, key: string, { request, cpuSeconds }: Counted): void {
    const one = new Float64Array(SLOT_DOUBLES)
    countInto(one, request)
    for (const sums of [member.puppet, this.truth]) {
      addInto(sums.slots, key, one)
      sums.cpuSeconds += cpuSeconds
    }
  }

  /** Gone, with what nobody has heard. */
  #bury(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member)
    this.#ghosts.push(member)
    this.#news++
    if (member.told !== null) addTo(this.#gone, member.told)
    else this.#hasLost ||= member.puppet.hello.epoch > 0n
  }

  #die(member: Member): void {
    this.#bury(member)
    const { incarnation } = member.puppet
    this.#statistics.replicaDied({ incarnation, isAdopted: member.puppet.hello.epoch > 0n })
    this.#tellDeadSums(this.#members)
  }

  /** It ends in order: whoever it can reach has its last figures. */
  #drain(member: Member): void {
    const { puppet, isLinked } = member
    if (isLinked) {
      member.told = copyOf(puppet)
      this.#statistics.replicaDrained(puppet.incarnation, puppet.figures())
    }
    this.#die(member)
  }

  #redial(member: Member): void {
    member.isLinked = true
    this.#statistics.replicaConnected(member.puppet)
    this.#tellDeadSums([member])
  }

  #hangUp(member: Member): void {
    member.isLinked = false
    member.asked = null
    member.puppet.hangUp()
  }

  #tellDeadSums(members: readonly Member[]): void {
    const dead = this.#statistics.deadSums()
    for (const member of members.filter(({ isLinked }) => isLinked)) {
      member.puppet.hello = { ...member.puppet.hello, dead }
      member.knows = this.#news
    }
  }

  /** The slot of a key is given to another one: it goes, or is back at zero. */
  async #reclaim(member: Member, at: number, keep: boolean): Promise<void> {
    const { puppet, told } = member
    const key = [...puppet.slots.keys()][at % puppet.slots.size]
    const isBusy = this.#members.some((one) => one.asked !== null || one.puppet.mode !== 'answers')
    if (told === null || !member.isLinked || isBusy || key === undefined) return
    const slot = told.slots.get(key)
    if (slot !== undefined) addInto(this.#gone.slots, key, slot)
    this.#reclaimed++
    if (keep) puppet.slot(key).fill(0)
    else puppet.slots.delete(key)
    await this.#poll()
  }

  async #poll(): Promise<void> {
    const by = this.#statistics
    const linked = this.#members.filter(({ isLinked }) => isLinked)
    for (const member of linked.filter(({ asked }) => asked?.by !== by)) {
      const { mode } = member.puppet
      if (mode === 'answers') member.told = copyOf(member.puppet)
      else member.asked = { by, figures: mode === 'held' ? copyOf(member.puppet) : null }
    }
    const puppets = linked.map(({ puppet }) => puppet)
    const polled = by.poll(puppets, this.#active)
    await settle()
    await this.#clock.advance(PATIENCE_MS)
    const snapshot = await polled
    this.#see(snapshot)
    if (by.deadChanges !== this.#deadChangesTold) this.#tellDeadSums(this.#members)
    this.#deadChangesTold = by.deadChanges
  }

  async #release(member: Member): Promise<void> {
    const { puppet, asked } = member
    const figures = asked?.figures ?? copyOf(puppet)
    puppet.release()
    await settle()
    const isHeard = asked?.by === this.#statistics && this.#members.includes(member)
    if (isHeard) member.told = figures
    member.asked = null
  }

  /** `dead`: who died while no control ran. */
  #replaceControl(first: number, dead: Member | null): void {
    const heirs = this.#members.filter((member) => member !== dead)
    // When nobody is left who was told, what the dead had counted is lost.
    if (!heirs.some(({ knows }) => knows === this.#news)) return
    for (const member of this.#members) this.#hangUp(member)
    this.#statistics = new Statistics(this.#clock)
    this.#deadChangesTold = 0
    for (const member of this.#members) {
      member.told = null
      member.puppet.hello = { ...member.puppet.hello, epoch: 1n }
    }
    if (dead !== null) {
      this.#bury(dead)
      const { incarnation } = dead.puppet
      this.#statistics.replicaDied({ incarnation, isAdopted: true })
    }
    const at = first % heirs.length
    for (const member of [...heirs.slice(at), ...heirs.slice(0, at)]) this.#redial(member)
  }

  #plan(keys: readonly number[]): void {
    this.#active = new Set(keys.map((at) => this.#keyAt(at)))
  }

  /** So long that nobody stays silent: control would replace it. */
  async #wait(minutes: number): Promise<void> {
    await this.settle()
    await this.#clock.advance(minutes * 60_000)
    await this.#poll()
  }

  #see(snapshot: Snapshot): void {
    this.snapshot = snapshot
    if (!snapshot.isWhole) return
    if (this.#hasLost) {
      this.#hasLost = false
      this.#news++
      this.resets++
      this.base = copyOf(this.#gone)
      for (const { told } of this.#members) if (told !== null) addTo(this.base, told)
    }
    this.scraper.scrape(exportedBy(snapshot), this.resets)
  }
}

/** Every counter and every part of a histogram that `/metrics` makes of a snapshot. */
export const exportedBy = (
  snapshot: Pick<Snapshot, 'slots' | 'retired' | 'replicas' | 'deadCpuSeconds'>,
): Map<string, number> => {
  const { samples } = slotSamples(snapshot, Number.POSITIVE_INFINITY)
  const exported = new Map(
    samples.map(({ metric, suffix, labels, value }) => [
      `${metric} ${suffix} ${Object.values(labels).join()}`,
      value,
    ]),
  )
  const living = snapshot.replicas.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  return exported.set('CPU of replicas', living + snapshot.deadCpuSeconds)
}
