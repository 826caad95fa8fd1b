/** A loaded version as the batcher sees it; `session.ts` is the real one. */

import type { Signature, Tensor } from '../shared/tensor.ts'

export interface Session {
  readonly signature: Signature
  /**
   * Runs synchronously and blocks the thread. `inputs` are in the order of `signature.inputs`; the
   * results in that of `signature.outputs`, valid until the next run at the latest. Throws what
   * ONNX Runtime throws.
   */
  run(inputs: readonly Tensor[]): Tensor[]
  dispose(): void
}
