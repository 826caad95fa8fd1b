/**
 * From the folder to an epoch: one worker that reads, plans and has plans published, one step after
 * the other; `next-action.ts` says which. What happens elsewhere (SIGHUP, a load, a proving run
 * that has ended, a replica that connects) only says what is wanted and wakes it, so that no two
 * changes mix and none is lost.
 */

import type { ProvingFailure } from '../../runtime/proving-report.ts'
import { delay } from '../../shared/clock.ts'
import type { PlannedVersion, PrepareFailure } from '../../shared/epoch-plan.ts'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { foreignError } from '../log-fields.ts'
import { RepositoryWatch, type WatchParts } from '../repository/repository-watch.ts'
import { nextAction } from './next-action.ts'
import { PlanFaults, type PlanFaultsParts } from './plan-faults.ts'
import { isSamePlan, makePlan, type PlanInputs, servingVersions } from './planner.ts'
import { PrepareFailures } from './prepare-failures.ts'
import type { Publisher } from './publisher.ts'
import type { Preparer } from './round.ts'

/** Results of proving runs are gathered for so long; a version that hangs holds up no other. */
const SOON_MS = 1000
/** Before what went wrong, for no version's fault, is tried again. */
const TRY_AGAIN_MS = 2000
/** After so many the event loop gets its turn, whatever is due: no fault may stop all else. */
const STEPS_MAX = 100
const NEVER = Number.POSITIVE_INFINITY

export interface PlanningParts extends WatchParts {
  readonly publisher: Publisher
  onDamaged(version: PlannedVersion): void
  readonly isPoison: NonNullable<PlanInputs['isPoison']>
  readonly records: PlanFaultsParts['records']
  /** It has done what was wanted and waits. */
  onPause(): void
}

export class Planning {
  readonly #parts: PlanningParts
  readonly #failures: PrepareFailures
  readonly #repository: RepositoryWatch
  readonly #faults: PlanFaults
  /** Replicas that could not be brought up, and when to try again. */
  readonly #benched = new Map<Preparer, number>()
  #defaultEndpoint: string | null = null
  #planAtMs = NEVER
  #isBusy = false
  #isWoken = false
  #isClosed = false
  #resume = () => {}
  #worker: Promise<void> = Promise.resolve()
  #epochFault: readonly [string] | null = null

  constructor(parts: PlanningParts) {
    this.#parts = parts
    this.#repository = new RepositoryWatch(parts)
    this.#faults = new PlanFaults(parts)
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
    this.#repository.wantScan()
    this.#wake()
  }

  /** Has one model read again. Resolves when the catalog has what was found. */
  look(model: string): Promise<void> {
    const looked = this.#repository.wantLook(model)
    this.#wake()
    return looked
  }

  /** The catalog has changed, by no result: a model was let go of, or versions placed anew. */
  onChanged(): void {
    this.#planWithin(0)
    this.#wake()
  }

  /** The catalog has a new result. */
  onResult(model: string, failure: ProvingFailure | null): void {
    if (failure?.code === 'FILES_CHANGING') this.#repository.lookLater(model)
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
    return this.#faults.unbound
  }

  /** What is known may not be in the present epoch yet. */
  get isPlanDue(): boolean {
    return this.#planAtMs !== NEVER
  }

  /** Why the repository cannot be read; null when it can. */
  get unreadable(): Refusal | null {
    return this.#repository.fault
  }

