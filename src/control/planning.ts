/**
 * From the folder to an epoch: one worker that scans, plans and has plans published, one step after
 * the other. What happens elsewhere (SIGHUP, a proving run that has ended, a replica that connects)
 * only says what is wanted and wakes it, so that no two changes mix and none is lost.
 *
 * ```
 * scan wanted?           read the repository, have it proved
 * a replica is behind?   bring it to the present epoch, unless that is known to fail
 * plan due?              make it; unless it is the present one, publish it
 * one failed before?     try again to bring it to the present epoch
 * else                   wait
 * ```
 */

import type { RepositoryScan } from '../registry/folder.ts'
import type { Clock } from '../shared/clock.ts'
import type { PlannedVersion, PrepareFailure } from '../shared/epoch-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { Catalog } from './catalog.ts'
import { foreignError } from './log-fields.ts'
import { versionName } from './planned-version.ts'
import { isSamePlan, makePlan, type PlanInputs, servingVersions } from './planner.ts'
import { PrepareFailures } from './prepare-failures.ts'
import type { Preparer, Publisher } from './publisher.ts'
import { RepositoryReader } from './repository-reader.ts'

/** Results of proving runs are gathered for so long; a version that hangs holds up no other. */
const SOON_MS = 1000
/** Before what went wrong, for no version's fault, is tried again. */
const TRY_AGAIN_MS = 2000
const NEVER = Number.POSITIVE_INFINITY

export interface PlanningParts {
  readonly catalog: Catalog
  readonly publisher: Publisher
  readonly clock: Clock
  readonly logger: Logger
  /** Throws GatewayError REPOSITORY_UNREADABLE. */
  scan(): RepositoryScan
  onDamaged(version: PlannedVersion): void
  readonly isPoison: NonNullable<PlanInputs['isPoison']>
  /** It has done what was wanted and waits. */
  onPause(): void
}

export class Planning {
  readonly #parts: PlanningParts
  readonly #failures: PrepareFailures
  readonly #repository: RepositoryReader
  /** Replicas that could not be brought up, and when to try again. */
  readonly #benched = new Map<Preparer, number>()
  #defaultEndpoint: string | null = null
  #isScanWanted = false
  #scannedMs = 0
  #planAtMs = NEVER
  #isBusy = false
  #isWoken = false
  #isClosed = false
  #resume = () => {}
  #worker: Promise<void> = Promise.resolve()
  #epochFault: string | null = null
  #unknownDefault: string | null = null
  #unbound: readonly PrepareFailure[] = []

  constructor(parts: PlanningParts) {
    this.#parts = parts
    this.#repository = new RepositoryReader(parts.scan, parts.logger)
    this.#failures = new PrepareFailures(parts)
  }

  /**
   * Begins with a scan.
   *
   * @throws GatewayError REPOSITORY_UNREADABLE when nothing is served that could be carried on
   */
  start(defaultEndpoint: string | null): void {
    this.#defaultEndpoint = defaultEndpoint
    const adopted = this.#parts.publisher.plan
    if (adopted !== null) this.#failures.trust(adopted)
    this.#readRepository()
    const { fault } = this.#repository
    if (fault !== null && (adopted?.endpoints.length ?? 0) === 0) {
      throw new GatewayError(fault.code, fault.detail)
    }
    this.#worker = this.#work()
  }

  /** Has the repository read again. Several wishes that come before it is done are one. */
  rescan(defaultEndpoint: string | null): void {
    this.#defaultEndpoint = defaultEndpoint
    this.#isScanWanted = true
    this.#wake()
  }

  /** The catalog has a new result. */
  onResult(): void {
    this.#benched.clear()
    this.#planWithin(this.#parts.catalog.isProving ? SOON_MS : 0)
    this.#wake()
  }

  /** Who is connected has changed. */
  onReplicas(): void {
    this.#wake()
  }

  /** A replica says what its silent thread is at. */
  onSilent(replica: Preparer, detail: string): void {
    this.#failures.onSilent(replica, detail)
  }

  /** Versions that cannot keep the contract of their endpoint. */
  get unbound(): readonly PrepareFailure[] {
    return this.#unbound
  }

