/** The records of a replica, for its agent: their memory, their layouts and the spool thread. */

import type { MessagePort } from 'node:worker_threads'
import type { RecordFigures } from '../../proto/gen/control_pb.ts'
import {
  mapRecordMemory,
  type RecordMemory,
  recordMemoryBytes,
} from '../records/spool/spool-memory.ts'
import type { SpoolSettings } from '../records/spool/spool-messages.ts'
import type { Clock } from '../shared/clock.ts'
import type { EpochPlan, ReplicaSettings } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import { type RecordKey, readRecordKey } from '../shared/record-key.ts'
import type { RecordSettings } from '../shared/record-settings.ts'
import { recordFigures } from './record-figures.ts'
import { RecordLayouts } from './record-layouts.ts'
import { SpoolKeeper, type StartSpoolThread } from './spool-keeper.ts'
import type { SilentThread, WatchedThread } from './thread-watch.ts'

/** How long the orderly end of a replica may be held up by records. */
export const FINISH_MS_MAX = 1000

export const SPOOL_NAME = 'spool thread'

export interface AgentRecordsParts {
  readonly settings: ReplicaSettings
  readonly records: RecordSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly start: StartSpoolThread
  /** Gives each data thread its port. */
  connect(ports: readonly MessagePort[]): void
}

export class AgentRecords {
  readonly memory: SharedArrayBuffer
  readonly #parts: AgentRecordsParts
  readonly #key: RecordKey | null
  readonly #layouts: RecordLayouts
  readonly #mapped: RecordMemory
  #spool: SpoolKeeper | null = null

  constructor(parts: AgentRecordsParts) {
    this.#parts = parts
    const { settings, records } = parts
    this.memory = new SharedArrayBuffer(recordMemoryBytes(settings.threads, records.ringBytes))
    this.#mapped = mapRecordMemory(this.memory, settings.threads, records.ringBytes)
    this.#key = readKey(parts)
    this.#layouts = new RecordLayouts(this.#key?.id ?? null)
  }

  /** Starts the spool thread. The data threads are there. */
  start(): void {
    const { clock, logger, start, connect } = this.#parts
    this.#spool = new SpoolKeeper({
      ...{ settings: this.#spoolSettings(), memory: this.memory, clock, logger, start, connect },
      layouts: () => this.#layouts.all,
    })
  }

  /**
   * Numbers for the layouts of a plan, and when entries may name them. `served`: what requests are
   * on until then.
   */
  prepare(plan: EpochPlan, served: EpochPlan | null) {
    const nowMs = this.#parts.clock.monotonic()
    const { numbers, fresh, dropped } = this.#layouts.assign(plan, served, nowMs)
    return { numbers, known: this.#spool?.tellLayouts(fresh, dropped) ?? Promise.resolve() }
  }

  /** The spool thread, for the watchdog; none while there is none. */
  get watched(): readonly WatchedThread[] {
    const { words } = this.#mapped.spool
    return this.#spool?.isLiving === true ? [{ name: SPOOL_NAME, words }] : []
  }

  figures(): RecordFigures {
    return recordFigures(this.#mapped)
  }

  /**
   * What the watchdog says of a thread; false: it is not the spool thread. That is no news for
   * control, which looks for a version that hangs.
   */
  hasTaken(verdict: SilentThread['verdict'], detail: string): boolean {
    if (!detail.startsWith(SPOOL_NAME)) return false
    this.#parts.logger.warn({ event: `thread_${verdict}`, detail })
    if (verdict === 'dead') this.#spool?.replace()
    return true
  }

  /** Whether there is a spool thread: it may hang in a call to the disk. */
  get isLiving(): boolean {
    return this.#spool?.isLiving === true
  }

  /** Has what data threads wrote put on disk; those that are not `living` have ended. */
  drain(limitMs: number, living: ReadonlySet<number>): Promise<void> {
    const threads = Array.from({ length: this.#parts.settings.threads }, (_, thread) => thread)
    const ended = threads.filter((thread) => !living.has(thread))
    return this.#spool?.drain(limitMs, ended) ?? Promise.resolve()
  }

  #spoolSettings(): SpoolSettings {
    const { settings, records } = this.#parts
    const { gateway, replica, incarnation, threads } = settings
    return {
      ...{ gateway, replica, incarnation, threads, ...records.spool },
      ...{ ringBytes: records.ringBytes, durability: records.durability },
      hmacKey: this.#key?.key ?? null,
    }
  }
}

/** Without its key what wants an HMAC is dropped: nothing that is to be hidden is on disk. */
const readKey = ({ records, logger }: AgentRecordsParts): RecordKey | null => {
  if (records.hmac === null) return null
  let found: RecordKey | string
  try {
    found = readRecordKey(records.hmac.keyFile)
  } catch (error) {
    found = `cannot be read: ${(error as NodeJS.ErrnoException).code}`
  }
  if (typeof found !== 'string' && found.id !== records.hmac.keyId) {
    found = 'holds another key than when the gateway started, which needs a restart'
  }
  if (typeof found !== 'string') return found
  const detail = `records.hmac_key_file ${found}; values that want an HMAC are dropped`
  logger.error({ event: 'record_key_unusable', detail }, detail)
  return null
}
