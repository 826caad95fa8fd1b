/**
 * Rules of redaction against what endpoints really have. A rule that fits nothing most likely hides
 * what has been renamed: until it is mended, what it was meant for is kept out of the records.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Contract } from '../../shared/contract.ts'
import type { PlannedEndpoint, PlannedVersion } from '../../shared/epoch-plan.ts'
import {
  ALL_OUTPUTS,
  type EndpointRecordPolicy,
  policyOf,
  type RecordPolicies,
} from '../../shared/record-policy.ts'
import type { TensorSignature } from '../../shared/tensor.ts'
import type { EndpointAway } from './endpoints-away.ts'
import { outputFaults, outputNames } from './output-rules.ts'
import { type RuledEndpoint, type RuleFault, type Subjects, unfit } from './ruled-endpoint.ts'

type Endpoint = Pick<PlannedEndpoint, 'name' | 'model' | 'contract'>
type Version = Pick<PlannedVersion, 'model' | 'version' | 'signature'>

/** What the rules are held against. */
export interface RuledPlan {
  readonly endpoints: readonly Endpoint[]
  readonly versions: readonly Version[]
  /** As they were last served. */
  readonly previous: readonly (Endpoint & Partial<Pick<PlannedEndpoint, 'records'>>)[]
  readonly served: readonly Version[]
  /** Endpoints that there are beside those of the plan. */
  readonly away: readonly EndpointAway[]
}

const tensorKind = ({ datatype }: TensorSignature) =>
  datatype === 'BYTES' ? 'text' : datatype === 'BOOL' ? 'other' : 'number'

const ofTensors = (tensors: readonly TensorSignature[]): Subjects =>
  new Map(tensors.map((tensor) => [tensor.name, tensorKind(tensor)]))

const FEATURE_KINDS = {
  number: 'number',
  integer: 'number',
  boolean: 'other',
  category: 'text',
} as const

const ofContract = ({ features, tensors }: Contract): Subjects =>
  features.length === 0
    ? ofTensors(tensors)
    : new Map(features.map(({ name, type }) => [name, FEATURE_KINDS[type]]))

/** Faults of rules for features that an endpoint has to itself, or that misfit there. */
const featureFaults = (subject: RuledEndpoint, base: EndpointRecordPolicy): RuleFault[] => {
  const { name: endpoint, policy, features, knownFeatures } = subject
  return Object.entries(policy.redact.features).flatMap(([name, rule]) => {
    const isOfAll = isDeepStrictEqual(base.redact.features[name], rule)
    if (isOfAll && !features.has(name) && !knownFeatures.has(name)) return []
    const why = unfit(rule, features, name)
    if (why === null) return []
    const detail = `records: redaction of features of '${endpoint}' fits nothing: ${why}`
    return [{ endpoint, isOfAll, part: 'redact.features' as const, name, detail }]
  })
}

/** `found`: what all endpoints have; null: nobody knows yet, and each rule may be about that. */
const baseFaults = (
  { redact }: EndpointRecordPolicy,
  part: 'features' | 'outputs',
  found: ReadonlySet<string> | null,
): RuleFault[] =>
  Object.keys(redact[part])
    .filter((name) => part !== 'outputs' || name !== ALL_OUTPUTS)
    .filter((name) => found !== null && !found.has(name))
    .map((name) => ({
      ...{ endpoint: null, isOfAll: true },
      part: `redact.${part}` as const,
      name,
      detail: `records: redaction of ${part} fits nothing: no endpoint has '${name}'`,
    }))

const listed = ({ features }: EndpointRecordPolicy): readonly string[] =>
  typeof features === 'string' ? [] : features

/** Of the list that an endpoint has to itself. */
const listFaults = (
  { name: endpoint, policy, features }: RuledEndpoint,
  base: EndpointRecordPolicy,
): RuleFault[] =>
  policy.features === base.features
    ? []
    : listed(policy)
        .filter((name) => !features.has(name))
        .map((name) => ({
          ...{ endpoint, isOfAll: false, part: 'features' as const, name },
          detail: `records: the list of features of '${endpoint}' names '${name}', which is not there`,
        }))

/** Of the list for all. `found`: as of `baseFaults`. */
const baseListFaults = (
  base: EndpointRecordPolicy,
  subjects: readonly RuledEndpoint[],
  found: ReadonlySet<string> | null,
): RuleFault[] => {
  const isUsed = ({ policy }: RuledEndpoint) =>
    policy.isRecorded && policy.features === base.features
  if (found === null || !subjects.some(isUsed)) return []
  return listed(base)
    .filter((name) => !found.has(name))
    .map((name) => ({
      ...{ endpoint: null, isOfAll: true, part: 'features' as const, name },
      detail: `records: the list of features names '${name}', which no endpoint has`,
    }))
}

