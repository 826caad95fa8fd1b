/**
 * Which counter slot belongs to which labels, in one replica. Kept by the agent; the threads are
 * told with every plan. A slot that no plan has named for a while is zeroed and given out again.
 */

import {
  LAST_AT,
  PROTOCOLS,
  REASONS,
  REQUESTS_AT,
  SLOT_DOUBLES,
  type SlotKey,
  slotKeyText,
} from '../shared/counters.ts'
import { FIXED_KEYS, OVERFLOW_SLOT } from '../shared/slot-keys.ts'

/** Longer than control keeps exporting a series after its version has gone (15 min). */
const REUSE_AFTER_MS = 20 * 60_000
const REQUESTS_END = REQUESTS_AT + PROTOCOLS.length * REASONS

interface Assignment {
  readonly slot: number
  lastNamedMs: number
}

/** Counters of one slot, added over the threads: `values[i]` is its double `indices[i]`. */
export interface SlotSum {
  readonly key: string
  readonly indices: number[]
  readonly values: number[]
}

export class SlotTable {
  readonly #counters: readonly Float64Array[]
  readonly #capacity: number
  /** By slotKeyText. The fixed slots are not in here: they are never given to another key. */
  readonly #byKey = new Map<string, Assignment>()
  readonly #fixed = new Map(FIXED_KEYS.map((key, slot) => [slotKeyText(key), slot]))
  /** By slot: its key now. */
  readonly #keys: string[] = FIXED_KEYS.map(slotKeyText)
  #next = FIXED_KEYS.length

  /** `counters`: those of every data thread, all of the same length. */
  constructor(counters: readonly Float64Array[]) {
    this.#counters = counters
    this.#capacity = (counters[0]?.length ?? 0) / SLOT_DOUBLES
  }

  /**
   * Slots for the keys of a new plan. Those of `served`, the plan that threads count for at the
   * moment, are named by this too: neither plan loses a slot to the other. Keys that find no slot
   * share the one for overflow; `overflowed` says how many.
   */
  assign(
    wanted: readonly SlotKey[],
    served: readonly SlotKey[],
    nowMs: number,
  ): { slots: Record<string, number>; overflowed: number } {
    const texts = wanted.map(slotKeyText)
    // All names first, and then the taking: what is known must not be reclaimed for what is new.
    for (const text of [...texts, ...served.map(slotKeyText)]) {
      const known = this.#byKey.get(text)
      if (known !== undefined) known.lastNamedMs = nowMs
    }
    const slots: Record<string, number> = {}
    let overflowed = 0
    for (const text of texts) {
      const slot = this.#fixed.get(text) ?? this.#byKey.get(text)?.slot ?? this.#take(text, nowMs)
      if (slot === OVERFLOW_SLOT && !this.#fixed.has(text)) overflowed++
      slots[text] = slot
    }
    return { slots, overflowed }
  }

  #take(text: string, nowMs: number): number {
    const slot = this.#next < this.#capacity ? this.#next++ : this.#reclaim(nowMs)
    if (slot !== OVERFLOW_SLOT) {
      this.#byKey.set(text, { slot, lastNamedMs: nowMs })
      this.#keys[slot] = text
    }
    return slot
  }

  /** The key (slotKeyText) that a slot belongs to. */
  keyAt(slot: number): string {
    return this.#keys[slot]!
  }

  #reclaim(nowMs: number): number {
    for (const [text, { slot, lastNamedMs }] of this.#byKey) {
      if (nowMs - lastNamedMs < REUSE_AFTER_MS) continue
      this.#byKey.delete(text)
      for (const counters of this.#counters) {
        counters.fill(0, slot * SLOT_DOUBLES, (slot + 1) * SLOT_DOUBLES)
      }
      return slot
    }
    return OVERFLOW_SLOT
  }

  /**
   * The slots in which a request was counted, without the doubles that are zero: a slot holds
   * thousands, few of which are ever touched, and most of many slots may be idle.
   */
  sums(): SlotSum[] {
    const sums: SlotSum[] = []
    const assigned = [...this.#byKey].map(([key, { slot }]) => [key, slot] as const)
    for (const [key, slot] of [...this.#fixed, ...assigned]) {
      const sum = this.#sum(key, slot * SLOT_DOUBLES)
      if (sum !== null) sums.push(sum)
    }
    return sums
  }

  #sum(key: string, base: number): SlotSum | null {
    const indices: number[] = []
    const values: number[] = []
    for (let i = 0; i < SLOT_DOUBLES; i++) {
      // Whatever is counted, its request is: the rest of an idle slot need not be looked at.
      if (i === REQUESTS_END && indices.length === 0) return null
      let value = 0
      for (const counters of this.#counters) {
        const own = counters[base + i]!
        value = i === LAST_AT ? Math.max(value, own) : value + own
      }
      if (value === 0) continue
      indices.push(i)
      values.push(value)
    }
    return { key, indices, values }
  }
}
