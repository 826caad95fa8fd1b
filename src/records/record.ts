/** One prediction record as plain data: what codec, JSON form, sinks and `tail` speak. */

import type { RecordRole } from '../shared/record-policy.ts'

/**
 * One value of a feature or output. A missing one is null. 64-bit integers that a double cannot
 * hold are bigints; NaN and infinities are numbers. Tensors of more than one element a row are
 * lists, nested like the row.
 */
export type RecordValue = number | string | boolean | bigint | null | readonly RecordValue[]

/** One row of a prediction. */
export interface RecordedInstance {
  /**
   * By name, declared features only; where the contract has none, the input tensors. A redacted one
   * goes by `<name>__hmac`, `<name>__bucket` or `<name>__mask`; one that is dropped is absent.
   */
  readonly features: Readonly<Record<string, RecordValue>>
  /** null: the model names none, or it was dropped. */
  readonly score: RecordValue
  readonly prediction: RecordValue
  /** By class, of models with several. */
  readonly scores?: Readonly<Record<string, RecordValue>>
  /** Of what the model gave, by name; redacted like features. */
  readonly outputs?: Readonly<Record<string, RecordValue>>
}

/** A label that came later; of the row `row` of a prediction, -1: of all its rows. */
export interface Feedback {
  readonly ofPredictionId: string | null
  readonly ofRequestId: string | null
  readonly row: number
  readonly label: RecordValue
  /** Wall clock in ms: when the label became known. */
  readonly observedAtMs: number
}

/** Why a record has no features and no outputs; '': it has them, or never had any. */
export type FeaturesOmitted = '' | 'too_large' | 'policy'

export interface PredictionRecord {
  /** `<producer>-<sequence>` */
  readonly predictionId: string
  /** The client's, null: it gave none. Redacted ones say how: `hmac:<digest>`. */
  readonly requestId: string | null
  /** Wall clock in ms at which the request arrived. */
  readonly timeMs: number
  readonly endpoint: string
  readonly model: string
  /** 0: none was chosen. */
  readonly version: number
  readonly variant: string
  readonly role: RecordRole
  readonly epoch: number
  readonly revision: number
  /** -1: it was not routed by bucket. */
  readonly bucket: number
  readonly protocol: string
  /** As answered over HTTP, 0: not at all. */
  readonly status: number
  /** Error code, ABORTED for a client that went away; '' for an answer. */
  readonly code: string
  readonly producer: string
  readonly sequence: number
  /** Probability with which sampling kept it: to be weighted by 1 over it. */
  readonly inclusionProbability: number
  /** 32 hexadecimal digits, or ''. */
  readonly traceId: string
  /** Milliseconds; NaN: it did not come so far. */
  readonly latencyMs: number
  readonly decodeMs: number
  readonly queueMs: number
  readonly computeMs: number
  /** Rows of the request; 0: not decoded. */
  readonly rows: number
  /** Whether the request was a list of rows, be it of one. */
  readonly isBatch: boolean
  readonly featuresOmitted: FeaturesOmitted
  /** One for each row; none where nothing is known of the rows. */
  readonly instances: readonly RecordedInstance[]
  readonly feedback: Feedback | null
}
