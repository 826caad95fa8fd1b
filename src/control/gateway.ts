/**
 * The running control process: replicas, planning and figures, and what one tells the other. Built
 * by `cli/serve.ts`; holds no native code and no request ever waits for it.
 */

import { join } from 'node:path'
import type { Report } from '../../proto/gen/control_pb.ts'
import type { PlacementHost } from '../runtime/placement.ts'
import { type Clock, delay } from '../shared/clock.ts'
import { slotKeyText } from '../shared/counters.ts'
import type { Logger } from '../shared/logger.ts'
import { slotKeysOf } from '../shared/slot-keys.ts'
import type { ClientAccess } from './access/client-access.ts'
import { callAnswers } from './api/call-answers.ts'
import { answerCall } from './api/forwarded-calls.ts'
import { unreadyReasons } from './api/unready-reasons.ts'
import { PoisonList } from './blame/poison-list.ts'
import { PoisonWatch } from './blame/poison-watch.ts'
import { Figures } from './figures/figures.ts'
import { type Snapshot, Statistics } from './figures/statistics.ts'
import { Catalog } from './planning/catalog.ts'
import { Placements } from './planning/placements.ts'
import { keptFiles } from './planning/planned-version.ts'
import { Planning } from './planning/planning.ts'
import { Publisher } from './planning/publisher.ts'
import type { Prover } from './proving/prover.ts'
import { proveBy } from './proving/proving-subject.ts'
import type { Records } from './records/records.ts'
import type { ConnectedReplica } from './replicas/connected-replica.ts'
import { prepareMsMax } from './replicas/prepare-limit.ts'
import { lookForWear, type Recycler, recyclerOf } from './replicas/recycler.ts'
import type { RecycleLimits } from './replicas/recycling.ts'
import { ReplicaVersions } from './replicas/replica-versions.ts'
import type { Supervisor, SupervisorHandlers } from './replicas/supervisor.ts'
import { ModelControl, type ModelControlSettings } from './repository/model-control.ts'
import { ModelLoads } from './repository/model-loads.ts'
import type { Repository } from './repository/repository-reader.ts'
import type { StateDir } from './state/state-dir.ts'
import { Waiting } from './waiting.ts'

/** What planning has under way ends with the links of the replicas; else it is left alone. */
const STOP_MS_MAX = 2000

export interface GatewayParts {
  readonly prover: Prover
  readonly stateDir: StateDir
  readonly clock: Clock
  readonly logger: Logger
  readonly defaultEndpoint: string | null
  /** What there is for the sessions of a version. */
  readonly host: PlacementHost
  /** The watchdog's limit of one load, in milliseconds. */
  readonly loadMsMax: number
  readonly recycle: RecycleLimits
  readonly access: ClientAccess
  readonly repository: Repository
  readonly modelControl: ModelControlSettings
  readonly records: Records
  /** Called with the handlers of this gateway; the supervisor is started by `start`. */
  makeSupervisor(handlers: SupervisorHandlers): Supervisor
}

export class Gateway {
  readonly #parts: GatewayParts
  readonly #planning: Planning
  readonly #placements: Placements
  readonly catalog: Catalog
  readonly supervisor: Supervisor
  readonly publisher: Publisher
  readonly figures: Figures
  readonly versions = new ReplicaVersions()
  readonly recycler: Recycler
  readonly poison: PoisonList
  readonly #poisonWatch: PoisonWatch
  readonly loads: ModelLoads
  readonly #control: ModelControl
  readonly #waiting = new Waiting()
  #isDraining = false
  #starting: Promise<void> = Promise.resolve()
  #defaultEndpoint: string | null
  /** Resolves with why no replica can ever serve, should that be so. */
  readonly hopeless: Promise<string>

