/** Which word of shared memory a key counts in: its own, for as long as it is known. */

import { KEYS_MAX, type PlannedKey } from '../shared/access-plan.ts'

export class KeySlots {
  /** One for each key, shared by all threads. */
  readonly words = new BigInt64Array(new SharedArrayBuffer(KEYS_MAX * 8))
  #indices = new Map<string, number>()

  /** Indices of the words of all keys, at most KEYS_MAX. A new key begins with a full bucket. */
  assign(keys: readonly PlannedKey[]): number[] {
    const kept = new Map<string, number>()
    for (const { sha256 } of keys) {
      const index = this.#indices.get(sha256)
      if (index !== undefined) kept.set(sha256, index)
    }
    const taken = new Set(kept.values())
    let next = 0
    for (const { sha256 } of keys) {
      if (kept.has(sha256)) continue
      while (taken.has(next)) next++
      taken.add(next)
      kept.set(sha256, next)
      Atomics.store(this.words, next, 0n)
    }
    this.#indices = kept
    return keys.map(({ sha256 }) => kept.get(sha256)!)
  }
}
