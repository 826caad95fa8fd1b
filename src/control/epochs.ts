/**
 * Publishes epochs in two phases: every replica prepares, then every replica commits. One change at
 * a time; numbers only rise, over restarts too.
 *
 * ```
 * plan -> prepare on all -> some version failed: report it, nothing changes
 *                        -> a replica is silent for 60 s: it is replaced, the rest goes on
 *                        -> all ready: write epoch.json -> commit on all
 * ```
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import { CommitSchema, PrepareSchema } from '../../proto/gen/control_pb.ts'
import type { EpochPlan, PrepareFailure } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import type { PlanBody } from './planner.ts'
import type { StateDir } from './state-dir.ts'
import type { ConnectedReplica } from './supervisor.ts'

const PREPARE_MS_MAX = 60_000
const COMMIT_MS_MAX = 10_000

export interface EpochSources {
  readonly stateDir: StateDir
  readonly logger: Logger
  connected(): readonly ConnectedReplica[]
  /** Kills a replica that does not answer; the supervisor starts another. */
  replace(index: number, reason: string): void
}

const encodeJson = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const decodeJson = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes))

export class Epochs {
  readonly #sources: EpochSources
  #last: number
  #plan: EpochPlan | null = null
  #tail: Promise<unknown> = Promise.resolve()
  /** Replicas that serve the present plan, by index. */
  readonly #committed = new Map<number, number>()
  readonly #engines = new Map<number, string>()
  changes = 0

  /** `last`: the highest number ever used under this state folder. */
  constructor(sources: EpochSources, last: number) {
    this.#sources = sources
    this.#last = last
  }

  get plan(): EpochPlan | null {
    return this.#plan
  }

  /** Takes over what adopted replicas serve, so that an unchanged repository makes no new epoch. */
  adopt(plan: EpochPlan): void {
    if (plan.epoch < (this.#plan?.epoch ?? 0)) return
    this.#plan = plan
    this.#last = Math.max(this.#last, plan.epoch)
  }

  /** Whether every wanted replica serves the present epoch. */
  isServedBy(replica: ConnectedReplica): boolean {
    return this.#plan !== null && this.#committed.get(replica.index) === this.#plan.epoch
  }

  forget(index: number): void {
    this.#committed.delete(index)
    this.#engines.delete(index)
  }

  /** HTTP engine that a replica listens with; '' before its first commit. */
  engineOf({ index, hello }: ConnectedReplica): string {
    return this.#engines.get(index) ?? (hello.epoch > 0n ? hello.httpEngine : '')
  }

  /**
   * Makes a new epoch of a plan, unless it equals the present one. Resolves with the versions that
   * some replica could not prepare; then nothing has changed.
   */
  apply(body: PlanBody): Promise<readonly PrepareFailure[]> {
    return this.#alone(async () => {
      const present = this.#plan
      if (present !== null && isSamePlan(present, body)) {
        await this.#bring(this.#sources.connected(), present)
        return []
      }
      const plan: EpochPlan = { epoch: ++this.#last, ...body }
      const ready = await this.#prepare(this.#sources.connected(), plan)
      if (ready.failures.length > 0) return ready.failures
      this.#sources.stateDir.writeEpoch({ epoch: plan.epoch, endpoints: plan.endpoints })
      this.#plan = plan
      this.changes++
      await this.#commit(ready.replicas, plan)
      return []
    })
  }

  /** Brings a replica that has just connected to the present epoch. */
  welcome(replica: ConnectedReplica): Promise<void> {
    return this.#alone(async () => {
      if (this.#plan !== null) await this.#bring([replica], this.#plan)
    })
  }

  /** One after another: two changes never mix their phases. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task)
    this.#tail = result.catch(() => undefined)
    return result
  }

  async #bring(replicas: readonly ConnectedReplica[], plan: EpochPlan): Promise<void> {
    const behind = replicas.filter((replica) => !this.isServedBy(replica))
    const serving = behind.filter(({ hello }) => Number(hello.epoch) === plan.epoch)
    for (const { index } of serving) this.#committed.set(index, plan.epoch)
    const ready = await this.#prepare(
      behind.filter((replica) => !serving.includes(replica)),
      plan,
    )
    for (const failure of ready.failures) {
      this.#sources.logger.error(
        { event: 'prepare_failed', ...failure },
        'a replica cannot prepare',
      )
    }
    await this.#commit(ready.replicas, plan)
  }

  async #prepare(
    replicas: readonly ConnectedReplica[],
    plan: EpochPlan,
  ): Promise<{ replicas: ConnectedReplica[]; failures: PrepareFailure[] }> {
    const bytes = encodeJson(plan)
    const ready: ConnectedReplica[] = []
    const failures = new Map<string, PrepareFailure>()
    const ask = async (replica: ConnectedReplica) => {
      const value = create(PrepareSchema, { epoch: BigInt(plan.epoch), plan: bytes })
      const answer = await this.#call(replica, { case: 'prepare', value }, PREPARE_MS_MAX)
      if (answer?.case !== 'prepared') return
      const failed = decodeJson(answer.value.failures) as PrepareFailure[]
      for (const failure of failed) failures.set(`${failure.model}/${failure.version}`, failure)
      if (failed.length === 0) ready.push(replica)
    }
    await Promise.all(replicas.map(ask))
    return { replicas: ready, failures: [...failures.values()] }
  }

  async #commit(replicas: readonly ConnectedReplica[], plan: EpochPlan): Promise<void> {
    const commit = async (replica: ConnectedReplica) => {
      const value = create(CommitSchema, { epoch: BigInt(plan.epoch) })
      const answer = await this.#call(replica, { case: 'commit', value }, COMMIT_MS_MAX)
      if (answer?.case !== 'committed') return
      this.#committed.set(replica.index, plan.epoch)
      this.#engines.set(replica.index, answer.value.httpEngine)
    }
    await Promise.all(replicas.map(commit))
  }

  /** Asks a replica; one that does not answer in time is replaced, one that died is left out. */
  async #call(
    replica: ConnectedReplica,
    body: EnvelopeBody,
    limitMs: number,
  ): Promise<EnvelopeBody | null> {
    try {
      return await replica.link.call(body, limitMs)
    } catch (thrown) {
      const { logger, connected, replace } = this.#sources
      const isSilent = connected().includes(replica)
      logger.warn({ event: 'replica_silent', replica: replica.index, call: body.case, thrown })
      if (isSilent) replace(replica.index, `no answer to ${body.case}`)
      return null
    }
  }
}

const isSamePlan = ({ epoch: _, ...present }: EpochPlan, body: PlanBody): boolean =>
  JSON.stringify(present) === JSON.stringify(body)
