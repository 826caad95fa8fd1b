/**
 * Replicas that count and the controls that follow one another, in one thread: what has truly been
 * counted, beside what statistics says. It does with statistics what `control/gateway.ts` does.
 */

import { slotSamples } from '../../src/control/slot-metrics.ts'
import { addInto, type SlotSums } from '../../src/control/slot-sums.ts'
import { type Snapshot, Statistics } from '../../src/control/statistics.ts'
import { countInto } from './counted-slots.ts'
import { FakeClock, settle } from './fake-clock.ts'
import type { Counted, Step } from './figures-steps.ts'
import { PuppetFigures } from './puppet-figures.ts'

interface Figures {
  readonly slots: SlotSums
  cpuSeconds: number
}

interface Member {
  readonly puppet: PuppetFigures
  /** What it has told the present control; null before its first answer. */
  told: Figures | null
  /** An earlier control had figures of it. */
  wasTold: boolean
  isLinked: boolean
  /** An answer under way, and who asked for it. */
  held: { readonly by: Statistics; readonly figures: Figures } | null
  /** Of how many dead it keeps the sums for the next control. */
  knows: number
}

const copyOf = ({ slots, cpuSeconds }: Figures): Figures => ({
  slots: new Map([...slots].map(([key, slot]) => [key, slot.slice()])),
  cpuSeconds,
})

export class FiguresWorld {
  readonly #clock = new FakeClock()
  readonly #keys: readonly string[]
  readonly #mayEnd: boolean
  #statistics = new Statistics(this.#clock)
  #deadChangesTold = 0
  #active: ReadonlySet<string>
  #members: Member[] = []
  readonly #ghosts: Member[] = []
  #incarnations = 0
  /** Told by replicas that have died since, and by slots that were given to another key. */
  readonly #gone: Figures = { slots: new Map(), cpuSeconds: 0 }
  /** How many died. */
  #buried = 0
  #reclaimed = 0
  readonly #floors = new Map<string, number>()
  /** Counters that fell or went missing, in words. */
  readonly faults: string[] = []
  snapshot: Snapshot | null = null

  /** `mayEnd`: series may go, as those of retired slots do; else one that goes is a fault. */
  constructor(keys: readonly string[], mayEnd: boolean) {
    this.#keys = keys
    this.#active = new Set(keys)
    this.#mayEnd = mayEnd
  }

  /** Sums over all replicas that ever lived, less what those that died had not told. */
  get counted(): Figures {
    const sums = copyOf(this.#gone)
    for (const { puppet } of this.#members) {
      for (const [key, slot] of puppet.slots) addInto(sums.slots, key, slot)
      sums.cpuSeconds += puppet.cpuSeconds
    }
    return sums
  }

  /** How many figures were cut to quanta, at most. */
  get cuts(): number {
    return this.#incarnations + this.#reclaimed
  }

  async run(step: Step): Promise<void> {
    if (step.does === 'connect') return this.#connect(step.index)
    if (step.does === 'poll') return this.#poll()
    if (step.does === 'replaceControl') return this.#replaceControl(step.first)
    if (step.does === 'plan') return this.#plan(step.keys)
    if (step.does === 'wait') return this.#wait(step.minutes)
    const all = step.does === 'release' ? [...this.#members, ...this.#ghosts] : this.#members
    const member = all[step.who % all.length]
    if (member === undefined) return
    if (step.does === 'release') return this.#release(member)
    if (step.does === 'die') return this.#die(member)
    if (step.does === 'redial') return this.#redial(member)
    if (step.does === 'hangUp') member.isLinked = false
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
    // Nobody noticed the end of its predecessor.
    const predecessor = this.#members.find(({ puppet }) => puppet.index === index)
    if (predecessor !== undefined) this.#bury(predecessor)
    const puppet = new PuppetFigures({ index, incarnation: ++this.#incarnations })
    const member = { puppet, told: null, wasTold: false, isLinked: true, held: null, knows: 0 }
    this.#members.push(member)
    this.#statistics.replicaConnected(puppet)
    this.#tellDeadSums([member])
  }

  #count(member: Member, key: string, { request, cpuSeconds }: Counted): void {
    countInto(member.puppet.slot(key), request)
    member.puppet.cpuSeconds += cpuSeconds
  }

  #bury(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member)
    this.#ghosts.push(member)
    this.#buried++
    if (member.told !== null) {
      for (const [key, slot] of member.told.slots) addInto(this.#gone.slots, key, slot)
      this.#gone.cpuSeconds += member.told.cpuSeconds
      // What it told an earlier control only has died with it, and nobody can know.
    } else if (member.wasTold) this.#floors.clear()
  }

  #die(member: Member): void {
    const { index, incarnation } = member.puppet
    this.#bury(member)
    for (const _ of ['told', 'told again']) this.#statistics.replicaDied(index, incarnation)
    this.#tellDeadSums(this.#members)
  }

  #redial(member: Member): void {
    member.isLinked = true
    this.#statistics.replicaConnected(member.puppet)
    this.#tellDeadSums([member])
  }

  #tellDeadSums(members: readonly Member[]): void {
    const dead = this.#statistics.deadSums()
    for (const member of members.filter(({ isLinked }) => isLinked)) {
      member.puppet.hello = { ...member.puppet.hello, dead }
      member.knows = this.#buried
    }
  }

