/** Layouts of prediction records, made as the agent makes them. */

import { layoutOf, type RecordLayout } from '../../src/records/record-layout.ts'
import { contractOf } from '../../src/shared/contract.ts'
import type { PlannedEndpoint } from '../../src/shared/epoch-plan.ts'
import type { Manifest, ManifestFeature } from '../../src/shared/manifest.ts'
import { type EndpointRecordPolicy, UNRECORDED } from '../../src/shared/record-policy.ts'
import type { Signature } from '../../src/shared/tensor.ts'
import { plannedVersion } from './epoch-plans.ts'

/** Everything is recorded, as it is. */
export const RECORD_ALL: EndpointRecordPolicy = { ...UNRECORDED, isRecorded: true, patterns: [] }

/** A feature as a manifest has it; of `tensor` x unless told otherwise. */
export const manifestFeature = (
  given: Partial<ManifestFeature> & Pick<ManifestFeature, 'name'>,
): ManifestFeature => ({
  ...{ type: 'number', tensor: 'x', column: 0, optional: false, missing: Number.NaN },
  ...given,
})

export interface LayoutTerms {
  readonly signature: Signature
  readonly manifest?: Manifest | null
  readonly policy?: Partial<EndpointRecordPolicy>
  readonly rowsMax?: number
  readonly id?: number
}

/** The layout of variant `v3` of endpoint `flights`. */
export const recordLayout = (terms: LayoutTerms): RecordLayout => {
  const { signature, manifest = null, policy, rowsMax = 8, id = 1 } = terms
  const batching = { rowsMax, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 }
  const version = plannedVersion({ model: 'flights', version: 3, signature, manifest, batching })
  const endpoint = endpointOf(signature, manifest)
  return { id, ...layoutOf(endpoint, 'v3', version, { ...RECORD_ALL, ...policy }) }
}

/** The layout of what has no version: refusals before one is chosen, and feedback. */
export const endpointLayout = (
  policy: Partial<EndpointRecordPolicy> = {},
  id = 2,
): RecordLayout => {
  const endpoint = endpointOf({ inputs: [], outputs: [] }, null)
  return { id, ...layoutOf(endpoint, null, null, { ...RECORD_ALL, ...policy }) }
}

const endpointOf = (signature: Signature, manifest: Manifest | null): PlannedEndpoint => ({
  ...{ name: 'flights', model: 'flights', revision: 4, salt: 's', variants: [], bucketRuns: [] },
  contract: contractOf(signature, manifest),
  records: UNRECORDED,
})
