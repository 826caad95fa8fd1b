/**
 * The compute threads of a replica and what they hold, for its agent: starts them with the first
 * pooled version, has them load and unload, and puts another one in the place of one that dies.
 *
 * A pool, the memory and sessions of one version, is there as long as a prepare under way names it
 * or a data thread holds it: data threads say which they hold whenever that changes.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { clearPool, mapPool, type PoolMemory, poolBytes } from '../runtime/pool/pool-memory.ts'
import type {
  ComputeThreadStart,
  FromComputeThread,
  PoolFailure,
  PoolGrant,
  ToComputeThread,
} from '../runtime/pool/pool-messages.ts'
import { poolShape } from '../runtime/pool/pool-shape.ts'
import { recover } from '../runtime/pool/pool-slots.ts'
import type { Clock } from '../shared/clock.ts'
import {
  type EpochPlan,
  loadKey,
  type PlannedVersion,
  type ReplicaSettings,
  sessionKey,
} from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import { PoolBlocks } from './pool-blocks.ts'
import { KEPT_VALUES_MAX } from './protocols/answer-size.ts'

/** Deaths of compute threads within this time that end the replica. */
const DEATHS_MAX = 3
const DEATHS_MS = 60_000

export interface ComputeThreadHandlers {
  onMessage(message: FromComputeThread): void
  /** It threw what nobody caught. `onEnded` follows. */
  onError(error: unknown): void
  onEnded(): void
}

/** Starts a compute thread and gives the way to tell it something. */
export type StartComputeThread = (
  start: ComputeThreadStart,
  handlers: ComputeThreadHandlers,
) => (message: ToComputeThread) => void

export interface ComputeThreadsSurroundings {
  readonly settings: ReplicaSettings
  readonly memory: SharedArrayBuffer
  readonly clock: Clock
  readonly logger: Logger
  readonly start: StartComputeThread
  /** Gives each data thread its port to a compute thread. */
  connect(thread: number, ports: readonly MessagePort[]): void
  /** The replica cannot go on. */
  onFatal(reason: string): void
  /** A thread has ended that was told to. */
  onEnded(): void
}

interface Pool {
  readonly grant: PoolGrant
  readonly memory: PoolMemory
  readonly key: string
  readonly planned: PlannedVersion
  readonly versionNumber: number
  /** Threads that have not said yet whether they could load it. */
  readonly waiting: Set<number>
  failure: PoolFailure['failure'] | null
  /** Leases that name it. */
  leases: number
  readonly loaded: Promise<void>
  onLoaded(): void
}

/** What a prepare has of the pools that its plan names, until it is over. */
export interface PoolLease {
  /** By loadKey of the plan's pooled versions. */
  readonly grants: Readonly<Record<string, PoolGrant | PoolFailure>>
  release(): void
}

export const NO_POOLS: PoolLease = { grants: {}, release: () => {} }

export class ComputeThreads {
  readonly #around: ComputeThreadsSurroundings
  readonly #tells: ((message: ToComputeThread) => void)[] = []
  readonly #living = new Set<number>()
  readonly #pools = new Map<number, Pool>()
  /** Pools that each data thread holds. */
  readonly #held: ReadonlySet<number>[] = []
  readonly #blocks = new PoolBlocks()
  readonly #deathsMs: number[] = []
  #lastPool = 0
  #isClosing = false

  constructor(around: ComputeThreadsSurroundings) {
    this.#around = around
  }

  /** Threads that have not ended. */
  get living(): ReadonlySet<number> {
    return this.#living
  }

