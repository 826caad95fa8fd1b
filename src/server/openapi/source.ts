/** An epoch as the description of the API sees it: plain data, without sessions or counters. */

import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import type { ExampleRow } from '../../shared/manifest.ts'
import type { FeatureBounds } from '../../shared/profile.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from '../live-epoch.ts'
import type { Reading } from '../protocols/reading.ts'
import type { VariantParts } from '../protocols/variant-parts.ts'

/** A version behind an endpoint. */
export interface ApiVersion extends VariantParts {
  /** null: `/predict` answers its raw outputs. */
  readonly reading: Reading | null
  /** null: it has no profile, or no manifest. */
  readonly exampleRow: ExampleRow | null
  readonly bounds: ReadonlyMap<string, FeatureBounds>
}

export interface ApiEndpoint {
  readonly name: string
  /** Versions that answer requests which name none: the first has the most traffic. */
  readonly answering: readonly ApiVersion[]
  /** Every version that can be asked for by its number, ascending. */
  readonly pinned: readonly ApiVersion[]
}

export interface ApiSource {
  readonly endpoints: readonly ApiEndpoint[]
  /** Name of the endpoint that answers `/predict`; null: none does. */
  readonly defaultEndpoint: string | null
  /** Endpoints that cannot answer now, and of which nothing else is known. */
  readonly unavailable: readonly string[]
  readonly hasDocsPage: boolean
  /** Feedback is taken: there are records. */
  readonly hasFeedback: boolean
}

const apiVersion = ({ plan }: LiveVariant, planned: readonly PlannedVersion[]): ApiVersion => {
  const own = planned.find(({ model, version }) => model === plan.model && version === plan.version)
  const bounds = (own?.bounds ?? []).map((each) => [each.name, each] as const)
  return { ...plan, exampleRow: own?.exampleRow ?? null, bounds: new Map(bounds) }
}

const apiEndpoint = ({ name, pinned }: LiveEndpoint, { plan }: LiveEpoch): ApiEndpoint => {
  const planned = plan.endpoints.find((endpoint) => endpoint.name === name)
  const versions = new Map(
    [...pinned].map(([version, variant]) => [version, apiVersion(variant, plan.versions)]),
  )
  const variants = (planned?.variants ?? []).filter(({ weightBp }) => weightBp > 0)
  return {
    name,
    answering: variants
      .sort((a, b) => b.weightBp - a.weightBp)
      .flatMap(({ version }) => versions.get(version) ?? []),
    pinned: [...versions.values()].sort((a, b) => a.version - b.version),
  }
}

export const apiSource = (
  epoch: LiveEpoch,
  has: Pick<ApiSource, 'hasDocsPage' | 'hasFeedback'>,
): ApiSource => ({
  endpoints: [...epoch.endpoints.values()].map((endpoint) => apiEndpoint(endpoint, epoch)),
  defaultEndpoint: epoch.defaultEndpoint?.name ?? null,
  unavailable: epoch.plan.unavailable,
  ...has,
})
