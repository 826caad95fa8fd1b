/** What the records of an endpoint keep, as plain data: section `records` of sluice.yaml. */

/** What kinds of records there are. `refused`: before its run; `failed`: in it, or given up. */
export const RECORD_ROLES = ['answer', 'shadow', 'refused', 'failed', 'feedback'] as const
export type RecordRole = (typeof RECORD_ROLES)[number]

/**
 * What becomes of a value before it is on disk.
 *
 * - `drop`: it is absent.
 * - `hmac`: HMAC-SHA-256 of its text with the key of the gateway, as `<name>__hmac`.
 * - `bucket`: a number's lower bound, a multiple of `width`, as `<name>__bucket`.
 * - `mask`: every letter and digit of a text is `*`, as `<name>__mask`.
 */
export type Redaction =
  | { readonly kind: 'drop' | 'hmac' | 'mask' }
  | { readonly kind: 'bucket'; readonly width: number }

/** Texts that are masked wherever they stand in a value of text: a safety net. */
export const TEXT_PATTERNS = ['email', 'phone'] as const
export type TextPattern = (typeof TEXT_PATTERNS)[number]

/** Stands for all outputs in `RedactionRules.outputs`. */
export const ALL_OUTPUTS = '*'

export interface RedactionRules {
  /** By the name of a feature; of an endpoint without features, of an input tensor. */
  readonly features: Readonly<Record<string, Redaction>>
  /**
   * By the name of an output tensor, or ALL_OUTPUTS. What is derived from it (score, prediction,
   * scores) has the same done to it.
   */
  readonly outputs: Readonly<Record<string, Redaction>>
  /** Of the client's id; null: it is kept. */
  readonly requestId: Redaction | null
}

/** Records that are kept whatever the rate of sampling; with inclusion probability 1. */
export interface AlwaysKept {
  readonly roles: readonly RecordRole[]
  /** Codes of errors. */
  readonly codes: readonly string[]
  /** Answers that took at least so many milliseconds; null: none for that reason. */
  readonly latencyMsMin: number | null
}

export interface EndpointRecordPolicy {
  /** false: nothing is written down, and every sequence is counted as `disabled`. */
  readonly isRecorded: boolean
  /** Share of predictions that are kept, 0 to 1. Feedback is never sampled. */
  readonly rate: number
  readonly always: AlwaysKept
  /** `declared`: all of the contract; else those of the list. */
  readonly features: 'declared' | 'none' | readonly string[]
  readonly redact: RedactionRules
  readonly patterns: readonly TextPattern[]
  /** Most bytes of one record; one that needs more keeps no features and no outputs. */
  readonly recordBytesMax: number
  /**
   * Names the key of `hmac`; set by the replica, which has it. null: there is none, and what wants
   * an HMAC is dropped.
   */
  readonly hmacKeyId: string | null
  /** Versions whose outputs are not kept: a rule for outputs fits none of theirs. */
  readonly outputsOff?: readonly number[]
  /** Names in rules for all endpoints that this one had and has no longer. */
  readonly lostRules?: { readonly features: readonly string[]; readonly outputs: readonly string[] }
}

/** Of an endpoint of which nobody says anything, and of plans of an earlier release. */
export const UNRECORDED: EndpointRecordPolicy = {
  isRecorded: false,
  rate: 1,
  always: { roles: ['refused', 'failed', 'feedback'], codes: [], latencyMsMin: null },
  features: 'declared',
  redact: { features: {}, outputs: {}, requestId: null },
  patterns: TEXT_PATTERNS,
  recordBytesMax: 65_536,
  hmacKeyId: null,
}

/** Of all endpoints. */
export interface RecordPolicies {
  /** Of an endpoint that is not in `byEndpoint`. */
  readonly base: EndpointRecordPolicy
  /** Whole: what the config does not say of an endpoint is that of `base`. */
  readonly byEndpoint: Readonly<Record<string, EndpointRecordPolicy>>
}

export const NO_RECORDS: RecordPolicies = { base: UNRECORDED, byEndpoint: {} }

export const policyOf = ({ base, byEndpoint }: RecordPolicies, name: string) =>
  Object.hasOwn(byEndpoint, name) ? byEndpoint[name]! : base
