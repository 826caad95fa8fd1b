/**
 * The main thread of a replica: has compute and data threads prepare, commits epochs, drains, adds
 * up the counters and watches the beats. Never on the request path.
 */

import type { Statistics, Traces } from '../../proto/gen/control_pb.ts'
import type { AccessPlan } from '../shared/access-plan.ts'
import type { EpochPlan, PrepareFailure } from '../shared/epoch-plan.ts'
import {
  COMMITTED_WORD,
  DRAINING_WORD,
  MARKS_FD_WORD,
  mapReplicaMemory,
  type ReplicaMemory,
  replicaMemoryBytes,
} from '../shared/shared-memory.ts'
import { slotKeysOf } from '../shared/slot-keys.ts'
import { AgentDrain } from './agent-drain.ts'
import { AgentRecords, FINISH_MS_MAX, SPOOL_NAME } from './agent-records.ts'
import type { AgentEvent, AgentSurroundings } from './agent-surroundings.ts'
import { ComputeThreads, NO_POOLS } from './compute-threads.ts'
import { DataThreads } from './data-threads.ts'
import { Holdings } from './holdings.ts'
import { NO_LAYOUTS } from './record-layouts.ts'
import { replicaStatistics } from './replica-statistics.ts'
import { SlotTable } from './slot-table.ts'
import { ThreadWatch, watchedThreads } from './thread-watch.ts'
import { tracesFrom } from './trace-messages.ts'
import { VersionNumbers } from './version-numbers.ts'

/** A plan that every thread has ready, under the number that commits it. */
interface NumberedPlan {
  readonly number: number
  readonly plan: EpochPlan
}

export class Agent {
  readonly #surroundings: AgentSurroundings
  readonly #memory: ReplicaMemory
  readonly #threads: DataThreads
  readonly #compute: ComputeThreads
  readonly #records: AgentRecords | null
  readonly #slots: SlotTable
  readonly #versions: VersionNumbers
  readonly #holdings: Holdings
  readonly #watch: ThreadWatch
  /** Of the last prepare: an earlier one that is still under way has lost its place. */
  #lastPrepare = 0
  #prepared: NumberedPlan | null = null
  #committed: NumberedPlan | null = null
  #listening: Promise<void> | null = null
  readonly #drain: AgentDrain
  /** What the threads listen with; '' before the first commit. */
  httpEngine: 'uws' | 'node' | '' = ''

