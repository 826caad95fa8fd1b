/** Rules of redaction for outputs: versions are asked one by one, as names of theirs may differ. */

import { isDeepStrictEqual } from 'node:util'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import { ALL_OUTPUTS, type EndpointRecordPolicy } from '../../shared/record-policy.ts'
import { type RuledEndpoint, type RuleFault, unfit } from './ruled-endpoint.ts'

export const outputNames = ({ signature }: Pick<PlannedVersion, 'signature'>): string[] =>
  signature.outputs.map(({ name }) => name)

/**
 * Rules that a version cannot follow, and the numbers of these versions: their outputs must not be
 * kept. A rule for all that none of the endpoint's versions ever could follow is about others.
 */
export const outputFaults = (
  { name: endpoint, policy, outputs, knownOutputs }: RuledEndpoint,
  base: EndpointRecordPolicy,
): { readonly faults: readonly RuleFault[]; readonly versions: readonly number[] } => {
  const faults: RuleFault[] = []
  const versions = new Set<number>()
  for (const [name, rule] of Object.entries(policy.redact.outputs)) {
    const isOfAll = isDeepStrictEqual(base.redact.outputs[name], rule)
    if (name === ALL_OUTPUTS || (isOfAll && !knownOutputs.has(name))) continue
    for (const [version, found] of outputs) {
      const why = unfit(rule, found, name)
      if (why === null) continue
      versions.add(version)
      const where = `'${endpoint}' in version ${version}`
      const detail = `records: redaction of outputs of ${where} fits nothing: ${why}`
      faults.push({ endpoint, isOfAll, part: 'redact.outputs', name, detail })
    }
  }
  return { faults, versions: [...versions].sort((a, b) => a - b) }
}