  /** Nothing is under way: what is known is served, or cannot be, or is tried again later. */
  get isSettled(): boolean {
    if (this.#isBusy || this.#repository.isBehind) return false
    if (this.#parts.catalog.isProving || this.#repository.isRestless) return false
    return this.#planAtMs === NEVER && this.#behind().length === 0
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const all = [this.#repository, this.#faults, this.#failures].map((part) => part.warnings())
    return [...all.flat(), ...(this.#epochFault ?? [])]
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
    for (let steps = 1; !this.#isClosed; steps++) {
      if (steps % STEPS_MAX === 0) await delay(this.#parts.clock, 1)
      this.#isBusy = true
      this.#isWoken = false
      const nowMs = this.#parts.clock.monotonic()
      const hasMore = await this.#step(nowMs).catch((thrown) => this.#onFault(thrown))
      this.#isBusy = false
      if (hasMore || this.#isWoken) continue
      this.#parts.onPause()
      await this.#pause(nowMs)
    }
  }

  /** Does the first thing that is wanted; false when nothing is. */
  async #step(nowMs: number): Promise<boolean> {
    const { publisher } = this.#parts
    const behind = this.#behind(nowMs)
    const fresh = this.#failures.isInVain ? [] : behind.filter((each) => !this.#benched.has(each))
    const hasReplicas = publisher.replicas.length > 0
    const due = { ...this.#times(), hasReplicas, fresh: fresh.length, behind: behind.length }
    const action = nextAction(due, nowMs)
    if (action === 'scan') this.#readRepository()
    else if (action === 'look') this.#look(nowMs)
    else if (action === 'retry') this.#retry(nowMs)
    else if (action === 'poll') this.#repository.poll()
    else if (action === 'bring_fresh') await this.#bring(fresh)
    else if (action === 'bring') await this.#bring(behind)
    else if (action === 'plan') {
      this.#planAtMs = NEVER
      await this.#plan()
    }
    return action !== 'wait'
  }

  /** When what is due by time is due. */
  #times() {
    return {
      ...this.#repository.times(),
      retryAtMs: this.#failures.isNarrowing ? NEVER : this.#parts.catalog.retryAtMs,
      planAtMs: this.#planAtMs,
    }
  }

  /** Until somebody wakes it, or what was not due at the last step is: timers may go off early. */
  #pause(lookedMs: number): Promise<void> {
    const { clock } = this.#parts
    const all = [...Object.values(this.#times()), ...this.#benched.values()]
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

  #planWithin(delayMs: number): void {
    this.#planAtMs = Math.min(this.#planAtMs, this.#parts.clock.monotonic() + delayMs)
  }

  #readRepository(): void {
    if (!this.#repository.scan()) return
    this.#failures.onScan()
    this.#planWithin(this.#parts.catalog.isProving ? SOON_MS : 0)
  }

  #look(nowMs: number): void {
    this.#repository.look(nowMs)
    this.#planWithin(this.#parts.catalog.isProving ? SOON_MS : 0)
  }

  #retry(nowMs: number): void {
    this.#parts.catalog.retry(nowMs)
    this.#planWithin(0)
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
    const againMs = clock.monotonic() + TRY_AGAIN_MS
    const present = publisher.replicas
    const isStuck = (each: Preparer) => present.includes(each) && !publisher.isCurrent(each)
    for (const replica of behind.filter(isStuck)) this.#benched.set(replica, againMs)
    for (const replica of [...this.#benched.keys()]) {
      if (!present.includes(replica)) this.#benched.delete(replica)
    }
  }

  async #plan(): Promise<void> {
    const { catalog, publisher, isPoison } = this.#parts
    const present = publisher.plan
    const { served } = this.#failures
    const result = makePlan({
      ...{ models: catalog.models, barred: catalog.barred, served, isPoison },
      ...{ defaultEndpoint: this.#defaultEndpoint, previous: publisher.endpoints },
      ...{ hasEpoch: present !== null, records: this.#parts.records.policies },
      isHeld: (version) => this.#failures.isHeld(version),
    })
    const { body } = result
    this.#faults.take(result, this.#defaultEndpoint)
    this.#epochFault = null
    // The first epoch waits for something to serve, while that may still come.
    const mayCome = catalog.isProving || this.#repository.isRestless
    const isTooEarly = present === null && body.endpoints.length === 0 && mayCome
    if (isTooEarly || (present !== null && isSamePlan(present, body))) {
      if (this.#failures.release(served)) this.#planWithin(0)
      return
    }
    const round = await publisher.publish(body)
    if (this.#isClosed) return
    if (round.isCommitted) {
      catalog.onCommitted(servingVersions(publisher.endpoints))
      if (this.#failures.release(served)) this.#planWithin(0)
    }
    if (this.#failures.take(round)) this.#planWithin(0)
    else if (!round.isCommitted) this.#planWithin(TRY_AGAIN_MS)
  }

  /** The state folder cannot be written, or a fault of ours: the present epoch stays. */
  #onFault(thrown: unknown): false {
    if (this.#isClosed) return false
    const { code, message } = GatewayError.from(thrown)
    this.#parts.logger.error({ event: 'epoch_not_made', code, ...foreignError(thrown) }, message)
    this.#epochFault = [`The present epoch stays: ${message}`]
    this.#planWithin(TRY_AGAIN_MS)
    return false
  }
}
