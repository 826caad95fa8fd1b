/** What control knows of one version, and what follows from that alone. Pure. */

import type { ConfigProblem } from '../../config/config.ts'
import type { RepositoryFault, ScannedModel, ScannedVersion } from '../../registry/folder.ts'
import type { ProvingFailure, ProvingReport } from '../../runtime/proving-report.ts'
import { aspiredVersions } from '../../runtime/version-policy.ts'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import { declaredFault, declaredWarnings, placedFailure } from '../repository/declared-tensors.ts'
import { type Attempt, NO_ATTEMPT } from './load-retries.ts'
import type { PlaceVersion } from './placements.ts'
import { bindingFailure, plannedVersion } from './planned-version.ts'

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
  /** How often it has failed in a row, and whether it is tried again by itself. */
  readonly attempt: Attempt
}

export interface CatalogModel {
  readonly scanned: ScannedModel
  /** Why its settings cannot be read now; what is known of it is by those before. */
  readonly broken: RepositoryFault | null
  /** Whether it is to be loaded at all; always, but in the explicit mode. */
  readonly isWanted: boolean
  /** Aspired versions, those that failed on the way to one, and what serves; by number. */
  readonly versions: ReadonlyMap<number, CatalogVersion>
}

/** Entries of versions to be proved. What was sound before stays so until its result is there. */
export const entriesOf = (
  versions: readonly ScannedVersion[],
  known: CatalogModel['versions'] = new Map(),
): CatalogModel['versions'] =>
  new Map(
    versions.map((scanned): [number, CatalogVersion] => {
      const { version, fault } = scanned
      const { report = null, sound = null, warnings = [] } = known.get(version) ?? {}
      const isProving = fault === null
      const kept = { report, sound: isProving ? sound : null, warnings, attempt: NO_ATTEMPT }
      return [version, { scanned, ...kept, failure: fault, isProving }]
    }),
  )

/** A version whose proving run failed has no report. */
export const isFailure = (result: ProvingReport | ProvingFailure): result is ProvingFailure =>
  'code' in result

/** What a proving run makes of a version. One that cannot keep its promises is as good as none. */
export const judge = (
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

/** Versions of a model that should be loaded, given which have failed. Pure. */
export const aspiredOf = (
  { aliases, config, versions }: ScannedModel,
  hasFailed: (version: number) => boolean,
): number[] =>
  aspiredVersions({
    aliases,
    policy: config.versionPolicy,
    versions: versions.map(({ version, fault }) => ({
      ...{ version, fault },
      hasFailed: hasFailed(version),
    })),
  })
