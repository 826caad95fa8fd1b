/**
 * Replacing replicas that serve without a moment in which nobody does: a successor starts beside
 * each, prepares and listens; only then is the old one drained. A successor that does not come to
 * serve changes nothing.
 */

import { type Clock, delay } from '../../shared/clock.ts'
import type { ReplicaSettings } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import { settingsSha256 } from '../../shared/replica-settings.ts'
import type { ConnectedReplica } from './connected-replica.ts'
import { isStaying, type ReplicaProcess } from './replica-process.ts'
import type { ReplicaSlot } from './replica-slot.ts'

/** A successor may take so long, its new starts included, beside what it needs to prepare. */
const START_MS_MAX = 60_000
/** Successors of one place that may die before they serve: the next would fare no better. */
const DEATHS_MAX = 4
const STOPPED = 'the gateway stops'
const LOOK_MS = 50

export interface SuccessionOptions {
  readonly clock: Clock
  readonly logger: Logger
  settingsFor(index: number, incarnation: number): ReplicaSettings
  /** Whether a replica answers requests. */
  isServing(replica: ConnectedReplica): boolean
  /** The longest that a new replica may take to prepare what is served, in milliseconds. */
  prepareMsMax(): number
}

export class ReplicaSuccession {
  readonly #options: SuccessionOptions
  #isStopped = false
  /** Those before have ended: never are two places without their own replica at once. */
  #tail: Promise<unknown> = Promise.resolve()
  /** Why outdated replicas were not replaced; '' while there is no such reason. */
  #fault = ''

  constructor(options: SuccessionOptions) {
    this.#options = options
  }

  /** Whether a process was started as it would be now. */
  isCurrent(index: number, { settingsSha256: started }: Readonly<ReplicaProcess>): boolean {
    return started === settingsSha256(this.#options.settingsFor(index, 0))
  }

  /**
   * Replaces what runs with other settings, or is of another release, one place after another.
   * Stops at the first that fails: what it cannot do the others cannot either, and they serve.
   */
  async replaceOutdated(slots: readonly ReplicaSlot[]): Promise<void> {
    const fault = await this.#inTurn(slots, (slot) => this.#outdatedUpTo(slot))
    if (fault === null || this.#isStopped) return
    this.#fault = `Replicas serve on with earlier settings: ${fault}`
    this.#options.logger.error({ event: 'succession_failed' }, this.#fault)
  }

  /**
   * Replaces every process up to an incarnation in the same way.
   *
   * @param onReplaced a place is done
   * @returns why not all were replaced, as a sentence; null when they were
   */
  replaceOlder(
    slots: readonly ReplicaSlot[],
    upTo: number,
    onReplaced: (slot: ReplicaSlot) => void,
  ): Promise<string | null> {
    const oldest = ({ processes }: ReplicaSlot) =>
      processes.findLast((own) => isStaying(own) && own.incarnation <= upTo)?.incarnation ?? 0
    return this.#inTurn(slots, oldest, onReplaced)
  }

  /** Asked for while it is under way, it begins when that has ended. */
  #inTurn(
    slots: readonly ReplicaSlot[],
    upToOf: (slot: ReplicaSlot) => number,
    onReplaced: (slot: ReplicaSlot) => void = () => {},
  ): Promise<string | null> {
    const replace = async (): Promise<string | null> => {
      for (const slot of slots) {
        if (this.#isStopped) return STOPPED
        const upTo = upToOf(slot)
        const fault = upTo === 0 ? null : await this.#succeed(slot, upTo)
        if (fault === STOPPED) return fault
        if (fault !== null) {
          const { index } = slot
          return `the successor of replica ${index} ${fault}; logs/replica-${index}.log in the state folder tells why`
        }
        onReplaced(slot)
      }
      return null
    }
    const turn = this.#tail.then(replace)
    this.#tail = turn
    return turn
  }

  /** What an operator should know, in sentences. */
  warnings(slots: readonly ReplicaSlot[]): string[] {
    const isOutdated = slots.some((slot) => this.#outdatedUpTo(slot) > 0)
    return this.#fault !== '' && isOutdated ? [this.#fault] : []
  }

  /** Nothing is replaced from now on. */
  stop(): void {
    this.#isStopped = true
  }

  /** The highest incarnation of a slot that does not run as is wanted now; 0: none. */
  #outdatedUpTo({ index, processes }: ReplicaSlot): number {
    const staying = processes.filter(isStaying)
    const current = staying.findLast((own) => own.isChild || this.isCurrent(index, own))
    const limit = current?.incarnation ?? Number.POSITIVE_INFINITY
    return staying.findLast(({ incarnation }) => incarnation < limit)?.incarnation ?? 0
  }

  /** Null when the successor serves and the old processes have ended, else why it does not. */
  async #succeed(slot: ReplicaSlot, upTo: number): Promise<string | null> {
    const { drainMsMax } = this.#options.settingsFor(slot.index, 0)
    slot.outdate(upTo)
    const fault = await this.#fails(slot, upTo)
    if (this.#isStopped) return STOPPED
    const isOld = ({ incarnation }: { incarnation: number }) => incarnation <= upTo
    const [old, young] = [slot.processes.filter(isOld), slot.processes.filter((own) => !isOld(own))]
    if (fault === null) {
      for (const { incarnation } of old) {
        slot.end(incarnation, drainMsMax, 'its successor serves', true)
      }
      await slot.when(() => !slot.processes.some(isOld))
      return null
    }
    // Without the old ones there is nothing to go back to: the slot goes on trying.
    if (!old.some(isStaying)) return fault
    for (const { incarnation } of young) slot.end(incarnation, 0, 'it does not serve', true)
    slot.outdate(0)
    return fault
  }

  /** Waits until the successor serves; the reason when it does not come to that. */
  async #fails(slot: ReplicaSlot, upTo: number): Promise<string | null> {
    const { clock, isServing, prepareMsMax } = this.#options
    const limitMs = START_MS_MAX + prepareMsMax()
    const giveUpMs = clock.monotonic() + limitMs
    const deaths = new Set<number>()
    while (clock.monotonic() < giveUpMs && !this.#isStopped) {
      const { processes, lastDeath } = slot
      const successor = processes.findLast((own) => own.incarnation > upTo && isStaying(own))
      const replica = successor?.replica ?? null
      if (replica !== null && isServing(replica)) return null
      if (lastDeath !== null && lastDeath.incarnation > upTo) {
        if (lastDeath.isFatal) return `ended for good (${lastDeath.detail})`
        deaths.add(lastDeath.incarnation)
        if (deaths.size >= DEATHS_MAX) return `died ${deaths.size} times (${lastDeath.detail})`
      }
      await delay(clock, LOOK_MS)
    }
    return `did not serve within ${limitMs / 1000} s`
  }
}
