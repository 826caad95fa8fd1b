/** Reports of proving runs that never were. */

import type { ProvingReport } from '../../src/runtime/proving-report.ts'
import type { Signature } from '../../src/shared/tensor.ts'

/** One tensor of rows of `width` floats in, one float a row out. */
export const signatureOf = (width: number): Signature => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, width] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
})

export const provingReport = (more: Partial<ProvingReport> = {}): ProvingReport => ({
  digest: 'd',
  files: {},
  signature: signatureOf(2),
  metadata: {},
  opsets: {},
  hasRowDimension: true,
  batchingAgrees: true,
  runUsByRows: [[1, 5]],
  batchCap: 64,
  warnings: [],
  memoryBytes: 1,
  loadMs: 1,
  provenFile: 'f',
  provenSha256: 's',
  warmupFiles: {},
  gpu: null,
  ...more,
})