  constructor(parts: GatewayParts) {
    this.#parts = parts
    const { stateDir, clock, logger, prover, defaultEndpoint, loadMsMax } = parts
    this.#defaultEndpoint = defaultEndpoint
    this.#placements = new Placements(parts.host, logger)
    const hopeless = Promise.withResolvers<string>()
    this.hopeless = hopeless.promise
    this.supervisor = parts.makeSupervisor(this.#handlers(hopeless.resolve))
    const replace: Supervisor['replace'] = (...args) => this.supervisor.replace(...args)
    const replicas = () => this.supervisor.connected()
    this.publisher = new Publisher(
      {
        ...{ clock, logger, loadMsMax, replicas, replace },
        writeEpoch: (epoch) => stateDir.writeEpoch(epoch),
      },
      stateDir.readEpoch(),
    )
    this.#control = new ModelControl(parts.modelControl, stateDir.readRequests(), {
      write: (requests) => stateDir.writeRequests(requests),
    })
    const control = this.#control
    this.catalog = new Catalog({
      prove: proveBy({
        ...{ prover, logger, isEnding: () => this.#isDraining },
        poisonOf: (version) => this.poison.reasonFor(version),
      }),
      place: this.#placements.place,
      present: () => this.publisher.plan,
      isWanted: control.isWanted,
      retries: () => control.settings.retries,
      monotonic: clock.monotonic,
      onResult: (model, failure) => this.#planning.onResult(model, failure),
    })
    const { catalog, publisher } = this
    this.#planning = new Planning({
      ...{ catalog, publisher, clock, logger, control, repository: parts.repository },
      records: parts.records,
      isPoison: (version) => this.poison.reasonFor(version) !== null,
      onDamaged: (version) => prover.forget(version),
      onPause: () => this.#onPause(),
    })
    this.loads = new ModelLoads({
      ...{ catalog, publisher, clock, logger, control, planning: this.#planning },
      when: this.#waiting.when,
      isDraining: () => this.#isDraining,
      forgive: (model) => this.poison.forgive(model),
    })
    this.recycler = recyclerOf({ clock, logger, catalog }, this.supervisor, parts.recycle)
    this.poison = new PoisonList(join(stateDir.path, 'poison.json'))
    this.#poisonWatch = new PoisonWatch({
      ...{ clock, logger, catalog, publisher, list: this.poison, runPath: stateDir.runPath },
      onRoutedOut: () => this.#planning.onChanged(),
    })
    this.figures = new Figures({
      ...{ statistics: new Statistics(clock), clock, logger, replace },
      linked: () => this.supervisor.linked(),
      onFigures: (snapshot) => this.#onFigures(snapshot),
      slotKeys: () =>
        new Set(publisher.plan === null ? [] : slotKeysOf(publisher.plan).map(slotKeyText)),
    })
  }

  #handlers(onAllFatal: (reason: string) => void): SupervisorHandlers {
    const { logger, clock } = this.#parts
    const answers = callAnswers(this, clock)
    return {
      onConnected: (replica) => {
        // First of all: it must not listen before it knows whom to let in.
        this.#parts.access.welcome(replica)
        this.figures.onConnected(replica)
        this.publisher.welcome(replica)
        this.#planning.onReplicas()
      },
      onDied: (death) => {
        this.publisher.forget(death.incarnation)
        this.#poisonWatch.onDied(death)
        this.figures.onDied(death)
        this.versions.onDied(death.incarnation)
        this.#planning.onReplicas()
      },
      onDrained: (replica, final) => {
        this.figures.onDrained(replica, final)
        this.#parts.records.onReplica(replica.incarnation, final.records)
      },
      onReport: (replica, report) => this.#onReport(replica, report),
      onCall: (call) => answerCall(answers, call, { clock, logger }),
      isServing: (replica) => this.publisher.servedBy(replica) !== null,
      prepareMsMax: () =>
        prepareMsMax(this.publisher.plan?.versions.length ?? 0, this.#parts.loadMsMax),
      onAllFatal,
    }
  }

  get host(): PlacementHost {
    return this.#parts.host
  }

  #onFigures(snapshot: Snapshot): void {
    this.versions.onFigures(snapshot.replicas)
    this.#parts.records.onFigures(snapshot)
    this.#reviewPlaces(snapshot)
    if (!this.#isDraining) lookForWear(this, snapshot)
  }

  get defaultEndpoint(): string | null {
    return this.#defaultEndpoint
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Sound versions that cannot keep the contract of their endpoint. */
  get unbound(): Planning['unbound'] {
    return this.#planning.unbound
  }

  /**
   * Adopts or starts replicas, reads the repository and begins to plan. Resolves when that has
   * begun; `when` tells what comes of it.
   *
   * @throws (rejects) GatewayError STATE_DIR_LOCKED, STATE_TOO_NEW; CONFIG_INVALID of a certificate
   *   and REPOSITORY_UNREADABLE when no adopted replica serves either
   */
  async start(): Promise<void> {
    if (this.#isDraining) return
    this.#starting = this.supervisor.start()
    await this.#starting
    if (this.#isDraining) return
    const adopted = this.supervisor.connected()
    const isServed = adopted.some((replica) => this.publisher.servedBy(replica) !== null)
    this.#parts.access.start(() => this.supervisor.connected(), isServed)
    this.figures.begin()
    this.#planning.start(this.#defaultEndpoint)
  }

  /** Has the repository read again; without settings, under those that count. */
  reload(defaultEndpoint: string | null, settings?: ModelControlSettings): void {
    this.#defaultEndpoint = defaultEndpoint
    if (settings !== undefined) this.#control.settings = settings
    this.#planning.rescan(defaultEndpoint)
  }

  /** Resolves when it is ready. */
  whenReady(): Promise<void> {
    return this.#waiting.when(() => this.unreadyReasons().length === 0)
  }

  /** Resolves when everything that was found is served, or is known not to be servable. */
  whenSettled(): Promise<void> {
    return this.#waiting.when(() => this.#planning.isSettled && this.publisher.plan !== null)
  }

  /** What a scan found, what cannot be done and what the operator should know: sentences. */
  warnings(): string[] {
    const wanted = [...this.catalog.models.values()].filter(({ isWanted }) => isWanted)
    const ofModels = wanted.flatMap(({ scanned }) =>
      scanned.faults.map(({ detail }) => `${scanned.name}: ${detail}`),
    )
    const { access, records } = this.#parts
    const ofParts = [access.warnings(), this.#planning.warnings(), records.warnings()]
    return [...ofParts.flat(), ...ofModels, ...this.supervisor.warnings()]
  }

  /** Why the gateway is not ready; empty when it is. */
  unreadyReasons(): string[] {
    if (this.#isDraining) return ['draining']
    const isServing = this.supervisor
      .connected()
      .some((replica) => this.publisher.servedBy(replica) !== null)
    return unreadyReasons(this.publisher.plan, this.catalog.models, isServing)
  }

  /**
   * Plans nothing more, is unready at once; requests under way are answered for at most
   * `drainMsMax`, then the replicas end. Called again, the shorter time counts.
   */
  async stop(drainMsMax: number): Promise<void> {
    this.#isDraining = true
    const planned = this.#planning.close()
    this.#parts.prover.close()
    this.#parts.access.stop()
    this.figures.end()
    this.#waiting.tell()
    // What is adopted must be known before it can be ended.
    await this.#starting.catch(() => {})
    await this.supervisor.drainAll(drainMsMax)
    await Promise.race([planned, delay(this.#parts.clock, STOP_MS_MAX)])
  }

  #onReport(replica: ConnectedReplica, { event, detail, unload }: Report): void {
    if (unload !== undefined) this.versions.onUnloaded(replica, unload, this.#parts.clock.now())
    if (event === 'thread_dead') this.#poisonWatch.onThreadDead(replica.incarnation, detail)
    if (event === 'thread_silent' || event === 'thread_dead') {
      this.#planning.onSilent(replica, detail)
    }
    if (event === 'draining') this.#planning.onReplicas()
  }

  /** Versions whose runs contradict their proving run move. */
  #reviewPlaces({ isWhole, slots }: Snapshot): void {
    const versions = this.publisher.plan?.versions ?? []
    const nowMs = this.#parts.clock.monotonic()
    if (!isWhole || this.#isDraining || !this.#placements.look(versions, slots, nowMs)) return
    this.catalog.placeAnew()
    this.#planning.onChanged()
  }

  #onPause(): void {
    if (this.#planning.isSettled) {
      const copies = (this.publisher.plan?.versions ?? []).flatMap(keptFiles)
      this.#parts.prover.sweep(new Set([...copies, ...this.catalog.copies()]))
    }
    this.#waiting.tell()
  }
}
