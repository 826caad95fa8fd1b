/** What follows for versions when replicas cannot prepare them, or do not live to say so. */

import {
  type EpochPlan,
  loadKey,
  type PlannedVersion,
  type PrepareFailure,
} from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Catalog } from './catalog.ts'
import { versionName } from './planned-version.ts'
import type { Publisher } from './publisher.ts'
import type { LostReplica, Preparer, Round } from './round.ts'
import { Suspicion } from './suspicion.ts'

/** How often a proven copy that is found damaged is made again, before its version has failed. */
const MENDS_MAX = 1

const isVariant = ({ endpoints }: EpochPlan, { model, version }: PlannedVersion): boolean =>
  endpoints.some(
    (endpoint) =>
      endpoint.model === model && endpoint.variants.some((each) => each.version === version),
  )

export interface FailureSources {
  readonly catalog: Catalog
  readonly publisher: Publisher
  readonly logger: Logger
  /** The proven copy of a version is not what it was. */
  onDamaged(version: PlannedVersion): void
}

export class PrepareFailures {
  readonly #sources: FailureSources
  readonly #suspicion = new Suspicion()
  /** By incarnation: what a replica said of the thread that fell silent. */
  readonly #said = new Map<number, string>()
  readonly #mends = new Map<string, number>()
  readonly #spared = new Map<string, string>()
  /** What the present epoch would name as well, were it not held back. */
  #away: readonly PlannedVersion[] = []

  constructor(sources: FailureSources) {
    this.#sources = sources
  }

  /**
   * Whether a version stays out of the next plan, because another one is being tried. One of the
   * present epoch can, where nobody serves it: else the one that kills could hide behind it for
   * ever. One that answers somewhere never is.
   */
  isHeld(version: PlannedVersion): boolean {
    return this.#suspicion.isHeld(version) && !this.#isServed(version)
  }

  /** What the next plan may take as it is: some has no sound files in the repository any more. */
  get served(): readonly PlannedVersion[] {
    const present = this.#sources.publisher.plan?.versions ?? []
    const names = new Set(present.map(versionName))
    return [...present, ...this.#away.filter((version) => !names.has(versionName(version)))]
  }

  /** It is being found out which version kills replicas: no other should come in between. */
  get isNarrowing(): boolean {
    return this.#suspicion.isNarrowing
  }

  /**
   * The present epoch is as planned: all versions may come into the next; false when they did.
   *
   * @param served as it was planned from
   */
  release(served: readonly PlannedVersion[]): boolean {
    this.#away = served.filter((version) => this.isHeld(version))
    return this.#suspicion.release()
  }

  /** Whether no replica can be brought up: the present epoch names what they could not load. */
  get isInVain(): boolean {
    const { catalog, publisher } = this.#sources
    return publisher.plan?.versions.some((each) => catalog.barred.has(loadKey(each))) ?? false
  }

  /** An adopted plan: its versions are loaded. */
  trust({ versions }: EpochPlan): void {
    this.#suspicion.trust(versions, true)
  }

  /** A replica says what its silent thread was at: `thread 0: load model v3`. */
  onSilent({ incarnation }: Preparer, detail: string): void {
    this.#said.set(incarnation, detail)
  }

  /** A new scan: what was given up may be tried again. */
  onScan(): void {
    this.#mends.clear()
    this.#spared.clear()
  }

  /** Sentences about versions that serve although some replica cannot load them. */
  warnings(): string[] {
    return [...this.#spared.values()]
  }

  /** Draws conclusions from a round. Returns whether another plan follows from them. */
  take({ plan, isCommitted, ready, failures, lost }: Round): boolean {
    const { catalog, publisher } = this.#sources
    if (isCommitted && ready.some((replica) => publisher.isCurrent(replica))) {
      for (const version of plan.versions) catalog.onLoaded(version)
    }
    const found = new Map(failures.map(({ failure }) => [versionName(failure), failure]))
    const blamed = this.#blame(plan, lost, !isCommitted)
    if (blamed !== null) found.set(versionName(blamed), blamed)
    // What kills replicas is not tried again by itself.
    const mayRetry = (failure: PrepareFailure) => failure !== blamed
    if (ready.length > 0 && failures.length === 0) {
      this.#suspicion.trust(plan.versions, lost.length === 0)
      this.#mends.clear()
      if (lost.length === 0) this.#spared.clear()
    }
    return [...found.values()]
      .map((failure) => this.#fail(plan, failure, mayRetry(failure)))
      .includes(true)
  }

  #blame(plan: EpochPlan, lost: readonly LostReplica[], mayHold: boolean): PrepareFailure | null {
    const [first] = lost
    if (first === undefined) return null
    const { replica } = first
    // Those that answer come first: held back, they would take the others of their model along.
    const rank = (version: PlannedVersion) => (isVariant(plan, version) ? 0 : 1)
    const loading = first.loading.toSorted((a, b) => rank(a) - rank(b))
    const said = this.#said.get(replica.incarnation) ?? ''
    for (const each of lost) this.#said.delete(each.replica.incarnation)
    const suspect = loading.find((version) => said.endsWith(` load ${versionName(version)}`))
    // A load that hangs ends by the replica's own watchdog: it died, of a thread that was silent.
    const how = suspect === undefined ? first.how : 'silent'
    const blamed = this.#suspicion.blame({ how, loading, suspect: suspect ?? null }, mayHold)
    if (blamed === null) return null
    const { model, version } = blamed
    const end = how === 'died' ? 'died' : 'fell silent'
    const detail = `A replica ${end} while it loaded the version`
    return { model, version, code: 'PREPARE_FAILED', detail }
  }

  #fail(plan: EpochPlan, failure: PrepareFailure, mayRetry: boolean): boolean {
    const { catalog, logger, onDamaged } = this.#sources
    const name = versionName(failure)
    const version = plan.versions.find((each) => versionName(each) === name)
    if (version === undefined) return false
    const mends = this.#mends.get(name) ?? 0
    if (failure.code === 'DIGEST_MISMATCH' && mends < MENDS_MAX) {
      this.#mends.set(name, mends + 1)
      logger.warn({ event: 'proven_copy_damaged', ...failure }, 'a version is proved again')
      onDamaged(version)
      if (catalog.proveAgain(failure.model, failure.version)) return false
    }
    if (this.#isAnswering(version)) {
      this.#spared.set(name, `${name} serves, but not every replica can load it: ${failure.detail}`)
      logger.error({ event: 'prepare_failed', ...failure }, 'a replica cannot load a version')
      return false
    }
    logger.error({ event: 'version_failed', ...failure }, 'a version cannot serve')
    catalog.markFailed(version, failure, mayRetry)
    return true
  }

  /** A variant that some replica serves is not taken away because another cannot load it. */
  #isAnswering(version: PlannedVersion): boolean {
    const { plan } = this.#sources.publisher
    return plan !== null && isVariant(plan, version) && this.#isLoaded(version)
  }

  /** It is in the present epoch, and can be asked for in some replica. */
  #isServed(version: PlannedVersion): boolean {
    const present = this.#sources.publisher.plan?.versions ?? []
    const isPresent = present.some((each) => loadKey(each) === loadKey(version))
    return isPresent && this.#isLoaded(version)
  }

  #isLoaded(version: PlannedVersion): boolean {
    const { publisher } = this.#sources
    return publisher.replicas.some((each) => publisher.isLoadedIn(each, version))
  }
}
