/** The pooled versions of one data thread: queues whose sessions are in compute threads. */

import type { BatcherHandlers } from '../runtime/batch-runs.ts'
import type { PoolLinks } from '../runtime/pool/pool-links.ts'
import { mapPool } from '../runtime/pool/pool-memory.ts'
import { PoolQueue } from '../runtime/pool/pool-queue.ts'
import { poolShape } from '../runtime/pool/pool-shape.ts'
import { loadKey, type PlannedVersion, type ReplicaSettings } from '../shared/epoch-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import type { LiveSession, LiveVersion } from './live-version.ts'
import type { Pending } from './pending.ts'
import { termPolicies } from './queue-terms.ts'
import type { Pools } from './thread-messages.ts'

export interface ThreadPoolsSurroundings {
  readonly settings: Pick<ReplicaSettings, 'threads' | 'limits'>
  readonly thread: number
  readonly links: PoolLinks
  /** What is added to `monotonic()` of this thread for the time that all threads share. */
  readonly originMs: number
  monotonic(): number
  handlersFor(versionNumber: number): BatcherHandlers<Pending>
  /** The agent wants to know which pools are held, whenever that changes. */
  onChange(held: readonly number[]): void
}

export class ThreadPools {
  readonly links: PoolLinks
  readonly #around: ThreadPoolsSurroundings
  /** Of the plan that is being prepared. */
  #granted: Pools = {}

  constructor(around: ThreadPoolsSurroundings) {
    this.#around = around
    this.links = around.links
  }

  /** What a plan may use while it is prepared; nothing once it is. */
  grant(pools: Pools): void {
    this.#granted = pools
  }

  /** Stands for the sessions: they are the agent's to load and to let go of. */
  session(versionNumber: number): LiveSession {
    return {
      open: (planned) => this.#open(planned, versionNumber),
      dispose: () => {},
    }
  }

  /** Throws why its compute threads could not load it. */
  #open(planned: PlannedVersion, versionNumber: number): LiveVersion {
    const grant = this.#granted[loadKey(planned)]
    if (grant === undefined) throw new GatewayError('PREPARE_FAILED', 'It was granted no pool')
    if ('failure' in grant) throw new GatewayError(grant.failure.code, grant.failure.detail)
    const { settings, thread, links, originMs, handlersFor } = this.#around
    const { monotonic } = this.#around
    const { queueRowsMax, queueWorkMsMax } = settings.limits
    const queue = new PoolQueue<Pending>(
      {
        ...{ grant, links, originMs, monotonic, dataThread: thread },
        pool: mapPool(grant.memory, poolShape(planned, settings.threads)),
        policy: { ...planned.batching, queueRowsMax, queueWorkMsMax, queue: planned.queue },
      },
      handlersFor(versionNumber),
    )
    links.add(grant.pool, queue)
    this.#changed()
    const dispose = () => {
      links.remove(grant.pool)
      this.#changed()
    }
    return { queue, policies: termPolicies(planned.queue), dispose }
  }

  #changed(): void {
    this.#around.onChange(this.links.pools)
  }
}