  /** Nothing is under way: what is known is served, or cannot be. */
  get isSettled(): boolean {
    if (this.#isBusy || this.#isScanWanted || this.#parts.catalog.isProving) return false
    return this.#planAtMs === NEVER && this.#behind().length === 0
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const own = [this.#unknownDefault, this.#epochFault].filter((fault) => fault !== null)
    return [...this.#repository.warnings(), ...own, ...this.#failures.warnings()]
  }

  /** Nothing is begun any more; resolves when what is under way has ended. */
  close(): Promise<void> {
    this.#isClosed = true
    this.#parts.publisher.close()
    this.#wake()
    return this.#worker
  }

  #wake(): void {
    this.#isWoken = true
    this.#resume()
  }

  async #work(): Promise<void> {
    while (!this.#isClosed) {
      this.#isBusy = true
      this.#isWoken = false
      let hasMore = false
      const nowMs = this.#parts.clock.monotonic()
      try {
        hasMore = await this.#step(nowMs)
      } catch (thrown) {
        this.#onFault(thrown)
      }
      this.#isBusy = false
      if (hasMore || this.#isWoken) continue
      this.#parts.onPause()
      await this.#pause(nowMs)
    }
  }

  /** Does the first thing that is wanted; false when nothing is. */
  async #step(nowMs: number): Promise<boolean> {
    const { publisher } = this.#parts
    if (this.#scanAtMs <= nowMs) {
      this.#isScanWanted = false
      this.#readRepository()
      return true
    }
    const behind = this.#behind(nowMs)
    const fresh = this.#failures.isInVain ? [] : behind.filter((each) => !this.#benched.has(each))
    // A plan that nobody is there to prepare waits for the first replica that connects.
    const isPlanDue = this.#planAtMs <= nowMs && publisher.replicas.length > 0
    if (fresh.length === 0 && isPlanDue) {
      this.#planAtMs = NEVER
      await this.#plan()
      return true
    }
    const next = fresh.length > 0 ? fresh : behind
    if (next.length > 0) await this.#bring(next)
    return next.length > 0
  }

  /** Until somebody wakes it, or what was not due at the last step is: timers may go off early. */
  #pause(lookedMs: number): Promise<void> {
    const { clock } = this.#parts
    const all = [this.#scanAtMs, this.#planAtMs, ...this.#benched.values()]
    const dueMs = Math.min(...all.filter((atMs) => atMs > lookedMs))
    const delayMs = Math.max(0, dueMs - clock.monotonic())
    return new Promise((resolve) => {
      if (this.#isWoken) return resolve()
      let cancel = () => {}
      this.#resume = () => {
        cancel()
        resolve()
      }
      if (dueMs !== NEVER) cancel = clock.setTimer(delayMs, this.#resume)
    })
  }

  /** While versions are proved, one scan a while: each has them all proved anew. */
  get #scanAtMs(): number {
    if (!this.#isScanWanted) return NEVER
    return this.#parts.catalog.isProving ? this.#scannedMs + SOON_MS : 0
  }

  #planWithin(delayMs: number): void {
    this.#planAtMs = Math.min(this.#planAtMs, this.#parts.clock.monotonic() + delayMs)
  }

  #readRepository(): void {
    const { catalog, publisher, clock } = this.#parts
    this.#scannedMs = clock.monotonic()
    const scan = this.#repository.read()
    // What is served stays: a repository that cannot be read for a moment must stop nobody.
    if (scan === null) return
    this.#failures.onScan()
    catalog.take(scan, servingVersions(publisher.endpoints))
    this.#planWithin(catalog.isProving ? SOON_MS : 0)
  }

  /** Replicas that do not serve the present epoch and may be asked to. */
  #behind(nowMs = this.#parts.clock.monotonic()): Preparer[] {
    const { publisher } = this.#parts
    if (publisher.plan === null) return []
    return publisher.replicas.filter(
      (replica) => !publisher.isCurrent(replica) && (this.#benched.get(replica) ?? 0) <= nowMs,
    )
  }

  async #bring(behind: readonly Preparer[]): Promise<void> {
    const { publisher, clock } = this.#parts
    const round = await publisher.bring(behind)
    if (this.#isClosed) return
    if (this.#failures.take(round)) this.#planWithin(0)
    const nowMs = clock.monotonic()
    const present = publisher.replicas
    for (const replica of behind) {
      const isStuck = present.includes(replica) && !publisher.isCurrent(replica)
      if (isStuck) this.#benched.set(replica, nowMs + TRY_AGAIN_MS)
    }
    for (const replica of [...this.#benched.keys()]) {
      if (!present.includes(replica)) this.#benched.delete(replica)
    }
  }

  async #plan(): Promise<void> {
    const { catalog, publisher } = this.#parts
    const present = publisher.plan
    const { body, unbound } = makePlan({
      models: catalog.models,
      defaultEndpoint: this.#defaultEndpoint,
      previous: publisher.endpoints,
      served: present?.versions ?? [],
      ...{ barred: catalog.barred, isPoison: this.#parts.isPoison },
      isHeld: (version) => this.#failures.isHeld(version),
    })
    this.#noteUnbound(unbound)
    this.#noteDefault(body.defaultEndpoint)
    this.#epochFault = null
    // The first epoch waits for something to serve, while that may still come.
    const isTooEarly = present === null && body.endpoints.length === 0 && catalog.isProving
    if (isTooEarly || (present !== null && isSamePlan(present, body))) {
      if (this.#failures.release()) this.#planWithin(0)
      return
    }
    const round = await publisher.publish(body)
    if (this.#isClosed) return
    if (round.isCommitted && this.#failures.release()) this.#planWithin(0)
    if (this.#failures.take(round)) this.#planWithin(0)
    else if (!round.isCommitted) this.#planWithin(TRY_AGAIN_MS)
  }

  #noteDefault(chosen: string | null): void {
    const wanted = this.#defaultEndpoint
    const isUnknown = wanted !== null && chosen === null
    const fault = isUnknown ? `default_endpoint '${wanted}' names no endpoint` : null
    if (fault !== null && fault !== this.#unknownDefault) {
      this.#parts.logger.warn({ event: 'default_endpoint_unknown' }, fault)
    }
    this.#unknownDefault = fault
  }

  #noteUnbound(unbound: readonly PrepareFailure[]): void {
    const known = new Set(this.#unbound.map(versionName))
    this.#unbound = unbound
    for (const failure of unbound) {
      if (known.has(versionName(failure))) continue
      this.#parts.logger.error({ event: 'version_failed', ...failure }, 'a version cannot serve')
    }
  }

  /** The state folder cannot be written, or a fault of ours: the present epoch stays. */
  #onFault(thrown: unknown): void {
    if (this.#isClosed) return
    const { code, message } = GatewayError.from(thrown)
    this.#parts.logger.error({ event: 'epoch_not_made', code, ...foreignError(thrown) }, message)
    this.#epochFault = `The present epoch stays: ${message}`
    this.#planWithin(TRY_AGAIN_MS)
  }
}
