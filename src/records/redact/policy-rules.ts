/** An endpoint's policy of redaction, by the features and outputs of one layout. */

import {
  ALL_OUTPUTS,
  type EndpointRecordPolicy,
  type Redaction,
  type TextPattern,
} from '../../shared/record-policy.ts'

export interface PolicyRules {
  /** false: the inputs are not kept at all. */
  readonly keepsFeatures: boolean
  readonly keepsOutputs: boolean
  /** By feature and output of the layout; null: it is kept as it is. */
  readonly features: readonly (Redaction | null)[]
  readonly outputs: readonly (Redaction | null)[]
  /** Of the client's id. */
  readonly requestId: Redaction | null
  readonly patterns: readonly TextPattern[]
  /** Names the key of every HMAC; null: there is none. */
  readonly hmacKeyId: string | null
}

interface Ruled {
  readonly name: string
  /** Whether its values are numbers, which can be put into buckets. */
  readonly isNumeric: boolean
}

const DROP: Redaction = { kind: 'drop' }

/**
 * The rules, in the order of `features` and `outputs`. What cannot be done is a drop: an HMAC
 * without a key, a bucket for what is no number.
 */
export const compilePolicy = (
  policy: EndpointRecordPolicy,
  features: readonly Ruled[],
  outputs: readonly Ruled[],
): PolicyRules => {
  const { redact, patterns, hmacKeyId } = policy
  const able = (rule: Redaction | null | undefined, isNumeric: boolean): Redaction | null => {
    if (rule?.kind === 'hmac' && hmacKeyId === null) return DROP
    if (rule?.kind === 'bucket' && !isNumeric) return DROP
    return rule ?? null
  }
  const isKept = (name: string): boolean =>
    policy.features === 'declared' || (policy.features !== 'none' && policy.features.includes(name))
  const ownOf = (
    rules: Readonly<Record<string, Redaction>>,
    name: string,
  ): Redaction | undefined => (Object.hasOwn(rules, name) ? rules[name] : undefined)
  const ofFeatures = features.map(({ name, isNumeric }) =>
    isKept(name) ? able(ownOf(redact.features, name), isNumeric) : DROP,
  )
  const all = ownOf(redact.outputs, ALL_OUTPUTS)
  const ofOutputs = outputs.map(({ name, isNumeric }) =>
    able(ownOf(redact.outputs, name) ?? all, isNumeric),
  )
  const keeps = (rules: readonly (Redaction | null)[]) =>
    rules.length === 0 || rules.some((each) => each?.kind !== 'drop')
  return {
    keepsFeatures: keeps(ofFeatures),
    keepsOutputs: keeps(ofOutputs),
    features: ofFeatures,
    outputs: ofOutputs,
    requestId: able(redact.requestId, false),
    patterns,
    hmacKeyId,
  }
}

/** Whether a policy demands anything of what it keeps, beside looking for patterns in texts. */
export const hasRules = ({ features, outputs, requestId }: PolicyRules): boolean =>
  requestId !== null ||
  features.some((rule) => rule !== null) ||
  outputs.some((rule) => rule !== null)
