/** What a proving run found out about one version; cached by control. */

import type { ErrorCode } from '../shared/errors.ts'
import type { Signature } from '../shared/tensor.ts'

export interface ProvingReport {
  /** SHA-256 of model.onnx (with external data: of both, in order of reference). */
  readonly digest: string
  readonly ortVersion: string
  readonly signature: Signature
  readonly metadata: Readonly<Record<string, string>>
  readonly opsets: Readonly<Record<string, number>>
  /** Whether the first dimension of every input and output is free: rows. */
  readonly hasRowDimension: boolean
  /** A row alone and in a batch gave the same bits (or: within 1e-5 relative for floats). */
  readonly batchingAgrees: boolean
  /** Median microseconds of one run at 1, 2, 4 ... rows. */
  readonly runUsByRows: readonly (readonly [rows: number, us: number])[]
  /** Rows at which the cost per row stops falling. 0 without row dimension. */
  readonly batchCap: number
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
