/**
 * What control knows of every version: found by a scan, aspired to by policy, proved, or failed.
 * Each change replaces what it changes; nobody sees half of one. State lives here; what follows
 * from it (the plan) is `planner.ts`, pure.
 */

import type { RepositoryScan, ScannedModel, ScannedVersion } from '../../registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../../runtime/proving-report.ts'
import { type EpochPlan, loadKey, type PlannedVersion } from '../../shared/epoch-plan.ts'
import { Barred } from './barred.ts'
import {
  aspiredOf,
  type CatalogModel,
  type CatalogVersion,
  entriesOf,
  isFailure,
  judge,
} from './catalog-version.ts'
import { type Attempt, failedAttempt, NO_ATTEMPT, type RetryPolicy } from './load-retries.ts'
import type { PlaceVersion } from './placements.ts'
import { keptFiles, placementOf } from './planned-version.ts'

export interface CatalogSources {
  /** Does not reject. */
  prove(model: ScannedModel, version: ScannedVersion): Promise<ProvingReport | ProvingFailure>
  readonly place: PlaceVersion
  /** The present epoch. */
  present(): Pick<EpochPlan, 'versions'> | null
  /** Whether a model is to be loaded at all. */
  isWanted(model: string): boolean
  retries(): RetryPolicy
  /** Monotonic milliseconds. */
  monotonic(): number
  /** A proving run has ended and its result is in `models`; null: it was sound. */
  onResult(model: string, failure: ProvingFailure | null): void
}

const NEVER = Number.POSITIVE_INFINITY

export class Catalog {
  readonly #sources: CatalogSources
  #models: ReadonlyMap<string, CatalogModel> = new Map()
  #hasScan = false
  readonly #barred = new Barred()

  constructor(sources: CatalogSources) {
    this.#sources = sources
  }

  get models(): ReadonlyMap<string, CatalogModel> {
    return this.#models
  }

  /** What replicas could not prepare since it was last read or tried again. */
  get barred(): Pick<Barred, 'has' | 'size'> {
    return this.#barred
  }

  /** Whether the repository has been read: before, nothing is known. */
  get hasScan(): boolean {
    return this.#hasScan
  }

  /** Whether the result of some proving run is still to come. */
  get isProving(): boolean {
    return this.#entries().some(({ isProving }) => isProving)
  }

  /** When the next version that failed is tried again by itself. Monotonic milliseconds. */
  get retryAtMs(): number {
    return Math.min(...this.#entries().map(({ attempt }) => attempt.retryAtMs ?? NEVER), NEVER)
  }

  /** SHA-256 of the files in the state folder that a plan may need. */
  copies(): string[] {
    return this.#entries().flatMap(({ sound }) => (sound === null ? [] : keptFiles(sound)))
  }

  #entries(): CatalogVersion[] {
    return [...this.#models.values()].flatMap(({ versions }) => [...versions.values()])
  }

  /**
   * Takes over a scan and has every aspired version proved, which the cache makes quick for what
   * has not changed. `serving`: the versions by model that answer now or did so last, kept too,
   * because they are what an endpoint falls back to.
   */
  take(scan: RepositoryScan, serving: ReadonlyMap<string, number>): void {
    this.#hasScan = true
    this.#barred.clear()
    this.#models = new Map(
      scan.models.map((scanned) => [
        scanned.name,
        this.#modelOf(scanned, serving.get(scanned.name)),
      ]),
    )
    for (const { name } of scan.models) this.#begin(name, this.#models.get(name)!.versions.values())
  }

