/** Puts together what `GET /api/v1/status` and `/api/v1/models` answer. */

import {
  PROTOCOLS,
  REASON_OK,
  REQUESTS_AT,
  requestsIndex,
  slotKeyText,
  TOTAL_AT,
} from '../shared/counters.ts'
import type { EpochPlan, PlannedEndpoint } from '../shared/epoch-plan.ts'
import { quantileUs } from '../shared/latency-slots.ts'
import type { CatalogModel, CatalogVersion } from './catalog.ts'
import { batchPolicyOf } from './planner.ts'
import type { Snapshot } from './statistics.ts'
import type {
  EndpointStatus,
  ModelStatus,
  ModelsDocument,
  VersionState,
  VersionStatus,
} from './status-document.ts'

/** A batch that takes longer blocks its data thread noticeably (design §3, placement). */
const INLINE_RUN_US_MAX = 1000

const stateOf = (entry: CatalogVersion, isServed: boolean): VersionState => {
  if (entry.failure !== null) return 'failed'
  return isServed ? 'available' : 'loading'
}

const runUsOf = (entry: CatalogVersion, rowsMax: number): VersionStatus['runUs'] => {
  const runs = entry.report?.runUsByRows ?? []
  const first = runs[0]
  if (first === undefined) return null
  const full = runs.filter(([rows]) => rows <= Math.max(1, rowsMax)).at(-1) ?? first
  return { oneRow: first[1], fullBatch: full[1] }
}

const warningsOf = (entry: CatalogVersion, runUs: VersionStatus['runUs']): string[] => {
  const warnings: string[] = []
  const { report, scanned } = entry
  if (runUs !== null && runUs.fullBatch > INLINE_RUN_US_MAX) {
    const ms = (runUs.fullBatch / 1000).toFixed(1)
    warnings.push(`a full batch takes ${ms} ms and blocks its data thread meanwhile`)
  }
  if (report?.hasRowDimension === true && !report.batchingAgrees) {
    warnings.push(
      report.runUsByRows.length === 0
        ? 'it refused every made-up row, so requests are not batched; add an example_row to profile.json'
        : 'rows alone and in a batch differ: requests are not batched',
    )
  }
  if (scanned.manifest === null) warnings.push('no manifest.json: raw outputs, no named features')
  return warnings
}

const versionStatus = (
  model: CatalogModel,
  entry: CatalogVersion,
  plan: EpochPlan | null,
): VersionStatus => {
  const { scanned, report, failure } = entry
  const { name, config, aliases } = model.scanned
  const isServed =
    plan?.versions.some((p) => p.model === name && p.version === scanned.version) ?? false
  const batching = report === null ? null : batchPolicyOf(report, config)
  const runUs = runUsOf(entry, batching?.rowsMax ?? 1)
  return {
    version: scanned.version,
    state: stateOf(entry, isServed),
    aliases: Object.keys(aliases).filter((alias) => aliases[alias] === scanned.version),
    code: failure?.code ?? null,
    reason: failure?.detail ?? null,
    digest: report?.digest ?? null,
    signature: report?.signature ?? null,
    batching,
    runUs,
    memoryBytes: report?.memoryBytes ?? null,
    warnings: failure === null ? warningsOf(entry, runUs) : [],
  }
}

const unloaded = (version: number): VersionStatus => ({
  version,
  state: 'unloaded',
  aliases: [],
  code: null,
  reason: null,
  digest: null,
  signature: null,
  batching: null,
  runUs: null,
  memoryBytes: null,
  warnings: [],
})

const modelStatus = (model: CatalogModel, plan: EpochPlan | null): ModelStatus => {
  const { name, aliases, versions } = model.scanned
  return {
    name,
    aliases,
    versions: versions.map(({ version }) => {
      const entry = model.versions.get(version)
      return entry === undefined ? unloaded(version) : versionStatus(model, entry, plan)
    }),
  }
}

export const modelsDocument = (
  models: ReadonlyMap<string, CatalogModel>,
  plan: EpochPlan | null,
): ModelsDocument => ({
  models: [...models.values()].map((model) => modelStatus(model, plan)),
})

/** Sentences about models that an operator should read. */
export const modelWarnings = ({ models }: ModelsDocument): string[] =>
  models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, state, code, reason, warnings }) =>
      state === 'failed'
        ? [`${name} v${version} failed: ${code}: ${reason}`]
        : warnings.map((warning) => `${name} v${version}: ${warning}`),
    ),
  )

const requestSums = (values: Float64Array): { requests: number; failures: number } => {
  let requests = 0
  let ok = 0
  for (let i = REQUESTS_AT; i < TOTAL_AT; i++) requests += values[i]!
  for (let p = 0; p < PROTOCOLS.length; p++) ok += values[requestsIndex(p, REASON_OK)]!
  return { requests, failures: requests - ok }
}

const NO_COUNTERS = { requests: 0, failures: 0, p50Ms: 0, p99Ms: 0 }

const variantCounters = (
  endpoint: PlannedEndpoint,
  variant: PlannedEndpoint['variants'][number],
  snapshot: Snapshot | null,
) => {
  const key = slotKeyText({
    endpoint: endpoint.name,
    model: endpoint.model,
    version: String(variant.version),
    variant: variant.name,
    role: 'answer',
  })
  const values = snapshot?.slots.get(key)
  if (values === undefined) return NO_COUNTERS
  const p50Ms = quantileUs(values, TOTAL_AT, 0.5) / 1000
  const p99Ms = quantileUs(values, TOTAL_AT, 0.99) / 1000
  return { ...requestSums(values), p50Ms, p99Ms }
}

export const endpointStatuses = (
  plan: EpochPlan | null,
  snapshot: Snapshot | null,
): EndpointStatus[] =>
  (plan?.endpoints ?? []).map((endpoint) => ({
    name: endpoint.name,
    model: endpoint.model,
    revision: endpoint.revision,
    variants: endpoint.variants.map((variant) => ({
      name: variant.name,
      version: variant.version,
      weightBp: variant.weightBp,
      ...variantCounters(endpoint, variant, snapshot),
    })),
  }))
