/** Telling whether a running replica was started with the settings that are wanted now. */

import { createHash } from 'node:crypto'
import type { ReplicaSettings } from './epoch-plan.ts'

/** SHA-256 of the settings without the incarnation, which differs at every start. */
export const settingsSha256 = (settings: ReplicaSettings): string => {
  const { incarnation: _, ...lasting } = settings
  return createHash('sha256').update(JSON.stringify(lasting)).digest('hex')
}