  /** The same for one model, read by itself; null: it has gone. */
  takeModel(name: string, scanned: ScannedModel | null, serving: number | undefined): void {
    this.#barred.liftAll(name)
    const models = new Map(this.#models)
    if (scanned === null) models.delete(name)
    else models.set(name, this.#modelOf(scanned, serving))
    this.#models = new Map([...models].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (scanned !== null) this.#begin(name, this.#models.get(name)!.versions.values())
  }

  /** A model is not wanted any more; what is known of it beside its versions stays. */
  release(name: string): void {
    const model = this.#models.get(name)
    if (model === undefined) return
    this.#models = new Map(this.#models).set(name, { ...model, isWanted: false })
    this.#keep(name, () => false)
  }

  /** A model that could not be loaded is not wanted any more; why it could not stays known. */
  abandon(name: string): void {
    const model = this.#models.get(name)
    if (model === undefined) return
    for (const entry of model.versions.values()) this.#put(name, { ...entry, attempt: NO_ATTEMPT })
    const { versions } = this.#models.get(name)!
    this.#models = new Map(this.#models).set(name, { ...model, isWanted: false, versions })
  }

  /**
   * An epoch was committed: what is neither aspired to nor serves is forgotten, unless it has
   * failed on the way; what is aspired to since what served has failed is tried.
   */
  onCommitted(serving: ReadonlyMap<string, number>): void {
    for (const [name, { scanned, versions, isWanted }] of this.#models) {
      if (!isWanted) continue
      const wanted = new Set<number | undefined>(this.#wantedOf(scanned, versions))
      wanted.add(serving.get(name))
      const hasFailed = (version: number) => versions.get(version)!.failure !== null
      this.#keep(name, (version) => wanted.has(version) || hasFailed(version))
      this.#tryNext(name)
    }
  }

  #keep(name: string, isKept: (version: number) => boolean): void {
    const model = this.#models.get(name)!
    const versions = new Map([...model.versions].filter(([version]) => isKept(version)))
    if (versions.size === model.versions.size) return
    // One that is wanted again later is tried as if it were new.
    const gone = [...model.versions.keys()].filter((version) => !versions.has(version))
    for (const version of gone) this.#barred.liftAll(name, version)
    this.#models = new Map(this.#models).set(name, { ...model, versions })
  }

  #modelOf(scanned: ScannedModel, serving: number | undefined): CatalogModel {
    const known = this.#models.get(scanned.name)
    const isWanted = this.#sources.isWanted(scanned.name)
    if (!isWanted) return { scanned, broken: null, isWanted, versions: new Map() }
    // Settings that cannot be read: what was known of the model before stays.
    if (scanned.isBroken && known?.isWanted) {
      const [broken = null] = scanned.faults
      const versions = [...known.versions].map(
        ([version, entry]) => [version, { ...entry, failure: broken }] as const,
      )
      const { faults } = scanned
      const kept = { ...known.scanned, faults }
      return { broken, isWanted, scanned: kept, versions: new Map(versions) }
    }
    const wanted = new Set([...this.#wantedOf(scanned, new Map()), serving])
    const versions = scanned.versions.filter(({ version }) => wanted.has(version))
    return { scanned, isWanted, broken: null, versions: entriesOf(versions, known?.versions) }
  }

  #wantedOf(scanned: ScannedModel, known: CatalogModel['versions']): number[] {
    const { name } = scanned
    const served = this.#sources.present()?.versions ?? []
    const isServed = (version: number) =>
      served.some((each) => each.model === name && each.version === version)
    return aspiredOf(scanned, (version) => {
      const entry = known.get(version)
      return entry !== undefined && this.#isHopeless(entry) && !isServed(version)
    })
  }

  /** Whether nothing that was found of a version can serve. */
  #isHopeless({ sound, isProving }: CatalogVersion): boolean {
    return !isProving && (sound === null || this.#barred.has(loadKey(sound)))
  }

  #begin(name: string, entries: Iterable<CatalogVersion>): void {
    const { scanned: model } = this.#models.get(name)!
    for (const { scanned, isProving } of entries) {
      if (!isProving) continue
      void this.#sources
        .prove(model, scanned)
        .then((result) => this.#onResult(model, scanned, result))
    }
  }

  #onResult(
    model: ScannedModel,
    scanned: ScannedVersion,
    result: ProvingReport | ProvingFailure,
  ): void {
    const { name } = model
    const { versions, broken = null } = this.#models.get(name) ?? {}
    const entry = versions?.get(scanned.version)
    // Another scan has found it anew, and has it proved again.
    if (entry === undefined || entry.scanned !== scanned) return
    const report = isFailure(result) ? null : result
    const judgement = judge(model, scanned, result, this.#sources.place)
    const { failure } = judgement
    this.#put(name, {
      ...{ ...entry, ...judgement, failure: broken ?? failure },
      report: report ?? entry.report,
      // Proved, it may still fail in replicas, as it may have before: that counts on.
      attempt: failure === null ? entry.attempt : this.#failedOnce(entry, failure),
      isProving: false,
    })
    this.#tryNext(name)
    this.#sources.onResult(name, failure)
  }

