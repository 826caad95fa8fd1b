/** What a proving run found out about one version; cached by control. */

import type { ErrorCode } from '../shared/errors.ts'
import type { Signature } from '../shared/tensor.ts'

/**
 * Raised when proving tests more or a field means something else: what is in the cache by then is
 * proved again.
 */
export const PROVING_VERSION = 5

/** What became of the GPU that a version asks for. */
export interface GpuFindings {
  /**
   * `used`: it runs there. `unavailable`: it cannot, and the CPU runs it. `idle`: all its operators
   * have kernels of the CPU alone, which runs them then without one.
   */
  readonly use: 'used' | 'unavailable' | 'idle'
  /** Operators of a run, by who ran them; null where the GPU is unavailable. */
  readonly operators: { readonly gpu: number; readonly cpu: number } | null
  /** Growth of the memory in use on the GPU, as nvidia-smi tells; null: it does not. */
  readonly memoryBytes: number | null
  /** Whether that is the growth by all programs: it does not tell them apart, as in a container. */
  readonly isMemoryOfAll: boolean
}

export interface ProvingReport {
  /**
   * SHA-256 of `model.onnx`. With external data: SHA-256 of what `sha256sum model.onnx <others>`
   * prints in the version's folder, the others by name.
   */
  readonly digest: string
  /** SHA-256 by name of every file that was read. */
  readonly files: Readonly<Record<string, string>>
  readonly signature: Signature
  readonly metadata: Readonly<Record<string, string>>
  readonly opsets: Readonly<Record<string, number>>
  /**
   * Whether it answers one row for each row: the first dimension of every input and output is free,
   * and no run gave another number of rows.
   */
  readonly hasRowDimension: boolean
  /**
   * Whether different rows gave the same answers alone and in batches up to the batch cap (floats:
   * within 1e-5 of the column's scale). False also where that could not be tried.
   */
  readonly batchingAgrees: boolean
  /** Microseconds of the fastest run at 1, 2, 4 ... rows. Empty: it refused every made-up row. */
  readonly runUsByRows: readonly (readonly [rows: number, us: number])[]
  /**
   * Most rows of one run: `max_batch_size` if that many rows can be run, else where the cost per
   * row stops falling. 0 without row dimension.
   */
  readonly batchCap: number
  /** Sentences for the operator: what keeps the version from being batched. */
  readonly warnings: readonly string[]
  /** Growth of resident memory by loading it and running one row; at least its file. */
  readonly memoryBytes: number
  /** By the clock of its runs (working-clock.ts). */
  readonly loadMs: number
  /** The optimised self-contained copy in state_dir, and its SHA-256. */
  readonly provenFile: string
  readonly provenSha256: string
  /**
   * SHA-256 of the files of warm-up samples, by their names in the folder `warmup`. Their copies
   * lie beside that of the model.
   */
  readonly warmupFiles: Readonly<Record<string, string>>
  /** null: the version asks for none. */
  readonly gpu: GpuFindings | null
}

export interface ProvingFailure {
  readonly code: ErrorCode
  readonly detail: string
}
