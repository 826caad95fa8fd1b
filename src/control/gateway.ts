/**
 * The running control process: catalog, epochs, replicas, figures, and what happens between them.
 * Built by `cli/serve.ts`; holds no native code and no request ever waits for it.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import { type DeadSums, DeadSumsSchema } from '../../proto/gen/control_pb.ts'
import type { RepositoryScan } from '../registry/folder.ts'
import { type Clock, delay, every } from '../shared/clock.ts'
import { slotKeyText } from '../shared/counters.ts'
import type { EpochPlan } from '../shared/epoch-plan.ts'
import type { Refusal } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { slotKeysOf } from '../shared/slot-keys.ts'
import type { Catalog } from './catalog.ts'
import { Epochs } from './epochs.ts'
import { makePlan, servingVersions } from './planner.ts'
import type { StateDir } from './state-dir.ts'
import type { Snapshot, Statistics } from './statistics.ts'
import type { ConnectedReplica, Supervisor } from './supervisor.ts'

const STATISTICS_MS = 1000
/** A replica whose figures are older is stuck: its agent answers nothing. */
const SILENT_MS_MAX = 10_000
const FIRST_REPLICA_LOOK_MS = 5

export interface GatewayParts {
  readonly catalog: Catalog
  readonly stateDir: StateDir
  readonly statistics: Statistics
  readonly clock: Clock
  readonly logger: Logger
  readonly defaultEndpoint: string | null
  scan(): RepositoryScan
  /** Called with the handlers of this gateway; the supervisor is started by `start`. */
  makeSupervisor(handlers: {
    onConnected(replica: ConnectedReplica): void
    onDied(replica: { index: number; incarnation: number }): void
    isServing(replica: ConnectedReplica): boolean
  }): Supervisor
}

export class Gateway {
  readonly #parts: GatewayParts
  readonly catalog: Catalog
  readonly supervisor: Supervisor
  readonly epochs: Epochs
  readonly #cancels: (() => void)[] = []
  #snapshot: Snapshot | null = null
  /** `deadChanges` of the sums that all replicas were told. */
  #deadChangesTold = 0
  #isDraining = false
  /** It is known which replicas of an earlier control live on. */
  #hasAdopted = false
  #defaultEndpoint: string | null
  #reloading: Promise<void> = Promise.resolve()
  #scanFaults: readonly Refusal[] = []
  /** Why the last scan was not taken over; null when it was. */
  scanFault: string | null = null

  constructor(parts: GatewayParts) {
    this.#parts = parts
    this.catalog = parts.catalog
    this.#defaultEndpoint = parts.defaultEndpoint
    this.supervisor = parts.makeSupervisor({
      onConnected: (replica) => this.#onConnected(replica),
      onDied: ({ index, incarnation }) => {
        this.epochs.forget(index)
        parts.statistics.replicaDied(index, incarnation)
        this.#tellDeadSums(this.supervisor.connected())
      },
      isServing: (replica) => this.epochs.isServedBy(replica),
    })
    const stored = parts.stateDir.readEpoch()
    this.epochs = new Epochs(
      {
        stateDir: parts.stateDir,
        logger: parts.logger,
        connected: () => this.supervisor.connected(),
        replace: (index, reason) => this.supervisor.replace(index, reason),
      },
      stored?.epoch ?? 0,
    )
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Starts replicas and the first epoch side by side; resolves when the epoch is served. */
  async start(): Promise<void> {
    await this.supervisor.start()
    this.#hasAdopted = true
    await Promise.all([this.reload(), this.#firstReplica()])
    await this.#replan()
    this.#cancels.push(
      every(this.#parts.clock, STATISTICS_MS, async () => {
        await this.refreshStatistics()
      }),
    )
  }

  /** A plan can only be prepared once somebody is there to prepare it. */
  async #firstReplica(): Promise<void> {
    while (this.supervisor.connected().length === 0 && !this.#isDraining) {
      await delay(this.#parts.clock, FIRST_REPLICA_LOOK_MS)
    }
  }

  /** Scans the repository, proves what is new and publishes what follows. One at a time. */
  reload(defaultEndpoint = this.#defaultEndpoint): Promise<void> {
    this.#defaultEndpoint = defaultEndpoint
    this.#reloading = this.#reloading.then(() => this.#reload())
    return this.#reloading
  }

  async #reload(): Promise<void> {
    const { catalog, logger } = this.#parts
    try {
      const scan = this.#parts.scan()
      this.scanFault = null
      this.#scanFaults = scan.faults
      await catalog.adopt(scan, servingVersions(this.epochs.plan?.endpoints ?? []))
      if (this.supervisor.connected().length > 0) await this.#replan()
    } catch (thrown) {
      // The old epoch stays: a repository that cannot be read for a moment must stop nobody.
      this.scanFault = thrown instanceof Error ? thrown.message : 'unknown'
      logger.error({ event: 'reload_failed', error: thrown }, 'the repository was not taken over')
    }
  }

