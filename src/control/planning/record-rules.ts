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
  type Redaction,
} from '../../shared/record-policy.ts'
import type { TensorSignature } from '../../shared/tensor.ts'

/** A rule that does not do what it says. */
export interface RuleFault {
  /** null: it fits none. */
  readonly endpoint: string | null
  /** It is one for all endpoints. */
  readonly isOfAll: boolean
  /** Where it stands: a rule of `redact`, or the list of features. */
  readonly part: 'redact.features' | 'redact.outputs' | 'features'
  readonly name: string
  /** A sentence. */
  readonly detail: string
}

/** What rules can be about, by name. */
type Subjects = ReadonlyMap<string, 'number' | 'text' | 'other'>

interface Subject {
  readonly name: string
  readonly policy: EndpointRecordPolicy
  readonly features: Subjects
  readonly outputs: Subjects
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

const WANTED: Readonly<Record<Redaction['kind'], 'number' | 'text' | null>> = {
  drop: null,
  hmac: null,
  bucket: 'number',
  mask: 'text',
}

/** Why a rule cannot be followed; null: it can. */
const unfit = ({ kind }: Redaction, found: Subjects, name: string): string | null => {
  const wanted = WANTED[kind]
  const is = found.get(name)
  if (is === undefined) return `'${name}' is not there`
  return wanted === null || wanted === is ? null : `'${name}' is no ${wanted}, for ${kind}`
}

type Part = 'features' | 'outputs'

/** Faults of the rules of one part that an endpoint has to itself, or that misfit there. */
const ownFaults = (subject: Subject, base: EndpointRecordPolicy, part: Part): RuleFault[] => {
  const { name: endpoint, policy } = subject
  return Object.entries(policy.redact[part]).flatMap(([name, rule]) => {
    if (part === 'outputs' && name === ALL_OUTPUTS) return []
    const isOfAll = isDeepStrictEqual(base.redact[part][name], rule)
    if (isOfAll && !subject[part].has(name)) return []
    const why = unfit(rule, subject[part], name)
    if (why === null) return []
    const detail = `records: redaction of ${part} of '${endpoint}' fits nothing: ${why}`
    return [{ endpoint, isOfAll, part: `redact.${part}` as const, name, detail }]
  })
}

const baseFaults = (
  subjects: readonly Subject[],
  { redact }: EndpointRecordPolicy,
  part: Part,
): RuleFault[] =>
  Object.keys(redact[part])
    .filter((name) => part !== 'outputs' || name !== ALL_OUTPUTS)
    .filter((name) => subjects.length > 0 && !subjects.some((each) => each[part].has(name)))
    .map((name) => ({
      ...{ endpoint: null, isOfAll: true },
      part: `redact.${part}` as const,
      name,
      detail: `records: redaction of ${part} fits nothing: no endpoint has '${name}'`,
    }))

const listFaults = (
  { name: endpoint, policy, features }: Subject,
  base: EndpointRecordPolicy,
): RuleFault[] => {
  const listed = typeof policy.features === 'string' ? [] : policy.features
  return listed
    .filter((name) => !features.has(name))
    .map((name) => ({
      ...{ endpoint, isOfAll: policy.features === base.features, part: 'features' as const, name },
      detail: `records: the list of features of '${endpoint}' names '${name}', which is not there`,
    }))
}

const withheld = (policy: EndpointRecordPolicy, faults: readonly RuleFault[]) => {
  const hasFault = (part: RuleFault['part']) => faults.some((fault) => fault.part === part)
  const features = hasFault('redact.features') ? ('none' as const) : policy.features
  if (!hasFault('redact.outputs')) return { ...policy, features }
  const redact = { ...policy.redact, outputs: { [ALL_OUTPUTS]: { kind: 'drop' as const } } }
  return { ...policy, features, redact }
}

/**
 * The policy of each endpoint, in the same order: as configured, less what rules that fit nothing
 * were meant to hide; and these rules.
 */
export const recordRules = (
  policies: RecordPolicies,
  endpoints: readonly Pick<PlannedEndpoint, 'name' | 'model' | 'contract'>[],
  versions: readonly Pick<PlannedVersion, 'model' | 'signature'>[],
): {
  readonly policies: readonly EndpointRecordPolicy[]
  readonly faults: readonly RuleFault[]
} => {
  const { base } = policies
  const outputsOf = (model: string) =>
    versions.filter((each) => each.model === model).flatMap(({ signature }) => signature.outputs)
  const subjects = endpoints.map(
    ({ name, model, contract }): Subject => ({
      ...{ name, policy: policyOf(policies, name), features: ofContract(contract) },
      outputs: ofTensors(outputsOf(model)),
    }),
  )
  const ofAll = [
    ...baseFaults(subjects, base, 'features'),
    ...baseFaults(subjects, base, 'outputs'),
  ]
  const ofEach = subjects.map((subject) =>
    subject.policy.isRecorded
      ? [
          ...ownFaults(subject, base, 'features'),
          ...ownFaults(subject, base, 'outputs'),
          ...listFaults(subject, base),
        ]
      : [],
  )
  return {
    policies: subjects.map(({ policy }, i) => withheld(policy, [...ofAll, ...ofEach[i]!])),
    faults: [...ofAll, ...ofEach.flat()],
  }
}
