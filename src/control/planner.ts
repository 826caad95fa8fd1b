/** From the catalog to an epoch plan. Pure: the same catalog gives the same plan. */

import type { ModelConfig } from '../config/config.ts'
import { layOut } from '../routing/bucket-table.ts'
import type { ProvingReport } from '../runtime/proving-report.ts'
import { bind, contractOf } from '../shared/contract.ts'
import type {
  BatchPolicy,
  EpochPlan,
  PlannedEndpoint,
  PlannedVersion,
  PrepareFailure,
} from '../shared/epoch-plan.ts'
import type { CatalogModel, CatalogVersion } from './catalog.ts'

export type PlanBody = Omit<EpochPlan, 'epoch'>

export interface PlanResult {
  readonly body: PlanBody
  /** Versions that are sound but cannot keep their endpoint's contract. */
  readonly unbound: readonly PrepareFailure[]
}

/** Batching that the proving run found sound, within what model.yaml allows. */
export const batchPolicyOf = (report: ProvingReport, config: ModelConfig): BatchPolicy => {
  const allowed = config.maxBatchSize ?? report.batchCap
  const rowsMax = report.hasRowDimension ? Math.min(allowed, report.batchCap) : 0
  return {
    rowsMax,
    mixesRequests: rowsMax > 0 && report.batchingAgrees,
    preferredRows: config.preferredBatchSize,
    queueDelayUsMax: config.maxQueueDelayUs,
  }
}

const plannedVersion = (model: CatalogModel, entry: CatalogVersion): PlannedVersion | null => {
  const { report, scanned } = entry
  if (report === null || entry.failure !== null) return null
  return {
    model: model.scanned.name,
    version: scanned.version,
    digest: report.digest,
    provenFile: report.provenFile,
    provenSha256: report.provenSha256,
    signature: report.signature,
    manifest: scanned.manifest,
    batching: batchPolicyOf(report, model.scanned.config),
    exampleRow: scanned.exampleRow,
  }
}

/**
 * The version that answers an implicit endpoint: `champion` while it is sound; if it is not, the
 * version that answers now; without that alias, or as a last resort, the highest sound one.
 */
export const chooseVersion = (
  champion: number | undefined,
  sound: readonly number[],
  serving: number | undefined,
): number | null => {
  if (champion !== undefined && sound.includes(champion)) return champion
  if (champion !== undefined && serving !== undefined && sound.includes(serving)) return serving
  return sound.length === 0 ? null : Math.max(...sound)
}

const endpointOf = (
  model: CatalogModel,
  versions: readonly PlannedVersion[],
  serving: number | undefined,
  revision: number,
): PlannedEndpoint | null => {
  const { name, aliases } = model.scanned
  const numbers = versions.map(({ version }) => version)
  const chosen = chooseVersion(aliases['champion'], numbers, serving)
  const champion = versions.find(({ version }) => version === chosen)
  if (champion === undefined) return null
  return {
    name,
    model: name,
    revision,
    contract: contractOf(champion.signature, champion.manifest),
    salt: name,
    variants: [{ name: `v${champion.version}`, version: champion.version, weightBp: 10_000 }],
    bucketRuns: layOut([10_000]),
  }
}

export interface PlanInputs {
  readonly models: ReadonlyMap<string, CatalogModel>
  /** From sluice.yaml; null: the only endpoint, if there is just one. */
  readonly defaultEndpoint: string | null
  /** The endpoints of the present epoch. */
  readonly previous: readonly PlannedEndpoint[]
}

/** Endpoints by name and the version that has most of their traffic. */
export const servingVersions = (
  endpoints: readonly PlannedEndpoint[],
): ReadonlyMap<string, number> =>
  new Map(
    endpoints.flatMap(({ model, variants }) => {
      const first = [...variants].sort((a, b) => b.weightBp - a.weightBp)[0]
      return first === undefined ? [] : [[model, first.version] as const]
    }),
  )

const withRevision = (
  endpoint: PlannedEndpoint,
  previous: PlannedEndpoint | undefined,
): PlannedEndpoint => {
  if (previous === undefined) return { ...endpoint, revision: 1 }
  const unchanged = { ...endpoint, revision: previous.revision }
  const isSame = JSON.stringify(unchanged) === JSON.stringify(previous)
  return isSame ? unchanged : { ...endpoint, revision: previous.revision + 1 }
}

export const makePlan = ({ models, defaultEndpoint, previous }: PlanInputs): PlanResult => {
  const serving = servingVersions(previous)
  const versions: PlannedVersion[] = []
  const endpoints: PlannedEndpoint[] = []
  const unavailable: string[] = []
  const unbound: PrepareFailure[] = []
  for (const [name, model] of models) {
    const sound = [...model.versions.values()].flatMap(
      (entry) => plannedVersion(model, entry) ?? [],
    )
    const endpoint = endpointOf(model, sound, serving.get(name), 0)
    if (endpoint === null) {
      unavailable.push(name)
      continue
    }
    const before = previous.find((candidate) => candidate.name === name)
    endpoints.push(withRevision(endpoint, before))
    for (const version of sound) {
      const binding = bind(endpoint.contract, version.signature, version.manifest)
      if (!('code' in binding)) versions.push(version)
      else {
        const { detail } = binding
        unbound.push({ model: name, version: version.version, code: 'BINDING_FAILED', detail })
      }
    }
  }
  const names = endpoints.map(({ name }) => name)
  const chosen = defaultEndpoint ?? (names.length === 1 ? names[0]! : null)
  const isServed = chosen !== null && names.includes(chosen)
  return {
    body: { versions, endpoints, unavailable, defaultEndpoint: isServed ? chosen : null },
    unbound,
  }
}
