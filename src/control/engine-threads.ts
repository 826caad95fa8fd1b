/** How many threads of V8's own, which compile and collect, a replica has. Pure. */

import type { ReplicaSettings } from '../shared/epoch-plan.ts'

/** What Node starts where nobody says a number, however few cores there are. */
const ENGINE_THREADS_MAX = 4

/**
 * As many as there are cores beside those of the data and compute threads, at least 1. When the
 * kind of load changes, all of them compile: on 2 cores four of them took two thirds of the core of
 * a data thread for 50-250 ms. In 9 trials of a 12-fold spike on a gateway just started, 180 of
 * 5,449 requests of high priority came too late; with a single thread 1 of 5,936.
 */
export const engineThreadsOf = (
  { threads, computeThreads }: Pick<ReplicaSettings, 'threads' | 'computeThreads'>,
  cores: number,
): number => Math.min(ENGINE_THREADS_MAX, Math.max(1, cores - threads - computeThreads))