  /** The slot of a key is given to another one: it goes, or is back at zero. */
  async #reclaim(member: Member, at: number, keep: boolean): Promise<void> {
    const { puppet, told } = member
    const key = [...puppet.slots.keys()][at % puppet.slots.size]
    const isHeld = this.#members.some((one) => one.held !== null || one.puppet.mode === 'held')
    const isHeard = member.isLinked && puppet.mode === 'answers' && !isHeld
    if (told === null || !isHeard || key === undefined) return
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
    for (const member of linked.filter(({ held }) => held?.by !== by)) {
      const figures = copyOf(member.puppet)
      if (member.puppet.mode === 'answers') member.told = figures
      if (member.puppet.mode === 'held') member.held = { by, figures }
    }
    const puppets = linked.map(({ puppet }) => puppet)
    void by.poll(puppets, this.#active).then((snapshot) => {
      if (by !== this.#statistics) return // that control is gone
      this.#see(snapshot)
      if (by.deadChanges !== this.#deadChangesTold) this.#tellDeadSums(this.#members)
      this.#deadChangesTold = by.deadChanges
    })
    await settle()
  }

  async #release(member: Member): Promise<void> {
    member.puppet.release()
    await settle()
    const isHeard = member.held?.by === this.#statistics && this.#members.includes(member)
    if (isHeard) member.told = member.held!.figures
    member.held = null
  }

  #replaceControl(first: number): void {
    // When nobody is left who was told, what the dead had counted is lost.
    if (!this.#members.some(({ knows }) => knows === this.#buried)) return
    this.#statistics = new Statistics(this.#clock)
    this.#deadChangesTold = 0
    const at = first % this.#members.length
    for (const member of [...this.#members.slice(at), ...this.#members.slice(0, at)]) {
      member.wasTold ||= member.told !== null
      member.told = null
      member.puppet.hello = { ...member.puppet.hello, epoch: 1n }
      this.#redial(member)
    }
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
    const exported = exportedBy(snapshot)
    for (const [series, floor] of this.#floors) {
      const value = exported.get(series)
      if (value === undefined && this.#mayEnd) this.#floors.delete(series)
      else if (value === undefined) this.faults.push(`${series} is gone`)
      else if (value < floor) this.faults.push(`${series} fell from ${floor} to ${value}`)
    }
    for (const [series, value] of exported) this.#floors.set(series, value)
  }
}

/** Every counter and every part of a histogram that `/metrics` makes of a snapshot. */
const exportedBy = (snapshot: Snapshot): Map<string, number> => {
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
