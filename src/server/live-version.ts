/**
 * A version as one data thread holds it: the queue for its requests, the session under it, and who
 * still needs them. What else a version is (manifest, contract, names) belongs to the epoch that
 * plans it.
 */

import type { RowQueue } from '../runtime/row-queue.ts'
import { loadKey, type PlannedVersion, sessionKey } from '../shared/epoch-plan.ts'
import type { QueuePolicies } from '../shared/queue-policy.ts'
import type { Pending } from './pending.ts'

export interface LiveVersion {
  readonly queue: RowQueue<Pending>
  /** Of its queue, where requests differ by them; else null. */
  readonly policies: QueuePolicies | null
  /** Nobody needs it any more: no request is in the queue. The session stays. */
  dispose(): void
}

/** What a version runs on, whatever the policies of its queue are. */
export interface LiveSession {
  /**
   * A queue by the policies of `planned`. Another one over the same session may still have
   * requests: they run in turn. `number`: what the thread publishes while it loads or runs the
   * version (version-numbers.ts).
   */
  open(planned: PlannedVersion, number: number): LiveVersion
  /** No queue is open any more. */
  dispose(): void
}

/** Loads a version; blocks, and throws when it cannot. `number`: as that of `open`. */
export type LoadVersion = (planned: PlannedVersion, number: number) => LiveSession

/** Something that is made once for each key, and goes with its last holder. */
class Shared<T extends { dispose(): void }> {
  readonly #byKey = new Map<string, T>()
  readonly #held = new Map<T, { readonly key: string; holders: number }>()

  take(key: string, make: () => T): T {
    let one = this.#byKey.get(key)
    if (one === undefined) {
      one = make()
      this.#byKey.set(key, one)
      this.#held.set(one, { key, holders: 0 })
    }
    this.#held.get(one)!.holders++
    return one
  }

  release(one: T): void {
    const held = this.#held.get(one)
    if (held === undefined) throw new Error('A version was released more often than acquired')
    held.holders--
    if (held.holders > 0) return
    this.#held.delete(one)
    this.#byKey.delete(held.key)
    one.dispose()
  }
}

/**
 * The versions loaded in this thread, by `loadKey`: an epoch takes over what the one before it has
 * loaded, and the sessions of what is only queued in another way. A version leaves when its last
 * holder lets go, a session with its last version.
 */
export class LiveVersions {
  readonly #load: LoadVersion
  readonly #sessions = new Shared<LiveSession>()
  readonly #versions = new Shared<LiveVersion>()

  constructor(load: LoadVersion) {
    this.#load = load
  }

  /** Takes a hold on the version, loading it if need be. Blocks while it loads; throws. */
  acquire(planned: PlannedVersion, number: number): LiveVersion {
    return this.#versions.take(loadKey(planned), () => this.#open(planned, number))
  }

  #open(planned: PlannedVersion, number: number): LiveVersion {
    const session = this.#sessions.take(sessionKey(planned), () => this.#load(planned, number))
    try {
      const { queue, policies, dispose } = session.open(planned, number)
      return {
        queue,
        policies,
        dispose: () => {
          dispose()
          this.#sessions.release(session)
        },
      }
    } catch (thrown) {
      this.#sessions.release(session)
      throw thrown
    }
  }

  /** Lets go of what `acquire` gave, once for each. */
  release(live: LiveVersion): void {
    this.#versions.release(live)
  }
}
