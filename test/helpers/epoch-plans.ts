/** Epoch plans as control makes them, over versions that need not exist. */

import { contractOf } from '../../src/shared/contract.ts'
import type {
  EpochPlan,
  PlannedEndpoint,
  PlannedVariant,
  PlannedVersion,
} from '../../src/shared/epoch-plan.ts'
import { INLINE } from '../../src/shared/placement.ts'
import { DEFAULT_QUEUE } from '../../src/shared/queue-policy.ts'
import { UNRECORDED } from '../../src/shared/record-policy.ts'
import { DEFAULT_SESSION } from '../../src/shared/session-settings.ts'
import type { Signature } from '../../src/shared/tensor.ts'

/** What `CountingSession` has, and `scaleAdd(2)`. */
export const PAIR_SIGNATURE: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
}

/** A version; its proven bytes are named after it unless told otherwise. */
export const plannedVersion = (
  given: Partial<PlannedVersion> & Pick<PlannedVersion, 'model' | 'version'>,
): PlannedVersion => ({
  digest: `published-${given.model}-${given.version}`,
  provenFile: '',
  provenSha256: `proven-${given.model}-${given.version}`,
  signature: PAIR_SIGNATURE,
  manifest: null,
  batching: { rowsMax: 8, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  exampleRow: null,
  session: DEFAULT_SESSION,
  warmups: [],
  warmupFiles: {},
  queue: DEFAULT_QUEUE,
  placement: INLINE,
  runUsByRows: [],
  ...given,
})

const runsOf = (variants: readonly PlannedVariant[]) =>
  variants.flatMap(({ weightBp }, i) => (weightBp > 0 ? [[weightBp, i] as const] : []))

/** An endpoint of a model; all traffic to its last version unless variants are given. */
const plannedEndpoint = (
  model: string,
  versions: readonly PlannedVersion[],
  variants: readonly PlannedVariant[] | undefined,
): PlannedEndpoint => {
  const { version, signature, manifest } = versions.at(-1)!
  const own = variants ?? [{ name: `v${version}`, version, weightBp: 10_000 }]
  return {
    name: model,
    model,
    revision: 1,
    contract: contractOf(signature, manifest),
    salt: 'salt',
    variants: own,
    bucketRuns: runsOf(own),
    records: UNRECORDED,
  }
}

/** A plan with one endpoint for each model. `variants`: of the models that are named. */
export const epochPlan = (
  epoch: number,
  versions: readonly PlannedVersion[],
  variants: Readonly<Record<string, readonly PlannedVariant[]>> = {},
): EpochPlan => {
  const byModel = Map.groupBy(versions, ({ model }) => model)
  const endpoints = [...byModel].map(([model, own]) => plannedEndpoint(model, own, variants[model]))
  const defaultEndpoint = endpoints.length === 1 ? endpoints[0]!.name : null
  return { epoch, versions, endpoints, unavailable: [], defaultEndpoint }
}
