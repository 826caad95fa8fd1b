/**
 * A gateway's planning without processes: a repository, proving runs and replicas that behave as a
 * test says, under a fake clock. What is published is checked as it is written.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import { CommittedSchema, PreparedSchema } from '../../proto/gen/control_pb.ts'
import { Catalog } from '../../src/control/planning/catalog.ts'
import { Planning } from '../../src/control/planning/planning.ts'
import { Publisher } from '../../src/control/planning/publisher.ts'
import type { ModelControl } from '../../src/control/repository/model-control.ts'
import { ModelLoads } from '../../src/control/repository/model-loads.ts'
import type { StoredEpoch } from '../../src/control/state/stored-epoch.ts'
import type { Requests } from '../../src/control/state/stored-requests.ts'
import { Waiting } from '../../src/control/waiting.ts'
import type { ScannedModel, ScannedVersion } from '../../src/registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../../src/runtime/proving-report.ts'
import {
  decodePlan,
  type EpochPlan,
  encodeJson,
  type PrepareFailure,
} from '../../src/shared/epoch-plan.ts'
import { GatewayError, refuse } from '../../src/shared/errors.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { INLINE } from '../../src/shared/placement.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { modelControl, NO_REQUESTS, type Replica, type WorldOptions } from './planning-parts.ts'
import { type Nature, PlanningRepository } from './planning-repository.ts'
import { provingReport } from './proving-report.ts'
import { UNRECORDED_PARTS } from './unrecorded.ts'

const [RESTART_MS, NOTICE_MS] = [100, 3]
const ANSWER_MS = 5
const LOAD_MS_MAX = 60_000
const keyOf = (model: string, version: number) => `${model} v${version}`

export class PlanningWorld extends PlanningRepository {
  readonly clock: FakeClock
  readonly catalog: Catalog
  readonly publisher: Publisher
  readonly planning: Planning
  readonly control: ModelControl
  readonly loads: ModelLoads
  /** Models whose versions may not be loaded. */
  readonly poison = new Set<string>()
  readonly #waiting = new Waiting()
  /** Epochs in the order in which they were written. */
  readonly written: EpochPlan[] = []
  readonly proved: string[] = []
  /** What the state folder holds of requests of clients. */
  requests: Requests = NO_REQUESTS
  isDiskFull = false
  /** What the load of one version takes. */
  loadMs = 0
  /** Proving runs that wait for `finishProving`. */
  readonly #proving: { key: string; finish: () => void }[] = []
  /** Whether proving runs wait at all. */
  isProvingSlow = false
  #replicas: Replica[] = []
  /** `a v1`: kills, from now on, who loads it; the agent says so. */
  readonly lethal = new Set<string>()
  /** `a v1`: how many proving runs will fail for a reason that passes. */
  readonly flaws = new Map<string, number>()
  /** `a v1`: how many loads will fail in some replica. */
  readonly hitches = new Map<string, number>()
  readonly #damaged = new Map<string, boolean>()
  #incarnation = 0
  onWrite = (_plan: EpochPlan, _previous: EpochPlan | null): void => {}

  constructor(stored: StoredEpoch | null = null, clock = new FakeClock(), more: WorldOptions = {}) {
    super()
    this.clock = clock
    const control = modelControl(more, (asked) => {
      this.#assertWritable()
      this.requests = asked
    })
    this.control = control
    const logger = createLogger({ level: 'silent', component: 'test' })
    const replicas = () =>
      this.#replicas
        .filter(({ isLeaving }) => !isLeaving)
        .sort((a, b) => a.index - b.index || a.incarnation - b.incarnation)
    this.publisher = new Publisher(
      {
        ...{ clock, logger, replicas },
        loadMsMax: LOAD_MS_MAX,
        replace: ({ incarnation }) => this.kill(incarnation),
        writeEpoch: (epoch) => this.#write(epoch),
      },
      stored,
    )
    const { publisher } = this
    this.catalog = new Catalog({
      prove: (model, version) => this.#prove(model, version),
      place: () => INLINE,
      present: () => publisher.plan,
      isWanted: control.isWanted,
      retries: () => control.settings.retries,
      monotonic: () => clock.monotonic(),
      onResult: (model, failure) => this.planning.onResult(model, failure),
    })
    const { catalog } = this
    this.planning = new Planning({
      ...{ catalog, publisher, clock, logger, control },
      ...{ repository: this.repositoryAt(), records: UNRECORDED_PARTS },
      isPoison: ({ model }) => this.poison.has(model),
      onDamaged: () => {},
      onPause: () => this.#waiting.tell(),
    })
    this.loads = new ModelLoads({
      ...{ catalog, publisher, clock, logger, control, planning: this.planning },
      when: this.#waiting.when,
      isDraining: () => false,
      forgive: (model) => void this.poison.delete(model),
    })
  }

  /** Replicas that live, by index. */
  get replicas(): readonly Replica[] {
    return this.#replicas.filter(({ isAlive }) => isAlive)
  }

  /** Replicas that load a version find its copy damaged, until it is proved again; or for ever. */
  damage(model: string, version: number, isForEver = false): void {
    this.#damaged.set(keyOf(model, version), isForEver)
  }

  /** A replica process starts; with `served`, it is adopted. */
  connect(index: number, served: EpochPlan | null = null): Replica {
    const { promise: death, reject } = Promise.withResolvers<never>()
    death.catch(() => {})
    const replica: Replica = {
      ...{ index, death },
      onDeath: () => reject(new Error('The link was closed')),
      incarnation: ++this.#incarnation,
      isLeaving: false,
      isAlive: true,
      served,
      prepared: null,
      hello: {
        epoch: BigInt(served?.epoch ?? 0),
        plan: served === null ? new Uint8Array() : encodeJson(served),
        httpEngine: served === null ? '' : 'uws',
      },
      link: { call: (body, limitMs) => this.#ask(replica, body, limitMs) },
    }
    this.#replicas.push(replica)
    this.publisher.welcome(replica)
    this.planning.onReplicas()
    return replica
  }

  /** A process dies; its successor connects a moment later. */
  kill(incarnation: number): void {
    const replica = this.#replicas.find((each) => each.incarnation === incarnation)
    if (replica === undefined || !replica.isAlive) return
    replica.isAlive = false
    replica.onDeath()
    // Its calls are rejected a moment before its death is known.
    this.clock.setTimer(NOTICE_MS, () => {
      this.#replicas = this.#replicas.filter((each) => each !== replica)
      this.publisher.forget(incarnation)
      this.planning.onReplicas()
      this.clock.setTimer(RESTART_MS, () => this.connect(replica.index))
    })
  }

  /** Lets the n-th waiting proving run end. */
  finishProving(n: number): void {
    const [one] = this.#proving.splice(n % Math.max(1, this.#proving.length), 1)
    one?.finish()
  }

  finishAllProving(): void {
    for (const { finish } of this.#proving.splice(0)) finish()
  }

  /** Version that a model's endpoint is answered by in the present epoch; null when by none. */
  answering(model: string): number | null {
    const endpoint = this.publisher.plan?.endpoints.find(({ name }) => name === model)
    return endpoint?.variants[0]?.version ?? null
  }

  /** SIGHUP, and time for everything that follows. */
  async reload(ms = 5000): Promise<void> {
    this.planning.rescan(null)
    await this.clock.advance(ms)
  }

  #assertWritable(): void {
    if (this.isDiskFull) throw new GatewayError('STATE_UNWRITABLE', 'The disk is full')
  }

  #write({ epoch }: StoredEpoch): void {
    this.#assertWritable()
    const plan = this.#replicas.find(({ prepared }) => prepared?.epoch === epoch)?.prepared
    if (!plan) throw new Error(`Epoch ${epoch} is written, and no replica has prepared it`)
    this.onWrite(plan, this.publisher.plan)
    this.written.push(plan)
  }

  #prove(
    { name }: ScannedModel,
    { version, modelFile }: ScannedVersion,
  ): Promise<ProvingReport | ProvingFailure> {
    const key = keyOf(name, version)
    this.proved.push(key)
    if (this.#damaged.get(key) === false) this.#damaged.delete(key)
    const sound = provingReport({ provenSha256: `${name}/${version}/${modelFile}` })
    const result = this.#failureOf(key, modelFile) ?? sound
    if (!this.isProvingSlow) return Promise.resolve(result)
    return new Promise((resolve) => {
      this.#proving.push({ key, finish: () => resolve(result) })
    })
  }

  #failureOf(key: string, modelFile: string): ProvingFailure | null {
    if (modelFile.startsWith('bad/')) return refuse('MODEL_INVALID', 'it is bad')
    const left = this.flaws.get(key) ?? 0
    if (left === 0) return null
    this.flaws.set(key, left - 1)
    return refuse('PROVING_TIMEOUT', 'it takes too long')
  }

  async #ask(replica: Replica, body: EnvelopeBody, limitMs: number): Promise<EnvelopeBody> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const cancel = this.clock.setTimer(limitMs, () => reject(new Error('No answer')))
    try {
      return await Promise.race([late, replica.death, this.#answer(replica, body)])
    } finally {
      cancel()
    }
  }

  async #answer(replica: Replica, body: EnvelopeBody): Promise<EnvelopeBody> {
    if (!replica.isAlive) throw new Error('The link is closed')
    await new Promise<void>((resolve) => this.clock.setTimer(ANSWER_MS, resolve))
    if (!replica.isAlive) throw new Error('The link was closed')
    if (body.case === 'commit') {
      const { epoch } = body.value
      const isReady = replica.prepared?.epoch === Number(epoch)
      if (isReady) replica.served = replica.prepared
      const value = create(CommittedSchema, { epoch: isReady ? epoch : 0n, httpEngine: 'uws' })
      return { case: 'committed', value }
    }
    if (body.case !== 'prepare') throw new Error(`Nobody asks a replica for ${body.case}`)
    const plan = decodePlan(body.value.plan)
    const failures = await this.#load(replica, plan)
    if (failures.length === 0) replica.prepared = plan
    const value = create(PreparedSchema, {
      epoch: body.value.epoch,
      failures: encodeJson(failures),
    })
    return { case: 'prepared', value }
  }

  async #load(replica: Replica, plan: EpochPlan): Promise<PrepareFailure[]> {
    const failures: PrepareFailure[] = []
    for (const { model, version, provenSha256 } of plan.versions) {
      if (replica.served?.versions.some((each) => each.provenSha256 === provenSha256)) continue
      const nature = provenSha256.split('/')[2] as Nature
      if (this.loadMs > 0) {
        await new Promise<void>((resolve) => this.clock.setTimer(this.loadMs, resolve))
        if (!replica.isAlive) throw new Error('The link was closed')
      }
      if (nature === 'hanging') await new Promise(() => {})
      const key = keyOf(model, version)
      if (this.lethal.has(key)) this.planning.onSilent(replica, `thread 0: load ${key}`)
      if (nature === 'deadly' || this.lethal.has(key)) {
        this.kill(replica.incarnation)
        await settle()
        throw new Error('The link was closed')
      }
      const detail = 'it cannot be loaded'
      const hitches = this.hitches.get(key) ?? 0
      this.hitches.set(key, Math.max(0, hitches - 1))
      if (hitches > 0 || nature === 'unloadable')
        failures.push({ model, version, code: 'PREPARE_FAILED', detail })
      if (this.#damaged.has(key)) {
        failures.push({ model, version, code: 'DIGEST_MISMATCH', detail: 'it is damaged' })
      }
    }
    return failures
  }
}

/** A world with `replicas` connected, that has settled. */
export const settledWorld = async (
  build: (world: PlanningWorld) => void,
  replicas = 2,
): Promise<PlanningWorld> => {
  const world = new PlanningWorld()
  build(world)
  for (let index = 0; index < replicas; index++) world.connect(index)
  world.planning.start(null)
  await world.clock.advance(2000)
  return world
}
