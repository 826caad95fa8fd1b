/**
 * Which counter slot belongs to which labels, in one replica. Kept by the agent; the threads are
 * told with every plan. A slot that no plan has named for a while is zeroed and given out again.
 */

import { SLOT_DOUBLES, type SlotKey, slotKeyText } from '../shared/counters.ts'
import { COUNTER_SLOTS } from '../shared/shared-memory.ts'

/** Longer than control keeps exporting a series after its version has gone (15 min). */
const REUSE_AFTER_MS = 20 * 60_000

interface Assignment {
  readonly slot: number
  lastNamedMs: number
}

export class SlotTable {
  readonly #counters: readonly Float64Array[]
  readonly #byKey = new Map<string, Assignment>()
  #next = 0

  /** `counters`: those of every data thread. */
  constructor(counters: readonly Float64Array[]) {
    this.#counters = counters
  }

  /**
   * Slots for the keys of a plan. When all are taken, further keys share slot 0 (no endpoint), so
   * that requests are still counted in the sums.
   */
  assign(keys: readonly SlotKey[], nowMs: number): Record<string, number> {
    const slots: Record<string, number> = {}
    for (const key of keys) {
      const text = slotKeyText(key)
      const known = this.#byKey.get(text) ?? this.#take(text, nowMs)
      if (known !== null) known.lastNamedMs = nowMs
      slots[text] = known?.slot ?? 0
    }
    return slots
  }

  #take(text: string, nowMs: number): Assignment | null {
    const slot = this.#next < COUNTER_SLOTS ? this.#next++ : this.#reclaim(nowMs)
    if (slot < 0) return null
    const assignment = { slot, lastNamedMs: nowMs }
    this.#byKey.set(text, assignment)
    return assignment
  }

  #reclaim(nowMs: number): number {
    for (const [text, { slot, lastNamedMs }] of this.#byKey) {
      if (slot === 0 || nowMs - lastNamedMs < REUSE_AFTER_MS) continue
      this.#byKey.delete(text)
      for (const counters of this.#counters) {
        counters.fill(0, slot * SLOT_DOUBLES, (slot + 1) * SLOT_DOUBLES)
      }
      return slot
    }
    return -1
  }

  /** Counters of every slot, added over the threads. */
  sums(): { key: string; values: number[] }[] {
    return [...this.#byKey].map(([key, { slot }]) => {
      const values = new Array<number>(SLOT_DOUBLES).fill(0)
      const base = slot * SLOT_DOUBLES
      for (const counters of this.#counters) {
        for (let i = 0; i < SLOT_DOUBLES; i++) values[i]! += counters[base + i]!
      }
      return { key, values }
    })
  }
}
