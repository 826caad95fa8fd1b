/**
 * Publishes epochs in two phases: every replica prepares, then every replica commits. Its callers
 * make one call at a time. Numbers only rise, over restarts too.
 *
 * ```
 * plan -> one replica prepares, then the others -> a new version failed: nothing changes
 *                                               -> nobody is ready:     nothing changes
 *      -> write epoch.json -> those that are ready commit; the others are brought up later
 * ```
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import { CommitSchema, PrepareSchema } from '../../../proto/gen/control_pb.ts'
import type { Clock } from '../../shared/clock.ts'
import {
  type EpochPlan,
  encodeJson,
  loadKey,
  type PlannedEndpoint,
  type PlannedVersion,
  type PrepareFailure,
} from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import { prepareMsMax } from '../replicas/prepare-limit.ts'
import type { StoredEpoch } from '../state/stored-epoch.ts'
import type { PlanBody } from './planner.ts'
import { readPlan } from './received-plan.ts'
import { EMPTY_ROUND, type LostReplica, type Preparer, preparationOf, type Round } from './round.ts'

const COMMIT_MS_MAX = 10_000

export interface PublisherSources {
  readonly clock: Clock
  readonly logger: Logger
  /** The longest that the watchdog of a replica lets one load take, in milliseconds. */
  readonly loadMsMax: number
  /** Connected, and not about to end. */
  replicas(): readonly Preparer[]
  /** Kills a replica that does not answer; the supervisor starts another. */
  replace(replica: Preparer, reason: string): void
  /** On disk when it returns. Throws GatewayError STATE_UNWRITABLE. */
  writeEpoch(epoch: StoredEpoch): void
}

interface Served {
  readonly plan: EpochPlan
  /** `loadKey` of its versions. */
  readonly loaded: ReadonlySet<string>
  readonly httpEngine: string
}

const servedOf = (plan: EpochPlan, httpEngine: string): Served => ({
  plan,
  httpEngine,
  loaded: new Set(plan.versions.map(loadKey)),
})

export class Publisher {
  readonly #sources: PublisherSources
  #last: number
  #plan: EpochPlan | null = null
  #endpoints: readonly PlannedEndpoint[]
  /** Connections that failed: the death of a replica is known a moment after its calls fail. */
  readonly #lost = new WeakSet<Preparer>()
  /** What replicas have committed, by incarnation. */
  readonly #served = new Map<number, Served>()
  #isClosed = false
  changes = 0

  /** `stored`: the last epoch that was committed under this state folder. */
  constructor(sources: PublisherSources, stored: StoredEpoch | null) {
    this.#sources = sources
    this.#endpoints = stored?.endpoints ?? []
    this.#last = stored?.epoch ?? 0
  }

  /** Those that can be asked: connected, not about to end, and no call to them has failed. */
  get replicas(): readonly Preparer[] {
    return this.#sources.replicas().filter((replica) => !this.#lost.has(replica))
  }

  /** The present epoch; null before the first under this control, unless it was adopted. */
  get plan(): EpochPlan | null {
    return this.#plan
  }

  /** Endpoints as they were last served, before this start too; also those unavailable now. */
  get endpoints(): readonly PlannedEndpoint[] {
    return this.#endpoints
  }

