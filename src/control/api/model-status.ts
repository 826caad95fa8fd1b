/** What `GET /api/v1/models` answers: every version, its state and why. */

import { formatProblem } from '../../config/problems.ts'
import type { ScannedModel } from '../../registry/folder.ts'
import { INLINE_RUN_US_MAX, shortageOf } from '../../runtime/placement.ts'
import type { ProvingFailure } from '../../runtime/proving-report.ts'
import type { PlannedVersion, PrepareFailure } from '../../shared/epoch-plan.ts'
import { gpusOf } from '../../shared/session-settings.ts'
import type { CatalogModel, CatalogVersion } from '../planning/catalog-version.ts'
import type { Attempt } from '../planning/load-retries.ts'
import { versionName } from '../planning/planned-version.ts'
import type { UnloadStatus } from '../replicas/replica-versions.ts'
import type { ModelStatus, ModelsDocument, VersionStatus } from './status-document.ts'

/** What replicas have made of the catalog. */
export interface ServedVersions {
  /** A version as the present epoch names it. */
  find(model: string, version: number): PlannedVersion | undefined
  /** Whether every replica has it loaded. */
  isAvailable(planned: PlannedVersion): boolean
  /** Sound versions that cannot keep the contract of their endpoint. */
  readonly unbound: readonly PrepareFailure[]
  /** By `versionName`: what some replica holds, whatever the present epoch says. */
  readonly held: ReadonlySet<string>
  readonly unloads: ReadonlyMap<string, readonly UnloadStatus[]>
}

const NOTHING: ServedVersions = {
  find: () => undefined,
  isAvailable: () => false,
  unbound: [],
  held: new Set(),
  unloads: new Map(),
}

const runUsOf = ({ report }: CatalogVersion, rowsMax: number): VersionStatus['runUs'] => {
  const runs = report?.runUsByRows ?? []
  const first = runs[0]
  if (first === undefined) return null
  const full = runs.filter(([rows]) => rows <= Math.max(1, rowsMax)).at(-1) ?? first
  return { oneRow: first[1], fullBatch: full[1] }
}

/** What works but deserves a look; `entry.warnings` come beside. */
export const notesOn = (
  { config }: ScannedModel,
  entry: CatalogVersion,
  planned: PlannedVersion,
): string[] => {
  const { failure, report } = entry
  const runUs = runUsOf(entry, planned.batching.rowsMax)
  const warnings: string[] = []
  if (failure !== null) {
    warnings.push(
      `serves as it was; what lies there now cannot: ${failure.code}: ${failure.detail}`,
    )
  }
  const isInline = planned.placement.kind === 'inline'
  if (isInline && runUs !== null && runUs.fullBatch > INLINE_RUN_US_MAX) {
    const ms = (runUs.fullBatch / 1000).toFixed(1)
    warnings.push(`a full batch takes ${ms} ms and blocks its data thread meanwhile`)
  }
  const shortage = shortageOf(planned.placement, gpusOf(planned.session), config.instances)
  if (shortage !== null) warnings.push(shortage)
  warnings.push(...(report?.warnings ?? []))
  const { preferredRows, rowsMax, mixesRequests } = planned.batching
  const beyond = preferredRows.filter((rows) => rows > rowsMax)
  if (mixesRequests && beyond.length > 0) {
    const sizes = beyond.join(', ')
    warnings.push(`preferred_batch_size ${sizes} is beyond the largest batch, ${rowsMax} rows`)
  }
  if (report?.hasRowDimension && rowsMax === 0) {
    warnings.push('max_batch_size 0 or absent: /predict and /v1 take one row a request')
  }
  if (planned.manifest === null) warnings.push('no manifest.json: raw outputs, no named features')
  return warnings
}

const versionStatus = (
  { scanned }: CatalogModel,
  entry: CatalogVersion,
  served: ServedVersions,
): VersionStatus => {
  const { name, aliases } = scanned
  const { sound, report, failure, isProving, attempt } = entry
  const { version } = entry.scanned
  const shared = {
    version,
    aliases: Object.keys(aliases).filter((alias) => aliases[alias] === version),
    unloads: served.unloads.get(versionName({ model: name, version })) ?? [],
  }
  const inEpoch = served.find(name, version)
  const planned = inEpoch ?? (failure === null ? sound : null)
  const unbound = served.unbound.find((each) => each.model === name && each.version === version)
  const fault = inEpoch === undefined ? (unbound ?? failure) : null
  if (fault?.code === 'FILES_CHANGING') {
    return { ...NOT_THERE, ...shared, state: 'loading', reason: fault.detail }
  }
  if (fault !== null && !isProving) return { ...failed(fault, attempt), ...shared }
  if (planned === null) return { ...NOT_THERE, ...shared, state: 'loading' }
  const { digest, signature, batching, session, placement } = planned
  return {
    ...NOT_THERE,
    ...shared,
    state: inEpoch !== undefined && served.isAvailable(inEpoch) ? 'available' : 'loading',
    ...{ digest, signature, batching, session, placement },
    runUs: runUsOf(entry, batching.rowsMax),
    memoryBytes: report?.memoryBytes ?? null,
    gpu: report?.gpu ?? null,
    warnings: [...notesOn(scanned, entry, planned), ...entry.warnings.map(formatProblem)],
  }
}

const NOT_THERE = {
  state: 'unloaded',
  code: null,
  reason: null,
  digest: null,
  signature: null,
  batching: null,
  session: null,
  placement: null,
  runUs: null,
  memoryBytes: null,
  gpu: null,
  unloads: [],
  warnings: [],
} as const

const failed = (
  { code, detail }: ProvingFailure,
  { note }: Attempt,
): Omit<VersionStatus, 'version' | 'aliases'> => ({
  ...NOT_THERE,
  state: code === 'VERSION_POISONED' ? 'poison' : 'failed',
  code,
  reason: note === '' ? detail : `${detail} (${note})`,
})

const modelStatus = (model: CatalogModel, served: ServedVersions): ModelStatus => {
  const { name, aliases, versions } = model.scanned
  return {
    name,
    aliases,
    versions: versions.map(({ version }) => {
      const entry = model.versions.get(version)
      if (entry === undefined) {
        const own = versionName({ model: name, version })
        const state = served.held.has(own) ? 'draining' : 'unloaded'
        const unloads = served.unloads.get(own) ?? []
        const isLeft = state === 'unloaded' && model.isWanted
        const reason = isLeft ? 'the version policy does not name it' : null
        return { ...NOT_THERE, version, aliases: [], state, reason, unloads }
      }
      return versionStatus(model, entry, served)
    }),
  }
}

/** `served`: null where no replica runs. */
export const modelsDocument = (
  models: ReadonlyMap<string, CatalogModel>,
  served: ServedVersions | null,
): ModelsDocument => ({
  models: [...models.values()].map((model) => modelStatus(model, served ?? NOTHING)),
})

/** Sentences about models that an operator should read. */
export const modelWarnings = ({ models }: ModelsDocument): string[] =>
  models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, state, code, reason, warnings }) =>
      state === 'failed' || state === 'poison'
        ? [`${name} v${version} failed: ${code}: ${reason}`]
        : warnings.map((warning) => `${name} v${version}: ${warning}`),
    ),
  )
