/**
 * When the series of a slot end: 15 minutes after the last plan that named it (design §5).
 *
 * A slot whose version is still exported under another key (a variant that was renamed, an endpoint
 * that has gone) loses its own series, but stays in the sums by version, which would fall without
 * it. Counters are forgotten when neither its version nor a living replica has a use for them.
 */

import { parseSlotKey } from '../../shared/counters.ts'
import type { SlotSums } from './slot-sums.ts'

const RETIRE_AFTER_MS = 15 * 60_000

export interface SortedSlots {
  /** With series of their own, in the order in which the keys were first seen. */
  readonly slots: SlotSums
  /** Without, but still part of the sums of their version. */
  readonly retired: SlotSums
  /** To be forgotten. */
  readonly dropped: readonly string[]
}

/** What sums by version are kept by; null for the slots of requests that reached no version. */
const versionOf = (text: string): string | null => {
  const { model, version, role } = parseSlotKey(text)
  return role === 'answer' ? JSON.stringify([model, version]) : null
}

export class SlotRetirement {
  /** When a plan last named a key; for keys that no plan named, when they were first seen. */
  readonly #namedMs = new Map<string, number>()

  /**
   * @param sums all slots there are
   * @param active keys of the present plan
   * @param counted keys that a living replica has a slot for
   */
  sort(
    sums: SlotSums,
    active: ReadonlySet<string>,
    counted: ReadonlySet<string>,
    nowMs: number,
  ): SortedSlots {
    for (const key of active) this.#namedMs.set(key, nowMs)
    for (const key of sums.keys()) {
      if (!this.#namedMs.has(key)) this.#namedMs.set(key, nowMs)
    }
    const isNamed = (atMs: number) => nowMs - atMs <= RETIRE_AFTER_MS
    const named = [...this.#namedMs].filter(([, atMs]) => isNamed(atMs))
    const versions = new Set(named.map(([key]) => versionOf(key)).filter((one) => one !== null))
    const isExported = (version: string | null) => version !== null && versions.has(version)
    const slots: SlotSums = new Map()
    const retired: SlotSums = new Map()
    const dropped: string[] = []
    for (const [key, atMs] of this.#namedMs) {
      const slot = sums.get(key)
      if (isNamed(atMs)) {
        if (slot !== undefined) slots.set(key, slot)
      } else if (slot !== undefined && isExported(versionOf(key))) retired.set(key, slot)
      else if (!counted.has(key)) dropped.push(key)
    }
    for (const key of dropped) this.#namedMs.delete(key)
    return { slots, retired, dropped }
  }
}
