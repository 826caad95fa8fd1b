/**
 * The main thread of a replica: speaks with control, has the data threads prepare, commits epochs,
 * adds up their counters and watches their beats. Never on the request path.
 */

import type { Worker } from 'node:worker_threads'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import type { Clock } from '../shared/clock.ts'
import type { EpochPlan, PrepareFailure, ReplicaSettings } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import {
  DRAINING_WORD,
  EPOCH_WORD,
  mapReplicaMemory,
  type ReplicaMemory,
  replicaMemoryBytes,
  THREAD_WORDS,
} from '../shared/shared-memory.ts'
import { slotKeysOf } from '../shared/slot-keys.ts'
import { spawnThread } from '../shared/threads.ts'
import { replicaStatistics } from './replica-statistics.ts'
import { SlotTable } from './slot-table.ts'
import type { DataThreadStart, FromDataThread, ToDataThread } from './thread-messages.ts'
import { type BeatSeen, judgeBeat, type Verdict } from './watchdog.ts'

/** How a replica ends: 0 drained, 1 a thread died or control refused it, 78 it can never start. */
export type ExitCode = 0 | 1 | 78

/** How long threads may take to close their sockets when the time for draining is over. */
const CLOSE_MS_MAX = 500

export interface AgentSurroundings {
  readonly settings: ReplicaSettings
  readonly clock: Clock
  readonly logger: Logger
  /** Ends the process. Code 1 must not wait for threads that hang. */
  exit(code: ExitCode, reason: string): void
}

interface PrepareInProgress {
  readonly plan: EpochPlan
  waiting: number
  readonly failures: PrepareFailure[]
  resolve(failures: readonly PrepareFailure[]): void
}

export class Agent {
  readonly #settings: ReplicaSettings
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #exit: AgentSurroundings['exit']
  readonly #memory: ReplicaMemory
  readonly #threads: Worker[] = []
  readonly #slots: SlotTable
  readonly #seen: BeatSeen[] = []
  readonly #verdicts: Verdict[] = []
  /** Committed plan, to tell a new control; null before the first commit. */
  #plan: EpochPlan | null = null
  #preparing: PrepareInProgress | null = null
  #prepared: EpochPlan | null = null
  #listening: Promise<void> | null = null
  #onListening: (() => void) | null = null
  #waitingListeners = 0
  #waitingDrains = 0
  #onDrained: (() => void) | null = null
  httpPort = 0
  httpEngine: 'uws' | 'node'

  constructor({ settings, clock, logger, exit }: AgentSurroundings) {
    this.#settings = settings
    this.#clock = clock
    this.#logger = logger
    this.#exit = exit
    this.httpEngine = settings.httpEngine
    const buffer = new SharedArrayBuffer(replicaMemoryBytes(settings.threads))
    this.#memory = mapReplicaMemory(buffer, settings.threads)
    this.#slots = new SlotTable(this.#memory.threads.map(({ counters }) => counters))
    for (let thread = 0; thread < settings.threads; thread++) this.#start(thread, buffer)
  }

  get plan(): EpochPlan | null {
    return this.#plan
  }

