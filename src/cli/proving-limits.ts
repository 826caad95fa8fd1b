/** What a proving run may take, and a version after it, for the verbs that start some. */

import type { SluiceConfig } from '../config/config.ts'
import type { ProvingLimits } from '../control/proving/prover.ts'
import type { PlacementHost } from '../runtime/placement.ts'

export const provingLimits = ({ proving }: SluiceConfig): ProvingLimits => ({
  timeoutMs: proving.timeoutSeconds * 1000,
  memoryBytesMax: proving.memoryBytesMax,
  rowsMax: proving.rowsMax,
})

export const placementHost = ({ server, placement }: SluiceConfig): PlacementHost => ({
  replicas: server.replicas,
  dataThreads: server.threads,
  computeThreads: server.computeThreads,
  sessionBytesMax: placement.sessionBytesMax,
})
