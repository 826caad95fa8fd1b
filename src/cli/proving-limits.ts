/** What a proving run may take, for the verbs that start some. */

import type { SluiceConfig } from '../config/config.ts'
import type { ProvingLimits } from '../control/prover.ts'

export const provingLimits = ({ proving }: SluiceConfig): ProvingLimits => ({
  timeoutMs: proving.timeoutSeconds * 1000,
  memoryBytesMax: proving.memoryBytesMax,
  rowsMax: proving.rowsMax,
})
