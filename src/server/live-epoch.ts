/**
 * One epoch as a data thread serves it: everything that can be decided once is decided here, when
 * the epoch is prepared, so that a request only follows references.
 */

import { expandRuns } from '../routing/bucket-table.ts'
import { rowStridesOf } from '../runtime/batch.ts'
import { type Binding, bind } from '../shared/contract.ts'
import { SLOT_DOUBLES, type SlotKey, slotKeyText } from '../shared/counters.ts'
import type {
  EpochPlan,
  PlannedEndpoint,
  PlannedVersion,
  PrepareFailure,
} from '../shared/epoch-plan.ts'
import { GatewayError, type Refusal } from '../shared/errors.ts'
import { variantName } from '../shared/slot-keys.ts'
import type { LiveVersion, LiveVersions } from './live-version.ts'
import type { VariantPlan } from './protocols/protocol.ts'

export interface LiveVariant {
  readonly name: string
  readonly plan: VariantPlan
  readonly version: LiveVersion
  /** First double of its counter slot. */
  readonly counterBase: number
  /** `x-sluice-model`, `-version`, `-variant`, `-epoch`: one block, written as it stands. */
  readonly headerLines: string
}

export interface LiveEndpoint {
  readonly name: string
  readonly model: string
  readonly salt: string
  readonly variants: readonly LiveVariant[]
  /** Index of the variant by bucket; null when one variant has all the traffic. */
  readonly buckets: Uint8Array | null
  /** Every version that can be asked for by number, variants included. */
  readonly pinned: ReadonlyMap<number, LiveVariant>
  /** Counter slot of requests that were refused before a variant was chosen. */
  readonly refusedBase: number
}

export interface LiveEpoch {
  readonly number: number
  readonly plan: EpochPlan
  readonly endpoints: ReadonlyMap<string, LiveEndpoint>
  readonly defaultEndpoint: LiveEndpoint | null
  readonly versions: readonly LiveVersion[]
  /** Requests that chose this epoch and are not answered yet. */
  inFlight: number
}

/** What `prepareEpoch` needs of its thread. */
export interface EpochSurroundings {
  readonly versions: LiveVersions
  /** Counter slot by slotKeyText, assigned by the agent. */
  readonly slots: Readonly<Record<string, number>>
  readonly jsonDepthMax: number
  onLoading(versionIndex: number): void
}

const counterBase = (surroundings: EpochSurroundings, key: SlotKey): number =>
  (surroundings.slots[slotKeyText(key)] ?? 0) * SLOT_DOUBLES

const liveVariant = (
  endpoint: PlannedEndpoint,
  version: LiveVersion,
  binding: Binding,
  epoch: number,
  surroundings: EpochSurroundings,
): LiveVariant => {
  const { planned } = version
  const name = variantName(endpoint.variants, planned.version)
  const key: SlotKey = {
    endpoint: endpoint.name,
    model: planned.model,
    version: String(planned.version),
    variant: name,
    role: 'answer',
  }
  const rowsMax = planned.batching.rowsMax
  return {
    name,
    version,
    counterBase: counterBase(surroundings, key),
    headerLines: [
      `x-sluice-model: ${planned.model}`,
      `x-sluice-version: ${planned.version}`,
      `x-sluice-variant: ${name}`,
      `x-sluice-epoch: ${epoch}`,
    ].join('\r\n'),
    plan: {
      endpoint: endpoint.name,
      model: planned.model,
      version: planned.version,
      variant: name,
      contract: endpoint.contract,
      binding,
      signature: planned.signature,
      manifest: planned.manifest,
      rowStrides: rowsMax === 0 ? null : rowStridesOf(planned.signature.inputs),
      rowsMax,
      jsonDepthMax: surroundings.jsonDepthMax,
    },
  }
}

const liveEndpoint = (
  endpoint: PlannedEndpoint,
  loaded: ReadonlyMap<PlannedVersion, LiveVersion>,
  epoch: number,
  surroundings: EpochSurroundings,
  failures: PrepareFailure[],
): LiveEndpoint => {
  const pinned = new Map<number, LiveVariant>()
  for (const [planned, version] of loaded) {
    if (planned.model !== endpoint.model) continue
    const binding = bind(endpoint.contract, planned.signature, planned.manifest)
    if ('code' in binding) failures.push(failureOf(planned, binding))
    else {
      const variant = liveVariant(endpoint, version, binding, epoch, surroundings)
      pinned.set(planned.version, variant)
    }
  }
  const variants = endpoint.variants.flatMap(({ version }) => pinned.get(version) ?? [])
  const isSplit = endpoint.variants.filter(({ weightBp }) => weightBp > 0).length > 1
  const key: SlotKey = {
    endpoint: endpoint.name,
    model: endpoint.model,
    version: '',
    variant: '',
    role: 'refused',
  }
  return {
    name: endpoint.name,
    model: endpoint.model,
    salt: endpoint.salt,
    variants,
    buckets: isSplit ? expandRuns(endpoint.bucketRuns) : null,
    pinned,
    refusedBase: counterBase(surroundings, key),
  }
}

const failureOf = (planned: PlannedVersion, refusal: Refusal): PrepareFailure => ({
  model: planned.model,
  version: planned.version,
  code:
    refusal.code === 'BINDING_FAILED' || refusal.code === 'DIGEST_MISMATCH'
      ? refusal.code
      : 'PREPARE_FAILED',
  detail: refusal.detail,
})

/**
 * Loads and binds everything a plan names. Blocks while sessions are made. A version that fails is
 * reported, not thrown; an epoch with failures must not be committed, only released.
 */
export const prepareEpoch = (
  plan: EpochPlan,
  surroundings: EpochSurroundings,
): { epoch: LiveEpoch; failures: PrepareFailure[] } => {
  const failures: PrepareFailure[] = []
  const loaded = new Map<PlannedVersion, LiveVersion>()
  for (const [index, planned] of plan.versions.entries()) {
    surroundings.onLoading(index)
    try {
      loaded.set(planned, surroundings.versions.acquire(planned))
    } catch (thrown) {
      const { code, message, cause } = GatewayError.from(thrown)
      const detail = cause instanceof Error && code === 'INTERNAL' ? cause.message : message
      failures.push(failureOf(planned, { code, detail }))
    }
  }
  const endpoints = new Map<string, LiveEndpoint>()
  for (const endpoint of plan.endpoints) {
    const live = liveEndpoint(endpoint, loaded, plan.epoch, surroundings, failures)
    endpoints.set(endpoint.name, live)
  }
  const defaultEndpoint =
    plan.defaultEndpoint === null ? null : (endpoints.get(plan.defaultEndpoint) ?? null)
  const versions = [...loaded.values()]
  return {
    epoch: { number: plan.epoch, plan, endpoints, defaultEndpoint, versions, inFlight: 0 },
    failures,
  }
}

/** Lets go of an epoch that no request is on any more. */
export const releaseEpoch = (epoch: LiveEpoch, versions: LiveVersions): void => {
  for (const version of epoch.versions) versions.release(version)
}
