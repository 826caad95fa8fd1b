/** What every wire format exports (decodeRequest, encodeResponse, encodeError) and works on. */

import type { Binding, Contract } from '../../shared/contract.ts'
import type { Refusal } from '../../shared/errors.ts'
import type { Manifest } from '../../shared/manifest.ts'
import type { Signature, Tensor, TensorData } from '../../shared/tensor.ts'

/** Everything about one (endpoint, variant) that decoders and encoders need; made at prepare. */
export interface VariantPlan {
  readonly endpoint: string
  readonly model: string
  readonly version: number
  readonly variant: string
  readonly contract: Contract
  readonly binding: Binding
  readonly signature: Signature
  readonly manifest: Manifest | null
  /** Elements per row of each input; null without a row dimension, or with a free inner one. */
  readonly rowStrides: readonly number[] | null
  /** Most rows in one run; 0: requests run alone and shapes have no row dimension of ours. */
  readonly rowsMax: number
  readonly jsonDepthMax: number
}

/**
 * Where a decoder may write rows directly: the open batch of the version. `columns[i]` is the
 * buffer of input i; row r starts at element `r * rowStrides[i]`. A decoder writes rows
 * `row .. row + n - 1` with `n <= room`. What it wrote counts only if it returns null (no refusal)
 * and sets `decoded.rowsInPlace`.
 */
export interface RowTarget {
  readonly columns: readonly TensorData[]
  readonly row: number
  /** Rows that still fit; 0 forces the tensors form. */
  readonly room: number
}

/** What a decoder found. One object per thread, reset before each use. */
export interface Decoded {
  /** Rows written into the target; 0 when `tensors` is used. */
  rowsInPlace: number
  /** Own tensors in the order of `signature.inputs`, or null when rows were written in place. */
  tensors: Tensor[] | null
  /** `instances` form or an OIP request: the answer has one entry per row. */
  isBatch: boolean
  /** The client's id from the body ('' if none), as given. */
  requestId: string
  /** OIP: indices of the requested outputs; null: all. */
  outputs: number[] | null
}

/** One answered request, ready to be written. */
export interface Answer {
  readonly plan: VariantPlan
  /** Outputs of the whole run, in the order of `signature.outputs`. */
  readonly results: readonly Tensor[]
  /** Rows of this request within the results: `rowStart .. rowStart + rows - 1`. */
  readonly rowStart: number
  readonly rows: number
  /** The request ran alone, without row dimension: the results are its whole answer. */
  readonly isWhole: boolean
  readonly isBatch: boolean
  readonly outputs: readonly number[] | null
  /** Already safe to put into JSON without escaping for ids of ours; escape the client's. */
  readonly requestId: string
  readonly predictionId: string
  readonly latencyMs: number
}

export type DecodeRequest = (
  body: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
) => Refusal | null

/** The body of a 200 answer, or the refusal that takes its place (OUTPUT_NOT_FINITE). */
export type EncodeResponse = (answer: Answer) => string | Refusal

export interface EncodedError {
  readonly contentType: string
  readonly body: string
}

/** The body of an error answer in the form that clients of this protocol read. */
export type EncodeError = (refusal: Refusal, requestId: string) => EncodedError
