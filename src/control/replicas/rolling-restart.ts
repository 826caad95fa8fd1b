/**
 * Restarts that were asked for: every replica process that runs at that moment is replaced, one
 * place after another, each by one that serves before the old one drains (replica-succession.ts).
 */

import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { ReplicaSlot } from './replica-slot.ts'
import type { ReplicaSuccession } from './replica-succession.ts'

/** What a restart has come to. Part of the status document. */
export interface RestartStatus {
  /** Counts the restarts under one control, from 1. */
  readonly number: number
  readonly state: 'running' | 'done' | 'failed'
  /** How many are replaced, and how many have been. */
  readonly replicas: number
  readonly replaced: number
  /** Why it has failed, for people; null unless it has. */
  readonly fault: string | null
  readonly startedAt: string
  readonly endedAt: string | null
}

export interface RestartParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly succession: Pick<ReplicaSuccession, 'replaceOlder'>
  /** Places in which a replica is wanted, by index. */
  slots(): readonly ReplicaSlot[]
}

const timeOf = (clock: Clock): string => new Date(clock.now()).toISOString()

export class RollingRestart {
  readonly #parts: RestartParts
  #status: RestartStatus | null = null

  constructor(parts: RestartParts) {
    this.#parts = parts
  }

  /** The last one; null before the first. */
  get status(): RestartStatus | null {
    return this.#status
  }

  /** Begins one, or joins the one that is under way. */
  begin(): RestartStatus {
    if (this.#status?.state === 'running') return this.#status
    const { clock, logger, slots } = this.#parts
    const all = slots()
    const status: RestartStatus = {
      number: (this.#status?.number ?? 0) + 1,
      state: 'running',
      replicas: all.length,
      replaced: 0,
      fault: null,
      startedAt: timeOf(clock),
      endedAt: null,
    }
    this.#status = status
    logger.info({ event: 'restart_begun', replicas: all.length }, 'replacing all replicas')
    void this.#replace(all, status)
    return status
  }

  async #replace(slots: readonly ReplicaSlot[], begun: RestartStatus): Promise<void> {
    const { clock, logger, succession } = this.#parts
    const incarnations = slots.flatMap(({ processes }) => processes.map((own) => own.incarnation))
    let replaced = 0
    const fault = await succession.replaceOlder(slots, Math.max(0, ...incarnations), () => {
      this.#status = { ...begun, replaced: ++replaced }
    })
    const state = fault === null ? 'done' : 'failed'
    this.#status = { ...begun, replaced, state, fault, endedAt: timeOf(clock) }
    const level = fault === null ? 'info' : 'error'
    logger[level]({ event: 'restart_ended', state, replaced, fault })
  }
}
