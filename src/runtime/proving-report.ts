/** What a proving run found out about one version; cached by control. */

import type { ErrorCode } from '../shared/errors.ts'
import type { Signature } from '../shared/tensor.ts'

export interface ProvingReport {
  /**
   * SHA-256 of `model.onnx`. With external data: SHA-256 of what `sha256sum model.onnx <others>`
   * prints in the version's folder, the others by name.
   */
  readonly digest: string
  /** SHA-256 by name of every file that was read. */
  readonly files: Readonly<Record<string, string>>
  readonly ortVersion: string
  readonly signature: Signature
  readonly metadata: Readonly<Record<string, string>>
  readonly opsets: Readonly<Record<string, number>>
  /** Whether the first dimension of every input and output is free: rows. */
  readonly hasRowDimension: boolean
  /**
   * Rows gave the same answers alone and in a batch (floats: within 1e-5 of the column's scale).
   * False also when no row could be tried; true where at most one row is allowed.
   */
  readonly batchingAgrees: boolean
  /** Median microseconds of one run at 1, 2, 4 ... rows. Empty: it refused every made-up row. */
  readonly runUsByRows: readonly (readonly [rows: number, us: number])[]
  /** Rows at which the cost per row stops falling. 0 without row dimension. */
  readonly batchCap: number
  /** Growth of resident memory by loading it and running one row; at least its file. */
  readonly memoryBytes: number
  readonly loadMs: number
  /** The optimised self-contained copy in state_dir, and its SHA-256. */
  readonly provenFile: string
  readonly provenSha256: string
}

export interface ProvingFailure {
  readonly code: ErrorCode
  readonly detail: string
}
