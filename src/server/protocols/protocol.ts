/** What every wire format exports (decodeRequest, encodeResponse, encodeError) and works on. */

import type { Refusal } from '../../shared/errors.ts'
import type { FeatureExtras } from '../../shared/feature-extras.ts'
import type { Tensor, TensorData } from '../../shared/tensor.ts'
import type { VariantPlan } from './variant-plan.ts'

/**
 * Where a decoder may write rows directly: the open batch of the version. `columns[i]` is the
 * buffer of input i; row r starts at element `r * rowStrides[i]`. A decoder writes rows
 * `row .. row + n - 1` with `n <= room`. What it wrote counts only if it returns null (no refusal)
 * and leaves `decoded.tensors` null.
 */
export interface RowTarget {
  readonly columns: readonly TensorData[]
  readonly row: number
  /** Rows that still fit; 0 forces the tensors form. */
  readonly room: number
}

/** An output that an OIP request asked for, and how. */
export interface AskedOutput {
  /** Index into `signature.outputs`. */
  readonly index: number
  /** As bytes behind the JSON of the answer, not as numbers in it. */
  readonly isBinary: boolean
  /** Triton's `classification`: so many of the largest elements of a row, as texts; 0: as it is. */
  readonly classes: number
}

/** What a decoder found, and what it found before it refused. */
export interface Decoded {
  /**
   * Set before decoding, by `inference-header-content-length`: so many bytes at the front of the
   * body are JSON, and binary tensors follow. 0: the body is one tensor. -1: it is JSON, all of it.
   */
  jsonBytes: number
  /** Set before decoding: bytes of the body before it was inflated; -1: it came as it is. */
  sentBytes: number
  /** Rows of the request; 1 where the version has no row dimension. */
  rows: number
  /** Own tensors in the order of `signature.inputs`, or null: the rows are in the target. */
  tensors: Tensor[] | null
  /** `/predict`: what the rows do not say of their features; null: nothing. */
  extras: FeatureExtras | null
  /** The answer has one entry per row: to `instances`, and to an OIP request. */
  isBatch: boolean
  /** The client's id from the body, as given; null if it gave none. */
  bodyId: string | null
  /** OIP: the parameter `priority`; 0: none. */
  askedPriority: number
  /** OIP: the parameter `timeout`, in microseconds; 0: none. */
  askedTimeoutUs: number
  /** OIP: the requested outputs in their order; null: all, as JSON. */
  outputs: readonly AskedOutput[] | null
}

/** Bytes that the client sent for a body. */
export const sentBytesOf = ({ sentBytes }: Decoded, body: Uint8Array): number =>
  sentBytes < 0 ? body.length : sentBytes

/** Longest id that a body may give: as that of a header, and no more than is worth echoing. */
export const BODY_ID_LENGTH_MAX = 128

/** One answered request, ready to be written. */
export interface Answer {
  readonly plan: VariantPlan
  /** Outputs of the whole run, in the order of `signature.outputs`. */
  readonly results: readonly Tensor[]
  /**
   * Rows of this request within the results: `rowStart .. rowStart + rows - 1`. Where the version
   * has no row dimension the results are its whole answer.
   */
  readonly rowStart: number
  readonly rows: number
  readonly isBatch: boolean
  readonly outputs: readonly AskedOutput[] | null
  /** The client's from head or body; null: the prediction id is that of the request as well. */
  readonly requestId: string | null
  /** The same, if it may stand in a header. */
  readonly echoedId: string | null
  readonly bodyId: string | null
  /** The prediction id is `idPrefix` with the digits of `sequence` behind it. */
  readonly idPrefix: string
  readonly sequence: number
  readonly latencyMs: number
}

/**
 * Reads a body for a variant. `onSlow` is called before work begins that can take long: the usual
 * request is read without it. A decoder is as fast in proportion to the body, and takes at most
 * 100 times the bytes that were sent of memory, beyond 256 KiB, whatever the body holds
 * (test/integration/amplification.test.ts).
 */
export type DecodeRequest = (
  body: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
  onSlow: () => void,
) => Refusal | null

/** A body of JSON with binary tensors behind it. */
export interface BinaryBody {
  readonly jsonBytes: number
  /** All of it. */
  readonly bytes: Uint8Array
}

/**
 * The body of a 200 answer, or the refusal that takes its place (OUTPUT_NOT_FINITE). Bytes alone
 * are JSON in UTF-8; they, and those of a binary body, are valid until the next answer.
 */
export type EncodeResponse = (answer: Answer) => string | Uint8Array | BinaryBody | Refusal

export interface EncodedError {
  readonly contentType: string
  readonly body: string
}

/** The body of an error answer in the form that clients of this protocol read. */
export type EncodeError = (refusal: Refusal, requestId: string) => EncodedError
