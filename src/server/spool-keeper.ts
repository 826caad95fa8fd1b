/**
 * The spool thread of a replica, for its agent: starts it, tells it layouts, puts another one in
 * the place of one that dies, and has the rings emptied at the end. What is in the rings outlives
 * the thread: the next one goes on where room was given back last.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { RecordLayout } from '../records/record-layout.ts'
import { RING_WORD, SPOOL_STATE } from '../records/ring/record-ring.ts'
import { mapRecordMemory, type RecordMemory, ringBell } from '../records/spool/spool-memory.ts'
import type {
  FromSpool,
  SpoolSettings,
  SpoolStart,
  ToSpool,
} from '../records/spool/spool-messages.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { THREAD_STATE } from '../shared/shared-memory.ts'
import { enterState } from '../shared/thread-state.ts'

/** Before the thread is started again: doubling, from the first on. */
const RESTART_MS_FIRST = 100
const RESTART_MS_MAX = 30_000
/** One that lived so long was well. */
const WELL_MS = 60_000

/**
 * So long an epoch waits for the spool thread. It looks for messages before it looks at entries, so
 * that it knows every layout in time; but a disk that hangs must not keep an epoch out.
 */
const LAYOUTS_MS_MAX = 2000

/** Beyond the time that the thread has for emptying the rings, but no more than that. */
const DRAIN_GRACE_MS_MAX = 500

export interface SpoolThreadHandlers {
  onMessage(message: FromSpool): void
  /** It threw what nobody caught. `onEnded` follows. */
  onError(error: unknown): void
  onEnded(): void
}

export interface SpoolThread {
  tell(message: ToSpool): void
  /** Ends it, though it hangs in our own code. `onEnded` follows. */
  terminate(): void
}

export type StartSpoolThread = (start: SpoolStart, handlers: SpoolThreadHandlers) => SpoolThread

export interface SpoolKeeperParts {
  readonly settings: SpoolSettings
  readonly memory: SharedArrayBuffer
  readonly clock: Clock
  readonly logger: Logger
  readonly start: StartSpoolThread
  /** All layouts that entries may name. */
  layouts(): readonly RecordLayout[]
  /** Gives each data thread its port. */
  connect(ports: readonly MessagePort[]): void
}

export class SpoolKeeper {
  readonly #parts: SpoolKeeperParts
  readonly #memory: RecordMemory
  readonly #taken = new Map<number, () => void>()
  #thread: SpoolThread | null = null
  #generation = 0
  #startedMs = 0
  #restartMs = RESTART_MS_FIRST
  #lastNumber = 0
  #drained: Promise<void> | null = null
  #onDrained = () => {}

  constructor(parts: SpoolKeeperParts) {
    this.#parts = parts
    const { threads, ringBytes } = parts.settings
    this.#memory = mapRecordMemory(parts.memory, threads, ringBytes)
    this.#start()
  }

  /** Whether there is a thread that has not ended. */
  get isLiving(): boolean {
    return this.#thread !== null
  }

  /** Resolves when the thread knows them, or has been waited for long enough. */
  tellLayouts(layouts: readonly RecordLayout[], dropped: readonly number[]): Promise<void> {
    if (layouts.length === 0 && dropped.length === 0) return Promise.resolve()
    const number = ++this.#lastNumber
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#parts.clock.setTimer(LAYOUTS_MS_MAX, () => {
      this.#parts.logger.warn({ event: 'spool_slow' }, 'the spool thread does not answer')
      this.#taken.get(number)?.()
    })
    this.#taken.set(number, () => {
      this.#taken.delete(number)
      cancel()
      resolve()
    })
    this.#tell({ type: 'layouts', number, layouts, dropped })
    return promise
  }

  /** The thread hangs: another one takes its place. */
  replace(): void {
    this.#thread?.terminate()
  }

  /**
   * The data threads `ended` write into their rings no more: has these emptied. Resolves when that
   * is done and the thread has ended, or has not in that time. Called again, it is the same end.
   */
  drain(limitMs: number, ended: readonly number[]): Promise<void> {
    if (this.#drained !== null) return this.#drained
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = promise
    if (this.#thread === null) this.#start()
    const graceMs = Math.min(limitMs, DRAIN_GRACE_MS_MAX)
    const cancel = this.#parts.clock.setTimer(limitMs + graceMs, resolve)
    this.#onDrained = () => {
      cancel()
      resolve()
    }
    this.#tell({ type: 'drain', limitMs, ended })
    return promise
  }

  #tell(message: ToSpool): void {
    this.#thread?.tell(message)
    ringBell(this.#memory.spool.words)
  }

  #start(): void {
    const { settings, memory, start, connect, layouts, clock } = this.#parts
    const channels = Array.from({ length: settings.threads }, () => new MessageChannel())
    this.#startedMs = clock.monotonic()
    // Where its predecessor died is not where this one is.
    enterState(this.#memory.spool.words, THREAD_STATE.IDLE)
    this.#thread = start(
      {
        ...{ settings, memory, generation: this.#generation++, layouts: layouts() },
        ports: channels.map(({ port1 }) => port1),
      },
      {
        onMessage: (message) => this.#onMessage(message),
        onError: (error) =>
          this.#parts.logger.error(
            { event: 'spool_thread_failed', error },
            'the spool thread failed',
          ),
        onEnded: () => this.#onEnded(),
      },
    )
    connect(channels.map(({ port2 }) => port2))
    // It was started with everything that it should have been told.
    for (const taken of [...this.#taken.values()]) taken()
  }

  #onMessage(message: FromSpool): void {
    const { logger } = this.#parts
    if (message.type === 'layoutsTaken') this.#taken.get(message.number)?.()
    else if (message.type === 'state') {
      const { state, detail } = message
      if (state === SPOOL_STATE.WELL) logger.info({ event: 'spool_well', detail }, 'spool is well')
      else logger.error({ event: 'spool_stopped', state, detail }, 'records cannot be kept')
    } else if (message.type === 'fault') {
      logger.error({ event: 'spool_fault', detail: message.detail }, 'a fault of the spool')
    } else if (message.lost > 0) {
      logger.error({ event: 'records_lost', records: message.lost }, 'records were lost at the end')
    }
  }

  #onEnded(): void {
    this.#thread = null
    if (this.#drained !== null) {
      this.#onDrained()
      return
    }
    const { clock, logger } = this.#parts
    logger.error({ event: 'spool_thread_dead' }, 'the spool thread ended')
    // Until the next one says otherwise, nothing is on its way to disk.
    for (const { head } of this.#memory.rings) {
      Atomics.store(head, RING_WORD.SPOOL_STATE, SPOOL_STATE.IO_ERROR)
    }
    const wasWell = clock.monotonic() - this.#startedMs >= WELL_MS
    const delayMs = wasWell ? RESTART_MS_FIRST : this.#restartMs
    this.#restartMs = Math.min(RESTART_MS_MAX, delayMs * 2)
    clock.setTimer(delayMs, () => {
      if (this.#drained === null) this.#start()
    })
  }
}
