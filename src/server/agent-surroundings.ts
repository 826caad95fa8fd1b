/** What an agent has around it: the process it is in, and control. */

import type { Clock } from '../shared/clock.ts'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import type { Forward } from './agent-calls.ts'
import type { StartComputeThread } from './compute-threads.ts'
import type { StartThread } from './data-threads.ts'
import type { UnloadedVersion } from './holdings.ts'
import type { StartSpoolThread } from './spool-keeper.ts'

/** How a replica ends: 0 drained, 1 a thread died or hangs, 78 it can never start. */
export type ExitCode = 0 | 1 | 78

/** News for control. */
export type AgentEvent = 'thread_silent' | 'thread_dead' | 'slots_exhausted' | 'version_unloaded'

export interface AgentSurroundings {
  readonly settings: ReplicaSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly marksFd?: number
  readonly startThread: StartThread
  readonly startComputeThread: StartComputeThread
  readonly startSpoolThread: StartSpoolThread
  report(event: AgentEvent, detail: string, unloaded?: UnloadedVersion): void
  readonly forward: Forward
  /** Ends the process; called again, it does nothing. */
  exit(code: ExitCode, reason: string): void
}
