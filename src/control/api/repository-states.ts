/** What Triton's repository index says of every model and version. Pure. */

import { type TritonState, tritonStateOf } from '../planning/version-state.ts'
import type { ModelStatus, ModelsDocument, VersionStatus } from './status-document.ts'

/**
 * One line of the index (Triton: core, tritonserver.cc, `TRITONSERVER_ServerModelIndex`). There,
 * `reason` is left out where there is none; here it is '' then, as other servers have it.
 */
export interface IndexEntry {
  readonly name: string
  /** Absent for a model without versions. */
  readonly version?: string
  readonly state: TritonState
  readonly reason: string
}

const reasonOf = ({ state, code, reason }: VersionStatus): string => {
  if (code !== null) return `${code}: ${reason}`
  if (state === 'unloaded') return reason === null ? 'unloaded' : `unloaded: ${reason}`
  return reason ?? ''
}

const entriesOf = ({ name, versions }: ModelStatus): IndexEntry[] =>
  versions.length === 0
    ? [{ name, state: 'UNAVAILABLE', reason: 'no versions' }]
    : versions.map((status) => ({
        name,
        version: String(status.version),
        state: tritonStateOf(status.state),
        reason: reasonOf(status),
      }))

/** `isReadyOnly`: only what every replica serves. */
export const repositoryIndex = ({ models }: ModelsDocument, isReadyOnly: boolean): IndexEntry[] =>
  models.flatMap(entriesOf).filter(({ state }) => !isReadyOnly || state === 'READY')
