/** Which records somebody wants to see. */

import type { RecordRole } from '../../shared/record-policy.ts'

/** A list that is empty asks nothing. */
export interface RecordFilter {
  readonly endpoints: readonly string[]
  readonly variants: readonly string[]
  readonly roles: readonly RecordRole[]
  /** Codes of errors, as in `code`. */
  readonly codes: readonly string[]
  /** Wall clock of the arrival: only these and later ones. */
  readonly sinceMs: number
}

/** What is looked at: a record, or its columns. */
export interface FilteredFacts {
  readonly endpoint: string
  readonly variant: string
  readonly role: RecordRole
  readonly code: string
  readonly timeMs: number
}

const allows = (wanted: readonly string[], value: string): boolean =>
  wanted.length === 0 || wanted.includes(value)

export const isWanted = (
  { endpoint, variant, role, code, timeMs }: FilteredFacts,
  { endpoints, variants, roles, codes, sinceMs }: RecordFilter,
): boolean =>
  timeMs >= sinceMs &&
  allows(endpoints, endpoint) &&
  allows(variants, variant) &&
  allows(roles, role) &&
  allows(codes, code)
