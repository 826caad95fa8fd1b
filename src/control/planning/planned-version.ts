/** A sound version as replicas are told of it. Pure. */

import { dirname, join } from 'node:path'
import type { ModelConfig } from '../../config/config.ts'
import type { ScannedModel, ScannedVersion } from '../../registry/folder.ts'
import type { ProvingReport } from '../../runtime/proving-report.ts'
import { bind, type Contract, contractOf } from '../../shared/contract.ts'
import type { BatchPolicy, PlannedVersion, PrepareFailure } from '../../shared/epoch-plan.ts'
import type { Placement } from '../../shared/placement.ts'
import { onCpu, type SessionSettings } from '../../shared/session-settings.ts'
import type { PlaceVersion, Unplaced } from './placements.ts'

/** Batching that the proving run found sound, within what the model's own settings allow. */
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

export const plannedVersion = (
  model: ScannedModel,
  scanned: ScannedVersion,
  report: ProvingReport,
  place: PlaceVersion,
): PlannedVersion => {
  const unplaced = unplacedVersion(model, scanned, report)
  return { ...unplaced, placement: placementOf(unplaced, model, report, place) }
}

/** Where a version belongs, given its proving run and what its settings ask for. */
export const placementOf = (
  version: Unplaced,
  { config }: ScannedModel,
  { memoryBytes }: ProvingReport,
  place: PlaceVersion,
): Placement => place(version, memoryBytes, { wish: config.placement, instances: config.instances })

/** As it asks, or on the CPU where the proving run found that it must. */
const sessionOf = ({ gpu }: ProvingReport, { config }: ScannedModel): SessionSettings =>
  gpu === null || gpu.use === 'used' ? config.session : onCpu(config.session)

const unplacedVersion = (
  model: ScannedModel,
  scanned: ScannedVersion,
  report: ProvingReport,
): Unplaced => ({
  model: model.name,
  version: scanned.version,
  digest: report.digest,
  provenFile: report.provenFile,
  provenSha256: report.provenSha256,
  signature: report.signature,
  manifest: scanned.manifest,
  batching: batchPolicyOf(report, model.config),
  exampleRow: scanned.exampleRow,
  bounds: scanned.bounds,
  session: sessionOf(report, model),
  queue: model.config.queue,
  runUsByRows: report.runUsByRows,
  warmups: model.config.warmups,
  warmupFiles: Object.fromEntries(
    Object.entries(report.warmupFiles).map(([name, sha256]) => {
      const path = join(dirname(report.provenFile), `${sha256}.data`)
      return [name, { path, sha256 }]
    }),
  ),
})

/** SHA-256 of the files in the state folder that a version needs. */
export const keptFiles = ({ provenSha256, warmupFiles }: PlannedVersion): string[] => [
  provenSha256,
  ...Object.values(warmupFiles).map(({ sha256 }) => sha256),
]

/** Why a version cannot keep a contract; without one: the contract that it gives itself. */
export const bindingFailure = (
  planned: PlannedVersion,
  contract: Contract = contractOf(planned.signature, planned.manifest),
): PrepareFailure | null => {
  const { model, version, signature, manifest } = planned
  const binding = bind(contract, signature, manifest)
  if (!('code' in binding)) return null
  return { model, version, code: 'BINDING_FAILED', detail: binding.detail }
}

/** `iris v3`: names a version in sentences and in maps. */
export const versionName = ({ model, version }: { model: string; version: number }): string =>
  `${model} v${version}`
