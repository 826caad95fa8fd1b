/** Has worn replicas replaced, one at a time, as `recycling.ts` decides. */

import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { ReplicaSnapshot, Snapshot } from '../figures/statistics.ts'
import type { Catalog } from '../planning/catalog.ts'
import type { Publisher } from '../planning/publisher.ts'
import { type RecycleLimits, type Recycling, recyclingDue, type Wear } from './recycling.ts'
import type { Supervisor } from './supervisor.ts'

/** The last replacement. Part of the status document. */
export interface RecycleStatus extends Omit<Recycling, 'incarnation'> {
  readonly state: 'running' | 'done' | 'failed'
  readonly at: string
  readonly fault: string | null
}

export interface RecyclerParts {
  readonly clock: Clock
  readonly logger: Logger
  /** What one instance of a version takes by its proving run, in bytes; 0: not known. */
  memoryOf(model: string, version: number): number
  /** Replaces a process; resolves with why it could not be, or null. */
  replace(recycling: Recycling): Promise<string | null>
}

/** After one that failed: its successor would hardly fare better at once. */
const FAILED_PAUSES = 10

export class Recycler {
  readonly #parts: RecyclerParts
  #limits: RecycleLimits
  /** By incarnation: `baseVersionBytes`. */
  #bases = new Map<number, number>()
  #endedMs: number | null = null
  #status: RecycleStatus | null = null
  /** Replicas replaced under this control, by reason. */
  readonly counts: Record<Recycling['reason'], number> = { unloads: 0, memory: 0 }

  constructor(parts: RecyclerParts, limits: RecycleLimits) {
    this.#parts = parts
    this.#limits = limits
  }

  /** The last one; null before the first. */
  get status(): RecycleStatus | null {
    return this.#status
  }

  setLimits(limits: RecycleLimits): void {
    this.#limits = limits
  }

  /**
   * Looks at new figures.
   *
   * @param serving those of replicas that serve and may stay
   * @param wanted how many should
   */
  look(serving: readonly ReplicaSnapshot[], wanted: number): void {
    const wears = serving.map((replica) => this.#wearOf(replica))
    const bases = wears.map((wear) => [wear.incarnation, wear.baseVersionBytes] as const)
    this.#bases = new Map(bases.filter((_, at) => wears[at]!.baseRssBytes > 0))
    if (this.#status?.state === 'running') return
    const nowMs = this.#parts.clock.monotonic()
    const due = recyclingDue(wears, wanted, this.#limits, this.#endedMs, nowMs)
    if (due !== null) void this.#recycle(due)
  }

  #wearOf({ index, incarnation, unloads, rssBytes, baseRssBytes, loaded }: ReplicaSnapshot): Wear {
    const versionBytes = loaded.reduce(
      (sum, { model, version, threads }) =>
        sum + this.#parts.memoryOf(model, Number(version)) * threads,
      0,
    )
    const baseVersionBytes = this.#bases.get(incarnation) ?? versionBytes
    const sizes = { rssBytes, baseRssBytes, versionBytes, baseVersionBytes }
    return { index, incarnation, unloads, ...sizes }
  }

  async #recycle(due: Recycling): Promise<void> {
    const { clock, logger, replace } = this.#parts
    const { incarnation: _, ...shown } = due
    const begun = { ...shown, at: new Date(clock.now()).toISOString(), fault: null }
    this.#status = { ...begun, state: 'running' }
    logger.info({ event: 'replica_recycled', ...due }, 'a worn replica is replaced')
    const fault = await replace(due)
    const endedMs = clock.monotonic()
    if (fault === null) this.counts[due.reason]++
    else logger.error({ event: 'recycling_failed', ...due, fault }, 'a worn replica stays')
    this.#status = { ...begun, state: fault === null ? 'done' : 'failed', fault }
    const morePauses = fault === null ? 0 : FAILED_PAUSES
    this.#endedMs = endedMs + morePauses * this.#limits.pauseSeconds * 1000
  }
}

/** The one of a gateway: memory by the reports of proving runs, replacement by the supervisor. */
export const recyclerOf = (
  { clock, logger, catalog }: Pick<RecyclerParts, 'clock' | 'logger'> & { catalog: Catalog },
  supervisor: Pick<Supervisor, 'recycle'>,
  limits: RecycleLimits,
): Recycler => {
  const memoryOf = (model: string, version: number) =>
    catalog.models.get(model)?.versions.get(version)?.report?.memoryBytes ?? 0
  const replace: RecyclerParts['replace'] = ({ index, incarnation }) =>
    supervisor.recycle(index, incarnation)
  return new Recycler({ clock, logger, memoryOf, replace }, limits)
}

/** Looks at the replicas that serve the present epoch, unless all are being replaced anyway. */
export const lookForWear = (
  gateway: { recycler: Recycler; supervisor: Supervisor; publisher: Publisher },
  { replicas }: Snapshot,
): void => {
  const { recycler, supervisor, publisher } = gateway
  if (supervisor.lastRestart?.state === 'running') return
  const serving = supervisor.connected().filter((replica) => publisher.isCurrent(replica))
  const incarnations = new Set(serving.map(({ incarnation }) => incarnation))
  const staying = replicas.filter(({ incarnation }) => incarnations.has(incarnation))
  recycler.look(staying, supervisor.states().length)
}
