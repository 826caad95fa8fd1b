/** Starting a spool thread, for the agent. */

import type { Worker } from 'node:worker_threads'
import { spawnThread } from '../../shared/threads.ts'
import type { SpoolStart } from './spool-messages.ts'

/** The ports of `start` move to the thread. */
export const startSpoolThread = (start: SpoolStart): Worker =>
  spawnThread('records/spool/spool-thread.ts', 'spool', start, [...start.ports])