  constructor(surroundings: AgentSurroundings) {
    this.#surroundings = surroundings
    const { settings, clock, marksFd = 0 } = surroundings
    const { threads, computeThreads } = settings
    this.#records = this.#agentRecords()
    const memory = new SharedArrayBuffer(replicaMemoryBytes(threads, computeThreads))
    this.#memory = mapReplicaMemory(memory, threads, computeThreads)
    this.#memory.words[MARKS_FD_WORD] = marksFd
    this.#versions = new VersionNumbers(marksFd)
    this.#slots = new SlotTable(this.#memory.threads.map(({ counters }) => counters))
    this.#watch = new ThreadWatch(settings.watchdog, this.#versions, clock.monotonic())
    this.#holdings = new Holdings({
      ...{ clock, versions: this.#versions, rssBytes: process.memoryUsage.rss },
      onUnloaded: (...unloaded) => surroundings.report('version_unloaded', ...unloaded),
    })
    this.#threads = this.#dataThreads(memory)
    this.#compute = this.#computeThreads(memory)
    this.#drain = this.#agentDrain()
    this.#records?.start()
  }

  #dataThreads(memory: SharedArrayBuffer): DataThreads {
    const { settings, logger, startThread, forward, exit } = this.#surroundings
    return new DataThreads(
      startThread,
      { settings, memory, records: this.#records?.memory ?? null },
      {
        onFault: (requestId, detail) =>
          logger.error({ event: 'request_fault', requestId, detail }, 'a request met a fault'),
        onError: (thread, error) => {
          logger.error({ event: 'data_thread_failed', thread, error }, 'a data thread failed')
          exit(1, 'a data thread failed')
        },
        onCall: forward,
        onHeld: (thread, versions) => this.#holdings.onHeld(thread, versions),
        onPools: (thread, pools) => this.#compute.onHeld(thread, pools),
        onEnded: () => {
          if (!this.isDraining) exit(1, 'a data thread ended')
          if (this.#threads.living.size === 0) this.#compute.close()
          this.#onThreadEnded()
        },
      },
    )
  }

  #agentRecords(): AgentRecords | null {
    const { settings, clock, logger, startSpoolThread: start } = this.#surroundings
    const { records } = settings
    if (records === null) return null
    return new AgentRecords({
      ...{ settings, records, clock, logger, start },
      connect: (ports) => {
        this.#watch.forget(SPOOL_NAME)
        for (const [thread, port] of ports.entries()) {
          this.#threads.tellOne(thread, { type: 'spool_thread', port }, [port])
        }
      },
    })
  }

  #computeThreads(memory: SharedArrayBuffer): ComputeThreads {
    const { settings, clock, logger, startComputeThread, exit } = this.#surroundings
    return new ComputeThreads({
      ...{ settings, memory, clock, logger },
      start: startComputeThread,
      connect: (thread, ports) => {
        this.#watch.forget(`compute thread ${thread}`)
        for (const [dataThread, port] of ports.entries()) {
          this.#threads.tellOne(dataThread, { type: 'compute_thread', thread, port }, [port])
        }
      },
      onFatal: (reason) => exit(1, reason),
      onEnded: () => this.#onThreadEnded(),
    })
  }

  /** The plan that new requests are served by; null before the first commit. */
  get plan(): EpochPlan | null {
    return this.#committed?.plan ?? null
  }

  get isDraining(): boolean {
    return this.#drain.isDraining
  }

  get #hasThreads(): boolean {
    return this.#threads.living.size + this.#compute.living.size > 0
  }

  /** Whether some thread has not ended: it may hold sockets, or hang in native code or the disk. */
  get mustBeKilled(): boolean {
    return this.#hasThreads || this.#records?.isLiving === true
  }

  /**
   * Has compute threads load what is pooled, then data threads load and bind a plan. Resolves with
   * what failed; empty: it may be committed. Null: the next prepare has begun before all were
   * ready, or the replica drains; such a plan cannot be committed. A plan that was ready before and
   * is not committed is let go of.
   */
  async prepare(plan: EpochPlan): Promise<readonly PrepareFailure[] | null> {
    if (this.isDraining) return null
    const turn = ++this.#lastPrepare
    this.#prepared = null
    const versionNumbers = plan.versions.map((version) => this.#versions.numberOf(version))
    const loading = this.#compute.acquire(plan, versionNumbers)
    const lease = loading === null ? NO_POOLS : await loading
    try {
      if (turn !== this.#lastPrepare || this.isDraining) return null
      const pools = lease.grants
      const layouts = this.#records?.prepare(plan, this.plan)
      const asked = this.#threads.ask({
        ...{ type: 'prepare', plan, versionNumbers, pools, slots: this.#assignSlots(plan) },
        layouts: layouts?.numbers ?? NO_LAYOUTS,
      })
      const answers = await asked.answers
      await layouts?.known
      if (turn !== this.#lastPrepare) return null
      const failures = answers.flatMap((each) => (each.type === 'prepared' ? each.failures : []))
      if (failures.length === 0) this.#prepared = { number: asked.number, plan }
      return failures
    } finally {
      lease.release()
    }
  }

  #assignSlots(plan: EpochPlan): Record<string, number> {
    const served = this.plan === null ? [] : slotKeysOf(this.plan)
    const nowMs = this.#surroundings.clock.monotonic()
    const { slots, overflowed } = this.#slots.assign(slotKeysOf(plan), served, nowMs)
    if (overflowed > 0) {
      const detail = `${overflowed} counter slots of epoch ${plan.epoch} are not to be had`
      this.#warn('slots_exhausted', detail)
    }
    return slots
  }

  /** Has every data thread ask for these keys from now on. Resolves with what failed, else ''. */
  access(plan: AccessPlan): Promise<string> {
    return this.#threads.access(plan)
  }

  /**
   * Makes a prepared epoch the one that new requests serve; the first time, starts to listen.
   * False, and nothing changes, when no plan of that epoch is prepared or committed.
   */
  async commit(epoch: number): Promise<boolean> {
    const ready = this.#prepared
    if (ready?.plan.epoch === epoch) {
      this.#prepared = null
      this.#committed = ready
      // The one store that moves traffic. Threads see it at their next request.
      Atomics.store(this.#memory.words, COMMITTED_WORD, ready.number)
      this.#threads.tell({ type: 'committed' })
      this.#holdings.onCommitted(ready.plan.versions)
    } else if (this.#committed?.plan.epoch !== epoch) return false
    if (!this.isDraining) this.#listening ??= this.#listen()
    await this.#listening
    return true
  }

  async #listen(): Promise<void> {
    const { settings: own, exit } = this.#surroundings
    const asked = this.#threads.ask({ type: 'listen', port: own.httpPort, grpcPort: own.grpcPort })
    let failure: string | null = null
    for (const answer of await asked.answers) {
      if (answer.type !== 'listening') continue
      this.httpEngine = answer.engine
      failure ??= answer.failure
    }
    if (failure === null) return
    // Some threads may listen: what they hold open would abort the process (decision 0002).
    await this.drain(0)
    exit(78, failure)
  }

  /**
   * Has the threads answer what is under way and end; after `limitMs` they end anyway. Resolves
   * when all have ended, or when some have not although their time is over. Called again, the
   * earlier end of time counts.
   */
  drain(limitMs: number): Promise<void> {
    return this.#drain.drain(limitMs)
  }

  #agentDrain(): AgentDrain {
    return new AgentDrain({
      clock: this.#surroundings.clock,
      begin: () => {
        Atomics.store(this.#memory.words, DRAINING_WORD, 1)
        this.#threads.tell({ type: 'drain' })
      },
      close: () => {
        this.#threads.tell({ type: 'close' })
        this.#compute.close()
      },
      finish: () => this.finishRecords(FINISH_MS_MAX),
    })
  }

  /** What is in the rings is put on disk, as far as that can be done so soon. */
  async finishRecords(limitMs: number): Promise<void> {
    await this.#records?.drain(limitMs, this.#threads.living)
  }

  #onThreadEnded(): void {
    if (!this.#hasThreads) this.#drain.onThreadsEnded()
  }

  statistics(): Statistics {
    const epoch = this.plan?.epoch ?? 0
    const { figures } = this.#holdings
    const records = this.#records?.figures() ?? null
    return replicaStatistics(this.#memory, this.#slots, epoch, figures, records)
  }

  /** Traced requests that have ended since it was last asked; null: none. */
  takeTraces(): Traces | null {
    const rings = this.#memory.threads.map(({ traces }) => traces)
    return tracesFrom(rings, (slot) => this.#slots.keyAt(slot))
  }

  /**
   * Looks at the beats of the threads that have not ended; to be called twice a second, while the
   * replica drains too. A dead thread ends the replica.
   */
  watch(): void {
    const { clock, exit } = this.#surroundings
    const watched = [
      ...watchedThreads(this.#memory, this.#threads.living, this.#compute.living),
      ...(this.#records?.watched ?? []),
    ]
    for (const { verdict, detail } of this.#watch.look(watched, clock.monotonic())) {
      if (this.#records?.hasTaken(verdict, detail) === true) continue
      this.#warn(`thread_${verdict}`, detail)
      const kind = detail.startsWith('compute') ? 'compute' : 'data'
      if (verdict === 'dead') exit(1, `a ${kind} thread hangs; ${detail}`)
    }
  }

  #warn(event: AgentEvent, detail: string): void {
    this.#surroundings.logger.warn({ event, detail })
    this.#surroundings.report(event, detail)
  }
}