  /** Publishes the plan of the catalog; versions that fail to prepare leave it, until one holds. */
  async #replan(): Promise<void> {
    const { catalog, logger } = this.#parts
    const defaultEndpoint = this.#defaultEndpoint
    for (;;) {
      const previous = this.epochs.plan?.endpoints ?? []
      const { body, unbound } = makePlan({ models: catalog.models, defaultEndpoint, previous })
      catalog.markFailed(unbound)
      const failures = await this.epochs.apply(body)
      for (const failure of [...unbound, ...failures]) {
        logger.error({ event: 'version_failed', ...failure }, 'a version cannot serve')
      }
      if (failures.length === 0) return
      catalog.markFailed(failures)
    }
  }

  #onConnected(replica: ConnectedReplica): void {
    const { statistics, logger } = this.#parts
    const { hello } = replica
    statistics.replicaConnected(replica)
    if (hello.plan.length > 0) {
      this.epochs.adopt(JSON.parse(new TextDecoder().decode(hello.plan)) as EpochPlan)
    }
    this.#tellDeadSums([replica])
    this.epochs.welcome(replica).catch((error: unknown) => {
      logger.error({ event: 'welcome_failed', replica: replica.index, error })
    })
  }

  #tellDeadSums(replicas: readonly ConnectedReplica[]): void {
    const value: DeadSums = create(DeadSumsSchema, this.#parts.statistics.deadSums())
    const body: EnvelopeBody = { case: 'deadSums', value }
    for (const { link } of replicas) link.tell(body)
  }

  /**
   * Asks every replica for its figures; one that has been silent too long is replaced. Null until
   * living replicas of an earlier control are adopted: sums without theirs would be too low.
   */
  async refreshStatistics(): Promise<Snapshot | null> {
    if (!this.#hasAdopted) return null
    const { statistics } = this.#parts
    const replicas = this.supervisor.connected()
    const keys = this.epochs.plan === null ? [] : slotKeysOf(this.epochs.plan).map(slotKeyText)
    this.#snapshot = await statistics.poll(replicas, new Set(keys))
    if (statistics.deadChanges !== this.#deadChangesTold) {
      this.#deadChangesTold = statistics.deadChanges
      this.#tellDeadSums(this.supervisor.connected())
    }
    for (const { index, ageMs } of this.#snapshot.replicas) {
      const isConnected = replicas.some((replica) => replica.index === index)
      if (isConnected && ageMs > SILENT_MS_MAX) this.supervisor.replace(index, 'no figures')
    }
    return this.#snapshot
  }

  /** What a scan found beside single versions: `model: sentence`. */
  repositoryFaults(): string[] {
    const { models } = this.#parts.catalog
    const ofModels = [...models.values()].flatMap(({ scanned }) =>
      scanned.faults.map(({ detail }) => `${scanned.name}: ${detail}`),
    )
    return [...this.#scanFaults.map(({ detail }) => detail), ...ofModels]
  }

  /** Why the gateway is not ready; empty when it is. */
  unreadyReasons(): string[] {
    if (this.#isDraining) return ['draining']
    const { plan } = this.epochs
    if (plan === null) return ['no epoch yet']
    const reasons = plan.unavailable.map((name) => `${name} has no available version`)
    const replicas = this.supervisor.connected()
    if (!replicas.some((replica) => this.epochs.isServedBy(replica))) {
      reasons.push('no replica serves the present epoch')
    }
    return reasons
  }

  /** Unready at once; requests under way are answered; then the replicas end. */
  async stop(drainMsMax: number): Promise<void> {
    this.#isDraining = true
    for (const cancel of this.#cancels) cancel()
    await this.supervisor.drainAll(drainMsMax)
  }
}
