/**
 * One epoch as a data thread serves it: everything that can be decided once is decided here, when
 * the epoch is prepared, so that a request only follows references.
 */

import type { WritePlan } from '../records/write-plan.ts'
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
import { OVERFLOW_SLOT, variantName } from '../shared/slot-keys.ts'
import { AnswerHead } from './answer-head.ts'
import type { AnswerHeads } from './exchange.ts'
import type { LiveVersion, LiveVersions } from './live-version.ts'
import { compileVariant, type VariantPlan } from './protocols/variant-plan.ts'
import { noEndpoint, writePlanAt } from './record-layouts.ts'
import type { PreparePlan } from './thread-messages.ts'

export interface LiveVariant extends AnswerHeads {
  readonly plan: VariantPlan
  readonly version: LiveVersion
  /** First double of its counter slot. */
  readonly counterBase: number
  /** How its requests are written down; null: they are not. */
  readonly records: WritePlan | null
}

export interface LiveEndpoint {
  readonly name: string
  readonly model: string
  readonly salt: string
  readonly variants: readonly LiveVariant[]
  /** The variant that has all the traffic; null when it is split, and `buckets` decide. */
  readonly only: LiveVariant | null
  /** Index of the variant by bucket; empty when one variant has all the traffic. */
  readonly buckets: Uint8Array
  /** Every version that can be asked for by number, variants included. */
  readonly pinned: ReadonlyMap<number, LiveVariant>
  /** Counter slot of requests that were refused before a variant was chosen. */
  readonly refusedBase: number
  /** How these are written down, and feedback; null: they are not. */
  readonly records: WritePlan | null
}

export interface LiveEpoch {
  readonly number: number
  readonly plan: EpochPlan
  readonly endpoints: ReadonlyMap<string, LiveEndpoint>
  readonly defaultEndpoint: LiveEndpoint | null
  readonly versions: readonly LiveVersion[]
  /** How feedback is written down that names no endpoint; null: it is not. */
  readonly records: WritePlan | null
  /** Requests that chose this epoch and are not answered yet. */
  inFlight: number
}

/** What `prepareEpoch` needs of its thread and of its agent. */
export interface EpochSurroundings extends Omit<PreparePlan, 'plan'> {
  readonly versions: LiveVersions
  readonly jsonDepthMax: number
}

const counterBase = ({ slots }: EpochSurroundings, key: SlotKey): number =>
  (slots[slotKeyText(key)] ?? OVERFLOW_SLOT) * SLOT_DOUBLES

/** Everything that decoders and encoders need: compiled here, so that no request pays for it. */
const variantPlan = (
  endpoint: PlannedEndpoint,
  { model, version, batching, signature, manifest }: PlannedVersion,
  binding: Binding,
  jsonDepthMax: number,
): VariantPlan => {
  const { rowsMax } = batching
  return compileVariant({
    endpoint: endpoint.name,
    model,
    version,
    variant: variantName(endpoint.variants, version),
    contract: endpoint.contract,
    binding,
    signature,
    manifest,
    rowStrides: rowsMax === 0 ? null : rowStridesOf(signature.inputs),
    rowsMax,
    jsonDepthMax,
  })
}

const liveVariant = (
  version: LiveVersion,
  plan: VariantPlan,
  records: WritePlan | null,
  epoch: number,
  surroundings: EpochSurroundings,
): LiveVariant => {
  const { endpoint, model, variant } = plan
  const key: SlotKey = {
    endpoint,
    model,
    version: String(plan.version),
    variant,
    role: 'answer',
  }
  return {
    version,
    counterBase: counterBase(surroundings, key),
    ...answerHeads(plan, epoch),
    ...{ plan, records },
  }
}

const answerHeads = ({ model, version, variant }: VariantPlan, epoch: number): AnswerHeads => {
  const pairs = [
    ['x-sluice-model', model],
    ['x-sluice-version', `${version}`],
    ['x-sluice-variant', variant],
    ['x-sluice-epoch', `${epoch}`],
  ] as const
  const lines = pairs.map(([name, value]) => `${name}: ${value}`)
  const headOf = (type: string) => {
    const first = ['200 OK', `content-type: application/${type}`]
    return new AnswerHead([...first, ...lines, 'x-sluice-prediction-id: '].join('\r\n'))
  }
  return { head: headOf('json'), binaryHead: headOf('octet-stream'), metadata: pairs.flat() }
}

/** The one variant with weight, or null. */
const onlyOf = (
  { variants }: PlannedEndpoint,
  pinned: ReadonlyMap<number, LiveVariant>,
): LiveVariant | null => {
  const weighted = variants.filter(({ weightBp }) => weightBp > 0)
  return weighted.length === 1 ? (pinned.get(weighted[0]!.version) ?? null) : null
}

const liveEndpoint = (
  endpoint: PlannedEndpoint,
  loaded: ReadonlyMap<PlannedVersion, LiveVersion>,
  epoch: number,
  surroundings: EpochSurroundings,
  failures: PrepareFailure[],
): LiveEndpoint => {
  const { name, model, salt, contract } = endpoint
  const pinned = new Map<number, LiveVariant>()
  for (const [planned, version] of loaded) {
    if (planned.model !== model) continue
    const binding = bind(contract, planned.signature, planned.manifest)
    if ('code' in binding) failures.push(failureOf(planned, binding))
    else {
      const plan = variantPlan(endpoint, planned, binding, surroundings.jsonDepthMax)
      const records = writePlanAt(surroundings.layouts, endpoint, planned)
      pinned.set(planned.version, liveVariant(version, plan, records, epoch, surroundings))
    }
  }
  const only = onlyOf(endpoint, pinned)
  return {
    name,
    model,
    salt,
    variants: endpoint.variants.flatMap(({ version }) => pinned.get(version) ?? []),
    only,
    buckets: only === null ? expandRuns(endpoint.bucketRuns) : new Uint8Array(0),
    pinned,
    refusedBase: counterBase(surroundings, {
      endpoint: name,
      model,
      version: '',
      variant: '',
      role: 'refused',
    }),
    records: writePlanAt(surroundings.layouts, endpoint, null),
  }
}

/** Codes of failures that say more than that a version cannot be prepared. */
const SPOKEN = ['BINDING_FAILED', 'DIGEST_MISMATCH', 'WARMUP_FAILED'] as const

const failureOf = ({ model, version }: PlannedVersion, refusal: Refusal): PrepareFailure => ({
  ...{ model, version },
  code: SPOKEN.find((code) => code === refusal.code) ?? 'PREPARE_FAILED',
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
    try {
      const number = surroundings.versionNumbers[index]!
      loaded.set(planned, surroundings.versions.acquire(planned, number))
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
  const records = writePlanAt(surroundings.layouts, noEndpoint(plan), null)
  const facts = { number: plan.epoch, plan, endpoints, defaultEndpoint, versions, records }
  return { epoch: { ...facts, inFlight: 0 }, failures }
}

/** Lets go of an epoch that no request is on any more. */
export const releaseEpoch = (epoch: LiveEpoch, versions: LiveVersions): void => {
  for (const version of epoch.versions) versions.release(version)
}