  /**
   * Has the pooled versions of a plan loaded, those that are not yet. `versionNumbers` by index of
   * its versions. At once null where there are none: nothing need be waited for.
   */
  acquire(plan: EpochPlan, versionNumbers: readonly number[]): Promise<PoolLease> | null {
    const pools = plan.versions.flatMap((planned, i) =>
      planned.placement.kind === 'pooled' ? [this.#poolOf(planned, versionNumbers[i]!)] : [],
    )
    if (pools.length === 0) return null
    for (const pool of pools) pool.leases++
    return Promise.all(pools.map(({ loaded }) => loaded)).then(() => ({
      grants: Object.fromEntries(
        pools.map(({ key, grant, failure }) => [key, failure === null ? grant : { failure }]),
      ),
      release: () => {
        for (const pool of pools) pool.leases--
        this.#sweep()
      },
    }))
  }

  /** A data thread says which pools it holds. */
  onHeld(dataThread: number, pools: readonly number[]): void {
    this.#held[dataThread] = new Set(pools)
    this.#sweep()
  }

  /** Has all threads end. No request may be under way any more. */
  close(): void {
    this.#isClosing = true
    for (const thread of this.#living) this.#tells[thread]!({ type: 'close' })
  }

  #poolOf(planned: PlannedVersion, versionNumber: number): Pool {
    const key = loadKey(planned)
    for (const pool of this.#pools.values()) {
      if (pool.key === key && pool.failure === null) return pool
    }
    if (this.#tells.length === 0) this.#startAll()
    return this.#load(planned, key, versionNumber)
  }

  #load(planned: PlannedVersion, key: string, versionNumber: number): Pool {
    const shape = poolShape(planned, this.#around.settings.threads)
    const block = this.#blocks.take(poolBytes(shape))
    const memory = mapPool(block, shape)
    clearPool(memory)
    const hosts = this.#chooseHosts(planned)
    const { promise, resolve } = Promise.withResolvers<void>()
    const pool: Pool = {
      grant: { pool: ++this.#lastPool, memory: block, hosts },
      memory,
      ...{ key, planned, versionNumber },
      waiting: new Set(hosts),
      failure: null,
      leases: 0,
      loaded: promise,
      onLoaded: resolve,
    }
    this.#pools.set(pool.grant.pool, pool)
    for (const thread of hosts) this.#tellLoad(pool, thread)
    return pool
  }

  #tellLoad({ grant, planned, versionNumber }: Pool, thread: number): void {
    this.#tells[thread]!({ type: 'load', grant, planned, versionNumber })
  }

  /**
   * As many threads as the version has instances: those that have its session already, under other
   * policies, then those with the fewest.
   */
  #chooseHosts(planned: PlannedVersion): number[] {
    const { model, version, placement } = planned
    const key = sessionKey(planned)
    const sessions = this.#tells.map(() => 0)
    for (const pool of this.#pools.values()) {
      const weight = sessionKey(pool.planned) === key ? -this.#pools.size : 1
      for (const host of pool.grant.hosts) sessions[host]! += weight
    }
    const hosts = [...sessions.keys()]
      .sort((a, b) => sessions[a]! - sessions[b]! || a - b)
      .slice(0, Math.max(1, placement.instances))
    if (hosts.length < placement.instances) {
      const detail = `${model} v${version}: ${placement.instances} instances are asked for, and there are ${hosts.length} compute threads`
      this.#around.logger.warn({ event: 'instances_fewer', detail })
    }
    return hosts
  }

  #startAll(): void {
    const { settings } = this.#around
    for (let thread = 0; thread < settings.computeThreads; thread++) this.#start(thread)
  }

  #start(thread: number): void {
    const { settings, memory, start, connect, logger } = this.#around
    const channels = Array.from({ length: settings.threads }, () => new MessageChannel())
    this.#living.add(thread)
    this.#tells[thread] = start(
      {
        thread,
        dataThreads: settings.threads,
        computeThreads: settings.computeThreads,
        memory,
        ports: channels.map(({ port1 }) => port1),
        keptValuesMax: KEPT_VALUES_MAX,
      },
      {
        onMessage: (message) => this.#onMessage(thread, message),
        onError: (error) =>
          logger.error(
            { event: 'compute_thread_failed', thread, error },
            'a compute thread failed',
          ),
        onEnded: () => this.#onEnded(thread),
      },
    )
    connect(
      thread,
      channels.map(({ port2 }) => port2),
    )
  }

  #onMessage(thread: number, message: FromComputeThread): void {
    if (message.type === 'fault') {
      const { detail } = message
      this.#around.logger.error({ event: 'run_fault', thread, detail }, 'a run met a fault')
      return
    }
    if (message.type === 'unloaded') {
      this.#blocks.left(message.pool, thread)
      return
    }
    const pool = this.#pools.get(message.pool)
    if (pool === undefined || !pool.waiting.delete(thread)) return
    pool.failure ??= message.failure
    if (pool.waiting.size > 0) return
    pool.onLoaded()
    // It could be loaded once, and is being served: a thread that cannot do so again is no help.
    if (pool.failure !== null && this.#isHeld(pool)) {
      this.#around.onFatal(`a compute thread cannot load again: ${pool.failure.detail}`)
    }
  }

  /** What the thread had claimed goes back, another one takes its place and loads what it had. */
  #onEnded(thread: number): void {
    this.#living.delete(thread)
    if (this.#isClosing) {
      this.#around.onEnded()
      return
    }
    this.#blocks.ended(thread)
    const { clock, logger, onFatal } = this.#around
    const own = [...this.#pools.values()].filter(({ grant }) => grant.hosts.includes(thread))
    const found = own.map(({ memory }) => recover(memory, thread))
    const again = found.reduce((sum, one) => sum + one.again, 0)
    const lost = found.reduce((sum, one) => sum + one.lost, 0)
    logger.error({ event: 'compute_thread_dead', thread, again, lost }, 'a compute thread ended')
    this.#deathsMs.push(clock.monotonic())
    const [first = 0] = this.#deathsMs.slice(-DEATHS_MAX)
    if (this.#deathsMs.length >= DEATHS_MAX && clock.monotonic() - first < DEATHS_MS) {
      onFatal('compute threads die again and again')
      return
    }
    this.#start(thread)
    for (const pool of own) {
      pool.waiting.add(thread)
      this.#tellLoad(pool, thread)
      for (const other of pool.grant.hosts) this.#tells[other]!({ type: 'wake' })
    }
  }

  #isHeld({ grant }: Pool): boolean {
    return this.#held.some((pools) => pools?.has(grant.pool))
  }

  #sweep(): void {
    for (const [number, pool] of this.#pools) {
      if (pool.leases > 0 || this.#isHeld(pool)) continue
      this.#pools.delete(number)
      const { hosts, memory } = pool.grant
      this.#blocks.leave(number, memory, hosts)
      for (const host of hosts) this.#tells[host]!({ type: 'unload', pool: number })
    }
  }
}
