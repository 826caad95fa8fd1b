/** Settings with which a supervisor starts puppets instead of replicas. */

import { fileURLToPath } from 'node:url'
import type { StateDir } from '../../src/control/state/state-dir.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import type { PuppetManner, PuppetSettings } from './puppet-replica.ts'

/** The `entry` of a supervisor of puppets. */
export const PUPPET_ENTRY = fileURLToPath(new URL('puppet-replica.ts', import.meta.url))

type Chosen = Pick<ReplicaSettings, 'replica' | 'incarnation' | 'threads' | 'drainMsMax'>

/** Settings of one puppet. What a puppet does not look at is left out. */
export const puppetSettings = (
  { socketPath, gateway }: StateDir,
  chosen: Chosen,
  manner: (index: number, incarnation: number) => PuppetManner = () => 'obedient',
): ReplicaSettings => {
  const puppet = manner(chosen.replica, chosen.incarnation)
  const listens = { host: '127.0.0.1', httpPort: 8000, grpcPort: 8001 }
  const places = { socketPath, gateway, ...listens }
  return { ...places, ...chosen, puppet } as unknown as PuppetSettings
}
