/** What rules of redaction are about, and whether one can be followed there. */

import type { EndpointRecordPolicy, Redaction } from '../../shared/record-policy.ts'

/** A rule that does not do what it says. */
export interface RuleFault {
  /** null: it fits none. */
  readonly endpoint: string | null
  /** It is one for all endpoints. */
  readonly isOfAll: boolean
  /** Where it stands: a rule of `redact`, the list of features, or the name of an endpoint. */
  readonly part: 'redact.features' | 'redact.outputs' | 'features' | 'endpoints'
  readonly name: string
  /** A sentence. */
  readonly detail: string
}

/** What rules can be about, by name. */
export type Subjects = ReadonlyMap<string, 'number' | 'text' | 'other'>

export interface RuledEndpoint {
  readonly name: string
  readonly policy: EndpointRecordPolicy
  readonly features: Subjects
  /** Of each version, by its number. */
  readonly outputs: ReadonlyMap<number, Subjects>
  /** Names that rules for all did fit here before. */
  readonly knownFeatures: ReadonlySet<string>
  readonly knownOutputs: ReadonlySet<string>
}

const WANTED: Readonly<Record<Redaction['kind'], 'number' | 'text' | null>> = {
  drop: null,
  hmac: null,
  bucket: 'number',
  mask: 'text',
}

/** Why a rule cannot be followed; null: it can. */
export const unfit = ({ kind }: Redaction, found: Subjects, name: string): string | null => {
  const wanted = WANTED[kind]
  const is = found.get(name)
  if (is === undefined) return `'${name}' is not there`
  return wanted === null || wanted === is ? null : `'${name}' is no ${wanted}, for ${kind}`
}
