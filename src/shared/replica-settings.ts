/** Telling whether a running replica is what would be started now. */

import { createHash } from 'node:crypto'
import type { ReplicaSettings } from './epoch-plan.ts'
import { VERSION } from './version.ts'

/** Of an older control too, which may be the one that starts us: what it does not know is off. */
export const completeSettings = (given: ReplicaSettings): ReplicaSettings => ({
  ...given,
  grpcPort: given.grpc === undefined ? null : (given.grpcPort ?? null),
  tracing: given.tracing ?? null,
  records: given.records ?? null,
})

/**
 * SHA-256 of the settings without the incarnation, which differs at every start, and of the
 * release: after an upgrade, old code must not serve on.
 */
export const settingsSha256 = (settings: ReplicaSettings, release = VERSION): string => {
  const { incarnation: _, ...lasting } = settings
  return createHash('sha256')
    .update(JSON.stringify([release, lasting]))
    .digest('hex')
}