/** Sections of endpoints that are none. `names`: of all that there are. */
export const nameFaults = ({ byEndpoint }: RecordPolicies, names: readonly string[]): RuleFault[] =>
  Object.keys(byEndpoint)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      ...{ endpoint: name, isOfAll: false, part: 'endpoints' as const, name },
      detail: `records: '${name}' is no endpoint`,
    }))

const namesIn = (faults: readonly RuleFault[], part: RuleFault['part']): string[] =>
  faults.filter((fault) => fault.part === part && fault.isOfAll).map(({ name }) => name)

/** A policy less what its rules were meant to hide. */
const withheld = (
  policy: EndpointRecordPolicy,
  ofAll: readonly RuleFault[],
  own: readonly RuleFault[],
  outputsOff: readonly number[],
): EndpointRecordPolicy => {
  const hasFault = (part: RuleFault['part'], faults = [...ofAll, ...own]) =>
    faults.some((fault) => fault.part === part)
  const features = hasFault('redact.features') ? ('none' as const) : policy.features
  const outputs = { [ALL_OUTPUTS]: { kind: 'drop' as const } }
  const lost = {
    features: namesIn(own, 'redact.features'),
    outputs: namesIn(own, 'redact.outputs'),
  }
  return {
    ...{ ...policy, features },
    ...(hasFault('redact.outputs', [...ofAll]) ? { redact: { ...policy.redact, outputs } } : {}),
    ...(outputsOff.length > 0 ? { outputsOff } : {}),
    ...(lost.features.length + lost.outputs.length > 0 ? { lostRules: lost } : {}),
  }
}

const ruledEndpoint = (
  policies: RecordPolicies,
  { name, model, contract }: Endpoint,
  { versions, previous, served }: RuledPlan,
): RuledEndpoint => {
  const before = previous.find((each) => each.name === name)
  const { features = [], outputs = [] } = before?.records?.lostRules ?? {}
  const own = versions.filter((each) => each.model === model)
  const known = [...own, ...served.filter((each) => each.model === model)]
  const present = ofContract(contract)
  return {
    ...{ name, policy: policyOf(policies, name), features: present },
    outputs: new Map(own.map(({ version, signature }) => [version, ofTensors(signature.outputs)])),
    knownFeatures: new Set([...(before ? ofContract(before.contract).keys() : []), ...features]),
    knownOutputs: new Set([...known.flatMap(outputNames), ...outputs]),
  }
}

/** Names of all endpoints together; null: somebody has what nobody knows. */
const together = (
  planned: readonly Iterable<string>[],
  away: readonly (readonly string[] | null)[],
): ReadonlySet<string> | null =>
  away.includes(null) ? null : new Set([...planned, ...away].flatMap((each) => [...(each ?? [])]))

/**
 * The policy of each endpoint of the plan, in the same order: as configured, less what rules that
 * fit nothing were meant to hide; and these rules. A rule for all fits where any endpoint has what
 * it names, and goes on being held against an endpoint that had it once.
 */
export const recordRules = (
  policies: RecordPolicies,
  plan: RuledPlan,
): {
  readonly policies: readonly EndpointRecordPolicy[]
  readonly faults: readonly RuleFault[]
} => {
  const { base } = policies
  const { endpoints, away } = plan
  const subjects = endpoints.map((endpoint) => ruledEndpoint(policies, endpoint, plan))
  const isNone = subjects.length === 0
  const features = together(
    subjects.map((each) => [...each.features.keys(), ...each.knownFeatures]),
    away.map((each) => each.features),
  )
  const outputs = together(
    subjects.map((each) => each.knownOutputs),
    away.map((each) => each.outputs),
  )
  const ofAll = [
    ...baseFaults(base, 'features', isNone ? null : features),
    ...baseFaults(base, 'outputs', isNone ? null : outputs),
    ...baseListFaults(base, subjects, features),
  ]
  const ofEach = subjects.map((subject) => {
    const ofOutputs = outputFaults(subject, base)
    const ofFeatures = [...featureFaults(subject, base), ...listFaults(subject, base)]
    return subject.policy.isRecorded
      ? { faults: [...ofFeatures, ...ofOutputs.faults], outputsOff: ofOutputs.versions }
      : { faults: [], outputsOff: [] }
  })
  const names = [...endpoints, ...away].map(({ name }) => name)
  return {
    policies: subjects.map(({ policy }, i) =>
      withheld(policy, ofAll, ofEach[i]!.faults, ofEach[i]!.outputsOff),
    ),
    faults: [...nameFaults(policies, names), ...ofAll, ...ofEach.flatMap(({ faults }) => faults)],
  }
}
