/** Plans that come from replicas, of this release or another. */

import { decodePlan, type EpochPlan } from '../../shared/epoch-plan.ts'
import { isEndpoint } from '../state/stored-epoch.ts'

const isWhole = ({ epoch, versions, endpoints, unavailable }: EpochPlan): boolean =>
  Number.isSafeInteger(epoch) &&
  epoch > 0 &&
  Array.isArray(unavailable) &&
  endpoints.every(isEndpoint) &&
  versions.every(
    ({ model, provenSha256, signature }) =>
      [model, provenSha256].every((text) => typeof text === 'string') &&
      Array.isArray(signature.inputs),
  )

/** The plan that a replica says it serves; null when it has none that this release can read. */
export const readPlan = (bytes: Uint8Array): EpochPlan | null => {
  if (bytes.length === 0) return null
  try {
    const plan = decodePlan(bytes)
    return isWhole(plan) ? plan : null
  } catch {
    return null
  }
}
