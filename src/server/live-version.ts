/**
 * A version as one data thread holds it: the queue for its requests, and who still needs it. What
 * else a version is (manifest, contract, names) belongs to the epoch that plans it.
 */

import type { RowQueue } from '../runtime/row-queue.ts'
import { loadKey, type PlannedVersion } from '../shared/epoch-plan.ts'
import type { Pending } from './pending.ts'

export interface LiveVersion {
  readonly queue: RowQueue<Pending>
  /** Nobody needs it any more: no request is in the queue. */
  dispose(): void
}

/**
 * Loads a version; blocks, and throws when it cannot. `number`: what the thread publishes while it
 * loads or runs it (version-numbers.ts).
 */
export type LoadVersion = (planned: PlannedVersion, number: number) => LiveVersion

interface Held {
  readonly key: string
  /** Epochs that name it and are not yet over. */
  holders: number
}

/**
 * The versions loaded in this thread, by `loadKey`: an epoch takes over what the one before it has
 * loaded. A version leaves when its last holder lets go.
 */
export class LiveVersions {
  readonly #load: LoadVersion
  readonly #byKey = new Map<string, LiveVersion>()
  readonly #held = new Map<LiveVersion, Held>()

  constructor(load: LoadVersion) {
    this.#load = load
  }

  /** Takes a hold on the version, loading it if need be. Blocks while it loads; throws. */
  acquire(planned: PlannedVersion, number: number): LiveVersion {
    const key = loadKey(planned)
    let live = this.#byKey.get(key)
    if (live === undefined) {
      live = this.#load(planned, number)
      this.#byKey.set(key, live)
      this.#held.set(live, { key, holders: 0 })
    }
    this.#held.get(live)!.holders++
    return live
  }

  /** Lets go of what `acquire` gave, once for each. */
  release(live: LiveVersion): void {
    const held = this.#held.get(live)
    if (held === undefined) throw new Error('A version was released more often than acquired')
    held.holders--
    if (held.holders > 0) return
    this.#held.delete(live)
    this.#byKey.delete(held.key)
    live.dispose()
  }
}
