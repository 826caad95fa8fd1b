/** The endpoints of `GET /api/v1/status`: who answers, how much was asked, how fast it was. */

import { PROTOCOLS, REASONS, requestsIndex, slotKeyText, TOTAL_AT } from '../../shared/counters.ts'
import type { EpochPlan, PlannedEndpoint, PlannedVariant } from '../../shared/epoch-plan.ts'
import { quantileUs } from '../../shared/latency-slots.ts'
import { type Outcome, outcomeOf } from '../figures/outcome.ts'
import type { Snapshot } from '../figures/statistics.ts'
import type { EndpointStatus, VariantCounters } from './status-document.ts'

/** Requests of one counter slot by what became of them. */
const outcomes = (values: Float64Array): Record<Outcome, number> => {
  const sums = { ok: 0, refused: 0, failed: 0, aborted: 0 }
  for (let reason = 0; reason < REASONS; reason++) {
    const outcome = outcomeOf(reason)
    for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
      sums[outcome] += values[requestsIndex(protocol, reason)]!
    }
  }
  return sums
}

const NO_COUNTERS: VariantCounters = {
  ...{ requests: 0, refused: 0, failed: 0, aborted: 0 },
  ...{ p50Ms: 0, p99Ms: 0 },
}

const countersOf = (
  endpoint: PlannedEndpoint,
  variant: PlannedVariant,
  snapshot: Snapshot | null,
): VariantCounters => {
  const key = slotKeyText({
    endpoint: endpoint.name,
    model: endpoint.model,
    version: String(variant.version),
    variant: variant.name,
    role: 'answer',
  })
  const values = snapshot?.slots.get(key)
  if (values === undefined) return NO_COUNTERS
  const { ok, refused, failed, aborted } = outcomes(values)
  return {
    requests: ok + refused + failed + aborted,
    refused,
    failed,
    aborted,
    p50Ms: quantileUs(values, TOTAL_AT, 0.5) / 1000,
    p99Ms: quantileUs(values, TOTAL_AT, 0.99) / 1000,
  }
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
      ...countersOf(endpoint, variant, snapshot),
    })),
  }))