  /** A replica has said Hello. What it serves is carried on, if it is the latest. */
  welcome(replica: Preparer): void {
    const { incarnation, hello } = replica
    this.#last = Math.max(this.#last, Number(hello.epoch))
    const plan = readPlan(hello.plan)
    if (plan === null) return
    this.#served.set(incarnation, servedOf(plan, hello.httpEngine))
    if (plan.epoch > (this.#plan?.epoch ?? 0)) this.#become(plan, this.#endpointsUnder(plan))
  }

  forget(incarnation: number): void {
    this.#served.delete(incarnation)
  }

  /** What a replica has committed; null before its first epoch. */
  servedBy({ incarnation }: Preparer): EpochPlan | null {
    return this.#served.get(incarnation)?.plan ?? null
  }

  isCurrent(replica: Preparer): boolean {
    return this.#plan !== null && this.servedBy(replica)?.epoch === this.#plan.epoch
  }

  /** Whether a version is loaded, and can be asked for, in a replica. */
  isLoadedIn({ incarnation }: Preparer, version: PlannedVersion): boolean {
    return this.#served.get(incarnation)?.loaded.has(loadKey(version)) ?? false
  }

  /** HTTP engine that a replica listens with; '' before its first commit. */
  engineOf({ incarnation }: Preparer): string {
    return this.#served.get(incarnation)?.httpEngine ?? ''
  }

  /**
   * Tries to make a plan the next epoch. Where replicas serve already, one of them prepares before
   * the others, so that a version that kills it kills but one: the one that has the least to load.
   *
   * @throws (rejects) GatewayError STATE_UNWRITABLE; the present epoch stays
   */
  async publish(body: PlanBody): Promise<Round> {
    const plan: EpochPlan = { epoch: ++this.#last, ...body }
    const [scout, ...others] = this.#byRisk(plan)
    if (scout === undefined) return { ...EMPTY_ROUND, plan }
    const isAlone = this.#plan !== null
    const first = await this.#prepare(isAlone ? [scout] : [scout, ...others], plan)
    const mayGoOn = isAlone && first.ready.length > 0
    const rest = mayGoOn ? await this.#prepare(others, plan) : EMPTY_ROUND
    const round = {
      plan,
      ready: [...first.ready, ...rest.ready],
      failures: [...first.failures, ...rest.failures],
      lost: [...first.lost, ...rest.lost],
    }
    const { ready, failures } = round
    const isHindered = failures.some(({ failure }) => !this.#isHeldBy(ready, failure, plan))
    if (isHindered || ready.length === 0 || this.#isClosed) {
      return { ...round, isCommitted: false }
    }
    const endpoints = this.#endpointsUnder(plan)
    this.#sources.writeEpoch({ epoch: plan.epoch, endpoints })
    this.#become(plan, endpoints)
    this.changes++
    await this.#commit(ready, plan)
    return { ...round, isCommitted: true }
  }

  /** Brings replicas to the present epoch, which must exist. */
  async bring(replicas: readonly Preparer[]): Promise<Round> {
    const plan = this.#plan!
    const round = await this.#prepare(replicas, plan)
    if (!this.#isClosed) await this.#commit(round.ready, plan)
    return { ...round, plan, isCommitted: true }
  }

  /** Nothing is written or committed from now on. */
  close(): void {
    this.#isClosed = true
  }

  /**
   * Replicas, first the one whose trouble with a plan says most of what is new in it. What another
   * cannot load of the present epoch hinders no later one; and what one of them has loaded is no
   * suspect when it dies, so that a version that only one can load stops no plan for ever.
   */
  #byRisk(plan: EpochPlan): readonly Preparer[] {
    const risk = (replica: Preparer) =>
      this.isCurrent(replica) ? 0 : 1 + this.#loadsOf(replica, plan).length
    return this.replicas.toSorted((a, b) => risk(a) - risk(b))
  }

  /** What a replica must load to prepare a plan. */
  #loadsOf(replica: Preparer, { versions }: EpochPlan): PlannedVersion[] {
    return versions.filter((version) => !this.isLoadedIn(replica, version))
  }

  /** A version that serves since an earlier epoch hinders no later one, whoever cannot load it. */
  #isHeldBy(replicas: readonly Preparer[], failure: PrepareFailure, plan: EpochPlan): boolean {
    const planned = plan.versions.find(
      ({ model, version }) => model === failure.model && version === failure.version,
    )
    return replicas.some((replica) => planned && this.isLoadedIn(replica, planned))
  }

  #become(plan: EpochPlan, endpoints: readonly PlannedEndpoint[]): void {
    this.#plan = plan
    this.#endpoints = endpoints
  }

  /** Those of a plan, and of those that it calls unavailable the last that is known. */
  #endpointsUnder({ endpoints, unavailable }: EpochPlan): readonly PlannedEndpoint[] {
    const away = this.#endpoints.filter(({ name }) => unavailable.includes(name))
    return [...endpoints, ...away]
  }

  async #prepare(
    replicas: readonly Preparer[],
    plan: EpochPlan,
  ): Promise<Pick<Round, 'ready' | 'failures' | 'lost'>> {
    const bytes = encodeJson(plan)
    const ready: Preparer[] = []
    const failures: Round['failures'][number][] = []
    const lost: LostReplica[] = []
    const ask = async (replica: Preparer) => {
      const loading = this.#loadsOf(replica, plan)
      const value = create(PrepareSchema, { epoch: BigInt(plan.epoch), plan: bytes })
      const limitMs = prepareMsMax(loading.length, this.#sources.loadMsMax)
      const answer = await this.#call(replica, { case: 'prepare', value }, plan, limitMs)
      const came = preparationOf(answer)
      if (came === 'ready') ready.push(replica)
      else if (came === 'died' || came === 'silent') lost.push({ replica, how: came, loading })
      else if (came !== 'left') {
        for (const failure of came) failures.push({ replica, failure })
      }
    }
    await Promise.all(replicas.map(ask))
    return { ready, failures, lost }
  }

  async #commit(replicas: readonly Preparer[], plan: EpochPlan): Promise<void> {
    const commit = async (replica: Preparer) => {
      const value = create(CommitSchema, { epoch: BigInt(plan.epoch) })
      const answer = await this.#call(replica, { case: 'commit', value }, plan, COMMIT_MS_MAX)
      if (typeof answer === 'string' || answer.case !== 'committed') return
      const { httpEngine } = answer.value
      this.#served.set(replica.incarnation, servedOf(plan, httpEngine))
    }
    await Promise.all(replicas.map(commit))
  }

  /** Asks a replica about a plan: its answer about this plan, or why there is none. */
  async #call(
    replica: Preparer,
    body: EnvelopeBody,
    { epoch }: EpochPlan,
    limitMs: number,
  ): Promise<EnvelopeBody | 'left' | LostReplica['how']> {
    const { clock, logger, replace } = this.#sources
    const askedMs = clock.monotonic()
    try {
      const answer = await replica.link.call(body, limitMs)
      const { case: kind, value } = answer
      const isOurs = kind === 'prepared' || kind === 'committed'
      return isOurs && value.epoch === BigInt(epoch) ? answer : 'left'
    } catch {
      this.#lost.add(replica)
      if (replica.isLeaving || this.#isClosed) return 'left'
      const how = clock.monotonic() - askedMs < limitMs ? 'died' : 'silent'
      const event = { event: 'replica_lost', replica: replica.index, call: body.case, epoch, how }
      logger.warn(event, 'a replica did not answer')
      if (how === 'silent') replace(replica, `no answer to ${body.case}`)
      return how
    }
  }
}
