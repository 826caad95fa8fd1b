/**
 * What control knows of every version: found by a scan, aspired to by policy, proved, prepared or
 * failed. State lives here; what follows from it (the plan) is `planner.ts`, pure.
 */

import type { RepositoryScan, ScannedModel, ScannedVersion } from '../registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../runtime/proving-report.ts'
import { aspiredVersions } from '../runtime/version-policy.ts'
import type { PrepareFailure } from '../shared/epoch-plan.ts'

export interface CatalogVersion {
  readonly scanned: ScannedVersion
  /** null while the proving run is under way. */
  report: ProvingReport | null
  failure: ProvingFailure | null
}

export interface CatalogModel {
  readonly scanned: ScannedModel
  /** Aspired versions only, by number. */
  readonly versions: ReadonlyMap<number, CatalogVersion>
}

export type ProveVersion = (
  model: ScannedModel,
  version: ScannedVersion,
) => Promise<ProvingReport | ProvingFailure>

/** A version whose proving run failed has no report. */
export const isFailure = (result: ProvingReport | ProvingFailure): result is ProvingFailure =>
  'code' in result

export class Catalog {
  readonly #prove: ProveVersion
  #models: ReadonlyMap<string, CatalogModel> = new Map()

  constructor(prove: ProveVersion) {
    this.#prove = prove
  }

  get models(): ReadonlyMap<string, CatalogModel> {
    return this.#models
  }

  /**
   * Takes over a scan and proves what is new in it; resolves when every aspired version has a
   * report or a failure. `serving`: versions that answer now, kept aspired although an alias has
   * left them, because they are what an endpoint falls back to.
   */
  async adopt(scan: RepositoryScan, serving: ReadonlyMap<string, number>): Promise<void> {
    const models = new Map<string, CatalogModel>()
    const proving: Promise<void>[] = []
    for (const scanned of scan.models) {
      const known = this.#models.get(scanned.name)
      if (scanned.isBroken && known !== undefined) {
        models.set(scanned.name, known)
        continue
      }
      const versions = new Map<number, CatalogVersion>()
      const wanted = new Set(aspiredVersions(scanned))
      const present = serving.get(scanned.name)
      if (present !== undefined) wanted.add(present)
      for (const version of scanned.versions) {
        if (!wanted.has(version.version)) continue
        const entry: CatalogVersion = { scanned: version, report: null, failure: version.fault }
        versions.set(version.version, entry)
        if (entry.failure === null) proving.push(this.#proveInto(entry, scanned))
      }
      models.set(scanned.name, { scanned, versions })
    }
    this.#models = models
    await Promise.all(proving)
  }

  async #proveInto(entry: CatalogVersion, model: ScannedModel): Promise<void> {
    const result = await this.#prove(model, entry.scanned)
    if (isFailure(result)) entry.failure = result
    else entry.report = result
  }

  /** Takes versions out that a replica could not prepare. */
  markFailed(failures: readonly PrepareFailure[]): void {
    for (const { model, version, code, detail } of failures) {
      const entry = this.#models.get(model)?.versions.get(version)
      if (entry !== undefined) entry.failure = { code, detail }
    }
  }
}
