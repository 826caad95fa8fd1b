/** What is known of the replica in one place. */

import type { ConnectedReplica, ReplicaDeath } from './connected-replica.ts'
import { isStaying, type ReplicaProcess } from './replica-process.ts'
import type { ReplicaSlot } from './replica-slot.ts'

/** What is known of one replica: of the process that serves, else of the one that will. */
export interface ReplicaState {
  readonly index: number
  /** 0 when no process runs, like `pid`. */
  readonly incarnation: number
  readonly pid: number
  readonly state: 'starting' | 'connected' | 'draining' | 'dead'
  readonly restarts: number
  /** Monotonic start or adoption of the process under this control; null when none runs. */
  readonly startedAtMs: number | null
  readonly lastDeath: ReplicaDeath | null
}

/** The process that a place is judged by: the newest that serves, else that may come to serve. */
const shownOf = (
  processes: readonly Readonly<ReplicaProcess>[],
  isServing: (replica: ConnectedReplica) => boolean,
): Readonly<ReplicaProcess> | undefined => {
  const staying = processes.filter(isStaying)
  const serving = staying.findLast(({ replica }) => replica !== null && isServing(replica))
  return serving ?? staying.at(-1) ?? processes.at(-1)
}

const stateOf = (process: Readonly<ReplicaProcess> | undefined): ReplicaState['state'] => {
  if (process === undefined) return 'dead'
  if (!isStaying(process)) return 'draining'
  return process.replica === null ? 'starting' : 'connected'
}

export const replicaStateOf = (
  { index, processes, restarts, lastDeath }: ReplicaSlot,
  isServing: (replica: ConnectedReplica) => boolean,
): ReplicaState => {
  const shown = shownOf(processes, isServing)
  return {
    index,
    incarnation: shown?.incarnation ?? 0,
    pid: shown?.identity?.pid ?? 0,
    state: stateOf(shown),
    restarts,
    startedAtMs: shown?.startedAtMs ?? null,
    lastDeath,
  }
}
