/**
 * What control knows of every version: found by a scan, aspired to by policy, proved, or failed.
 * Each change replaces what it changes; nobody sees half of one. State lives here; what follows
 * from it (the plan) is `planner.ts`, pure.
 */

import type { ConfigProblem } from '../config/config.ts'
import type {
  RepositoryFault,
  RepositoryScan,
  ScannedModel,
  ScannedVersion,
} from '../registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../runtime/proving-report.ts'
import { aspiredVersions } from '../runtime/version-policy.ts'
import { type EpochPlan, loadKey, type PlannedVersion } from '../shared/epoch-plan.ts'
import { declaredFault, declaredWarnings, placedFailure } from './declared-tensors.ts'
import type { PlaceVersion } from './placements.ts'
import { bindingFailure, keptFiles, placementOf, plannedVersion } from './planned-version.ts'

export interface CatalogVersion {
  readonly scanned: ScannedVersion
  /** Of the last sound proving run under this control. */
  readonly report: ProvingReport | null
  /** What the last proving run found sound, to be planned; null when it failed, or had none. */
  readonly sound: PlannedVersion | null
  /** Why what lies there now cannot serve. */
  readonly failure: RepositoryFault | null
  /** Of the last proving run: where it does other than its config.pbtxt declares. */
  readonly warnings: readonly ConfigProblem[]
  readonly isProving: boolean
}

export interface CatalogModel {
  readonly scanned: ScannedModel
  /** Why its settings cannot be read now; what is known of it is by those before. */
  readonly broken: RepositoryFault | null
  /** Aspired versions only, by number. */
  readonly versions: ReadonlyMap<number, CatalogVersion>
}

export type ProveVersion = (
  model: ScannedModel,
  version: ScannedVersion,
) => Promise<ProvingReport | ProvingFailure>

export interface CatalogSources {
  /** Does not reject. */
  prove: ProveVersion
  readonly place: PlaceVersion
  /** The present epoch. */
  present(): Pick<EpochPlan, 'versions'> | null
  /** A proving run has ended and its result is in `models`. */
  onResult(): void
}

/** Entries of versions to be proved. What was sound before stays so until its result is there. */
const entriesOf = (
  versions: readonly ScannedVersion[],
  known: CatalogModel['versions'] = new Map(),
): CatalogModel['versions'] =>
  new Map(
    versions.map((scanned): [number, CatalogVersion] => {
      const { version, fault } = scanned
      const { report = null, sound = null, warnings = [] } = known.get(version) ?? {}
      const isProving = fault === null
      const kept = { report, sound: isProving ? sound : null, warnings }
      return [version, { scanned, ...kept, failure: fault, isProving }]
    }),
  )

/** A version whose proving run failed has no report. */
export const isFailure = (result: ProvingReport | ProvingFailure): result is ProvingFailure =>
  'code' in result

/** What a proving run makes of a version. One that cannot keep its promises is as good as none. */
const judge = (
  model: ScannedModel,
  scanned: ScannedVersion,
  result: ProvingReport | ProvingFailure,
  place: PlaceVersion,
): Pick<CatalogVersion, 'sound' | 'failure' | 'warnings'> => {
  if (isFailure(result)) return { ...NOT_SOUND, failure: placedFailure(model, result) }
  const planned = plannedVersion(model, scanned, result, place)
  const failure = declaredFault(model, scanned.version, result.signature) ?? bindingFailure(planned)
  if (failure !== null) return { ...NOT_SOUND, failure }
  return { sound: planned, failure, warnings: declaredWarnings(model.config, result.signature) }
}

const NOT_SOUND = { sound: null, warnings: [] }

export class Catalog {
  readonly #sources: CatalogSources
  #models: ReadonlyMap<string, CatalogModel> = new Map()
  #hasScan = false
  readonly #barred = new Set<string>()

  constructor(sources: CatalogSources) {
    this.#sources = sources
  }

  get models(): ReadonlyMap<string, CatalogModel> {
    return this.#models
  }

  /** Whether the repository has been read: before, nothing is known. */
  get hasScan(): boolean {
    return this.#hasScan
  }

  /** `loadKey` of what replicas could not prepare since the last scan. */
  get barred(): ReadonlySet<string> {
    return this.#barred
  }

  /** Whether the result of some proving run is still to come. */
  get isProving(): boolean {
    return this.#entries().some(({ isProving }) => isProving)
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
   * has not changed. `serving`: the versions by model that answer now or did so last, aspired too,
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

  #modelOf(scanned: ScannedModel, serving: number | undefined): CatalogModel {
    const known = this.#models.get(scanned.name)
    // Settings that cannot be read: what was known of the model before stays.
    if (scanned.isBroken && known !== undefined) {
      const [broken = null] = scanned.faults
      const versions = [...known.versions].map(
        ([version, entry]) => [version, { ...entry, failure: broken }] as const,
      )
      const { faults } = scanned
      return { broken, scanned: { ...known.scanned, faults }, versions: new Map(versions) }
    }
    const wanted = new Set([...this.#wantedOf(scanned, new Map()), serving])
    const versions = scanned.versions.filter(({ version }) => wanted.has(version))
    return { scanned, broken: null, versions: entriesOf(versions, known?.versions) }
  }

  #wantedOf(scanned: ScannedModel, known: CatalogModel['versions']): number[] {
    const { name, aliases, versions } = scanned
    const served = this.#sources.present()?.versions ?? []
    const isServed = (version: number) =>
      served.some((each) => each.model === name && each.version === version)
    return aspiredVersions({
      aliases,
      versions: versions.map(({ version, fault }) => {
        const entry = known.get(version)
        const hasFailed = entry !== undefined && this.#isHopeless(entry) && !isServed(version)
        return { version, fault, hasFailed }
      }),
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
    this.#put(name, {
      ...{ ...entry, ...judgement, failure: broken ?? judgement.failure },
      report: report ?? entry.report,
      isProving: false,
    })
    this.#tryNext(name)
    this.#sources.onResult()
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

  /** Takes out what replicas cannot prepare. The next scan tries it again. */
  markFailed(planned: PlannedVersion, failure: ProvingFailure): void {
    const { model, version } = planned
    this.#barred.add(loadKey(planned))
    const entry = this.#models.get(model)?.versions.get(version)
    if (entry === undefined) return
    this.#put(model, { ...entry, failure })
    this.#tryNext(model)
  }

  /** Has a version proved once more, if it can be; until that is done it stays what it is. */
  proveAgain(model: string, version: number): boolean {
    const entry = this.#models.get(model)?.versions.get(version)
    if (entry === undefined || entry.scanned.fault !== null) return false
    const again = { ...entry, isProving: true }
    this.#put(model, again)
    this.#begin(model, [again])
    return true
  }
}
