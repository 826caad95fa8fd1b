/** What both sides run: a batch of rows, always the same. */

import { seededUniform } from '../load/arrivals.ts'

const SEED = 5

/** Row-major numbers in -1 .. 1. */
export const batchOf = (rows: number, width: number): Float32Array => {
  const uniform = seededUniform(SEED)
  return Float32Array.from({ length: rows * width }, () => uniform() * 2 - 1)
}
