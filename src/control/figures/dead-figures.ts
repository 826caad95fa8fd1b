/**
 * What is added to the counters of the living: those of replicas that have died, less what a reset
 * took away. Every replica keeps these sums for a control to come.
 *
 * What earlier controls told and what died under this one are kept apart, because only the former
 * may be raised by a late Hello.
 */

import { create } from '@bufbuild/protobuf'
import { type DeadSums, DeadSumsSchema } from '../../../proto/gen/control_pb.ts'
import { REQUESTS_AT } from '../../shared/counters.ts'
import {
  addInto,
  ended,
  exactSeconds,
  raiseInto,
  type SlotSums,
  slotMessage,
  slotOf,
  subtractFrom,
} from './slot-sums.ts'

export class DeadFigures {
  #told: SlotSums = new Map()
  /** Null before anybody told any. */
  #toldCpuSeconds: number | null = null
  readonly #own: SlotSums = new Map()
  #ownCpuSeconds = 0
  #resets = 0
  /** Of what was told, and of what died under this control. */
  #isToldIncomplete = false
  #isOwnIncomplete = false
  #changes = 0

  /** Counts up when the sums have changed: all replicas should be told. */
  get changes(): number {
    return this.#changes
  }

  /** Figures are missing that were exported once; a reset is due. */
  get isIncomplete(): boolean {
    return this.#isToldIncomplete || this.#isOwnIncomplete
  }

  get cpuSeconds(): number {
    return (this.#toldCpuSeconds ?? 0) + this.#ownCpuSeconds
  }

  /** Takes over what a replica was told by an earlier control; the higher values win. */
  absorb(sums: DeadSums): void {
    const resets = Number(sums.resets)
    if (resets < this.#resets) return
    if (resets > this.#resets) {
      this.#told = new Map()
      this.#toldCpuSeconds = null
      this.#isToldIncomplete = false
    }
    this.#resets = resets
    this.#isToldIncomplete ||= sums.incomplete
    for (const message of sums.slots) {
      const slot = slotOf(message)
      if (slot !== null) raiseInto(this.#told, message.key, slot)
    }
    // Below zero after a reset: nothing told is less than zero told.
    const toldSeconds = this.#toldCpuSeconds ?? Number.NEGATIVE_INFINITY
    this.#toldCpuSeconds = Math.max(toldSeconds, exactSeconds(sums.cpuSeconds))
    this.#changes++
  }

  /** Takes in what a replica counted that has died, or that gave a slot to another key. */
  add(slots: Iterable<readonly [string, Float64Array]>, cpuSeconds: number): void {
    for (const [key, slot] of slots) addInto(this.#own, key, ended(slot))
    this.#ownCpuSeconds += cpuSeconds
    this.#changes++
  }

  /** A replica has died whose figures only an earlier control had heard. */
  lose(): void {
    this.#isOwnIncomplete = true
    this.#changes++
  }

  /** Adds the sums to those of others. */
  addTo(sums: SlotSums): void {
    for (const own of [this.#told, this.#own]) {
      for (const [key, slot] of own) addInto(sums, key, slot)
    }
  }

  /** A slot that nobody has a use for. */
  forget(key: string): void {
    this.#told.delete(key)
    this.#own.delete(key)
  }

  /**
   * Has all sums begin again from zero: what is taken away stays so for later controls.
   *
   * @param sums of the dead and the living together; zero afterwards
   * @param cpuSeconds of the living
   */
  reset(sums: SlotSums, cpuSeconds: number): void {
    for (const [key, slot] of sums) {
      subtractFrom(this.#own, key, slot)
      slot.fill(0, REQUESTS_AT)
    }
    this.#ownCpuSeconds = -(this.#toldCpuSeconds ?? 0) - cpuSeconds
    this.#resets++
    this.#isToldIncomplete = false
    this.#isOwnIncomplete = false
    this.#changes++
  }

  /** What every replica should keep for the next control. */
  message(): DeadSums {
    const sums: SlotSums = new Map()
    this.addTo(sums)
    const slots = [...sums].map(([key, slot]) => slotMessage(key, slot))
    const { cpuSeconds, isIncomplete: incomplete } = this
    return create(DeadSumsSchema, { slots, cpuSeconds, resets: BigInt(this.#resets), incomplete })
  }
}