  #start(thread: number, memory: SharedArrayBuffer): void {
    const data: DataThreadStart = { settings: this.#settings, thread, memory }
    const worker = spawnThread('server/data-thread.ts', `data-${thread}`, data)
    worker.on('message', (message: FromDataThread) => this.#onMessage(message))
    worker.on('error', (error) => {
      this.#logger.error({ event: 'data_thread_failed', thread, error }, 'a data thread failed')
      this.#exit(1, 'a data thread failed')
    })
    worker.on('exit', () => this.#exit(1, 'a data thread ended'))
    this.#threads.push(worker)
    this.#seen.push({ beat: 0, sinceMs: this.#clock.monotonic() })
    this.#verdicts.push('alive')
  }

  #tellAll(message: ToDataThread): void {
    for (const worker of this.#threads) worker.postMessage(message)
  }

  #onMessage(message: FromDataThread): void {
    switch (message.type) {
      case 'prepared':
        this.#onPrepared(message.epoch, message.failures)
        return
      case 'listening':
        this.httpPort = message.port
        this.httpEngine = message.engine
        this.#waitingListeners--
        if (this.#waitingListeners === 0) this.#onListening?.()
        return
      case 'listenFailed':
        this.#exit(78, message.detail)
        return
      case 'drained':
        this.#waitingDrains--
        if (this.#waitingDrains === 0) this.#onDrained?.()
        return
      case 'fault': {
        const { requestId, detail } = message
        this.#logger.error({ event: 'request_fault', requestId, detail }, 'a request met a fault')
      }
    }
  }

  #onPrepared(epoch: number, failures: readonly PrepareFailure[]): void {
    const preparing = this.#preparing
    if (preparing === null || preparing.plan.epoch !== epoch) return
    preparing.failures.push(...failures)
    preparing.waiting--
    if (preparing.waiting > 0) return
    this.#preparing = null
    if (preparing.failures.length === 0) this.#prepared = preparing.plan
    preparing.resolve(preparing.failures)
  }

  /** Has every data thread load and bind a plan. Resolves with what failed; empty: may commit. */
  prepare(plan: EpochPlan): Promise<readonly PrepareFailure[]> {
    const slots = this.#slots.assign(slotKeysOf(plan), this.#clock.monotonic())
    return new Promise((resolve) => {
      this.#preparing = { plan, waiting: this.#threads.length, failures: [], resolve }
      this.#tellAll({ type: 'prepare', plan, slots })
    })
  }

  /** Makes a prepared epoch the one that new requests serve; the first time, starts to listen. */
  async commit(epoch: number): Promise<void> {
    if (this.#prepared?.epoch === epoch) this.#plan = this.#prepared
    // The one store that moves traffic. Threads see it at their next request.
    Atomics.store(this.#memory.words, EPOCH_WORD, epoch)
    this.#tellAll({ type: 'committed' })
    this.#listening ??= this.#listen()
    await this.#listening
  }

  #listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#waitingListeners = this.#threads.length
      this.#onListening = resolve
      this.#tellAll({ type: 'listen', port: this.#settings.httpPort })
    })
  }

  /** Stops accepting and resolves when no request is left, or after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void> {
    Atomics.store(this.#memory.words, DRAINING_WORD, 1)
    return new Promise((resolve) => {
      this.#waitingDrains = this.#threads.length
      this.#onDrained = resolve
      this.#clock.setTimer(deadlineMs, () => this.#tellAll({ type: 'close' }))
      // A thread that is stuck in a run cannot close: it must not hold up the end.
      this.#clock.setTimer(deadlineMs + CLOSE_MS_MAX, resolve)
      this.#tellAll({ type: 'drain' })
    })
  }

  statistics(): EnvelopeBody {
    return replicaStatistics(this.#memory, this.#slots)
  }

  /** Looks at the beats; called twice a second. A dead thread ends the replica. */
  watch(): void {
    const nowMs = this.#clock.monotonic()
    for (const [thread, { words }] of this.#memory.threads.entries()) {
      const beat = Atomics.load(words, THREAD_WORDS.BEAT)
      if (beat !== this.#seen[thread]!.beat) this.#seen[thread] = { beat, sinceMs: nowMs }
      const state = Atomics.load(words, THREAD_WORDS.STATE)
      const verdict = judgeBeat(this.#seen[thread]!, state, nowMs, this.#settings.watchdog)
      const hasChanged = verdict !== this.#verdicts[thread]
      this.#verdicts[thread] = verdict
      if (verdict === 'alive' || !hasChanged) continue
      const version = this.#plan?.versions[Atomics.load(words, THREAD_WORDS.VERSION)]
      const suspect = version === undefined ? 'none' : `${version.model} v${version.version}`
      this.#logger.warn(
        { event: `thread_${verdict}`, thread, state, suspect },
        'a thread is silent',
      )
      if (verdict === 'dead') this.#exit(1, `data thread ${thread} hangs; version ${suspect}`)
    }
  }
}
