/** First runs of a new session, so that no client waits for lazy initialisation. */

import type { BatchPolicy } from '../shared/epoch-plan.ts'
import { allocate, elementCount, type Tensor, type TensorSignature } from '../shared/tensor.ts'
import type { Session } from './session-types.ts'

/** A zeroed (or empty-string) input of `rows` rows; free inner dimensions become 1. */
export const zeroInput = ({ datatype, shape }: TensorSignature, rows: number): Tensor => {
  const sized = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? rows : 1))
  return { datatype, shape: sized, data: allocate(datatype, Math.max(0, elementCount(sized))) }
}

/**
 * Runs one row and a full batch of zeros. A model that rejects zeros is no failure here: the
 * proving run has answered for it with values of its own.
 */
export const warmUp = (session: Session, batching: BatchPolicy): void => {
  for (const rows of new Set([1, Math.max(1, batching.rowsMax)])) {
    try {
      session.run(session.signature.inputs.map((input) => zeroInput(input, rows)))
    } catch {
      return // zeros may be out of this model's domain
    }
  }
}
