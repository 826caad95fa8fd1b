/** Endpoints that are not in a plan: not there yet, not wanted, or unavailable. */

import { type Contract, contractOf } from '../../shared/contract.ts'
import type { PlannedEndpoint, PlannedVersion } from '../../shared/epoch-plan.ts'
import type { CatalogModel } from './catalog-version.ts'

export interface EndpointAway {
  readonly name: string
  /** What it has, or had when it last served; null: nobody knows yet. */
  readonly features: readonly string[] | null
  /** Names of the outputs of all its versions. */
  readonly outputs: readonly string[] | null
}

const namesIn = ({ features, tensors }: Contract): string[] =>
  (features.length === 0 ? tensors : features).map(({ name }) => name)

/** `found` of what was seen; where nothing was, null if that may still come. */
const knownOf = (found: readonly string[], isKnown: boolean, mayCome: boolean) =>
  isKnown || !mayCome ? [...new Set(found)] : null

/**
 * What is known of one. `isHopeless`: its versions were tried, and each has failed.
 */
export const endpointAway = (
  name: string,
  { versions }: CatalogModel,
  previous: readonly Pick<PlannedEndpoint, 'name' | 'contract'>[],
  served: readonly PlannedVersion[],
  isHopeless: boolean,
): EndpointAway => {
  const sound = [...versions.values()].flatMap((each) => each.sound ?? [])
  const known = [...sound, ...served.filter(({ model }) => model === name)]
  const before = previous.filter((each) => each.name === name).map(({ contract }) => contract)
  const contracts = [
    ...before,
    ...known.map(({ signature, manifest }) => contractOf(signature, manifest)),
  ]
  const outputs = known.flatMap(({ signature }) => signature.outputs.map((each) => each.name))
  const hasServed = before.length > 0
  return {
    name,
    features: knownOf(contracts.flatMap(namesIn), contracts.length > 0, !isHopeless),
    outputs: knownOf(outputs, known.length > 0, !isHopeless || hasServed),
  }
}