  #failedOnce({ attempt }: CatalogVersion, { code }: ProvingFailure): Attempt {
    const { retries, monotonic } = this.#sources
    return failedAttempt(code, attempt.tries, retries(), monotonic())
  }

  #put(name: string, entry: CatalogVersion): void {
    const model = this.#models.get(name)
    if (model === undefined) return
    const versions = new Map(model.versions).set(entry.scanned.version, entry)
    this.#models = new Map(this.#models).set(name, { ...model, versions })
  }

  /** The policy may want other versions, now that it is known which have failed. */
  #tryNext(name: string): void {
    const { scanned, versions } = this.#models.get(name)!
    const wanted = this.#wantedOf(scanned, versions).filter((version) => !versions.has(version))
    const added = entriesOf(scanned.versions.filter(({ version }) => wanted.includes(version)))
    for (const entry of added.values()) this.#put(name, entry)
    this.#begin(name, added.values())
  }

  /** Places every version anew: more is known of their runs. */
  placeAnew(): void {
    for (const [name, { scanned, versions }] of this.#models) {
      for (const { sound, report, ...rest } of versions.values()) {
        if (sound === null || report === null) continue
        const placement = placementOf(sound, scanned, report, this.#sources.place)
        this.#put(name, { ...rest, report, sound: { ...sound, placement } })
      }
    }
  }

  /**
   * Takes out what replicas cannot prepare. With `mayRetry` it is tried again by itself, if what
   * failed may pass; else when its model is read again.
   */
  markFailed(planned: PlannedVersion, failure: ProvingFailure, mayRetry: boolean): void {
    const { model, version } = planned
    this.#barred.add(planned)
    const entry = this.#models.get(model)?.versions.get(version)
    if (entry === undefined) return
    const isTried = mayRetry && entry.scanned.fault === null
    const attempt = isTried ? this.#failedOnce(entry, failure) : NO_ATTEMPT
    this.#put(model, { ...entry, failure, attempt })
    this.#tryNext(model)
  }

  /** Replicas have loaded it: that they could not before is past, unless it is poison. */
  onLoaded(planned: PlannedVersion): void {
    const { versions, broken = null } = this.#models.get(planned.model) ?? {}
    const entry = versions?.get(planned.version)
    if (entry?.failure?.code === 'VERSION_POISONED') return
    this.#barred.lift(planned)
    if (!entry?.sound || loadKey(entry.sound) !== loadKey(planned)) return
    this.#put(planned.model, { ...entry, failure: broken, attempt: NO_ATTEMPT })
  }

  /** Tries again what is due. */
  retry(nowMs: number): void {
    for (const [name, { versions }] of this.#models) {
      for (const [version, { attempt }] of versions) {
        if (attempt.retryAtMs === null || attempt.retryAtMs > nowMs) continue
        this.#barred.liftAll(name, version)
        this.proveAgain(name, version)
      }
    }
  }

  /** Has a version proved once more, if it can be; until that is done it stays what it is. */
  proveAgain(model: string, version: number): boolean {
    const entry = this.#models.get(model)?.versions.get(version)
    if (entry === undefined) return false
    const isProving = entry.scanned.fault === null
    // Whether or not it can be tried: what stays due would be due for ever.
    const again = { ...entry, attempt: { ...entry.attempt, retryAtMs: null }, isProving }
    this.#put(model, again)
    this.#begin(model, [again])
    return isProving
  }
}
