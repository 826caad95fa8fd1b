/** How Node is started for a replica. Pure. */

import type { ReplicaSettings } from '../../shared/epoch-plan.ts'

/** What Node starts where nobody says a number, however few cores there are. */
const ENGINE_THREADS_MAX = 4

/**
 * A third of the young generation of each thread, at most: it stays below 24 MB. V8's own limit of
 * 16 lets it grow to 48 MB when some versions have come and gone, and it never shrinks. What a
 * request costs is the same with 2, 4, 8 and 16.
 */
const SEMI_SPACE_MB_MAX = 8

/**
 * Threads of V8's own, which compile and collect: as many as there are cores beside those of the
 * data and compute threads, at least 1. When the kind of load changes, all of them compile: on 2
 * cores four of them took two thirds of the core of a data thread for 50-250 ms. In 9 trials of a
 * 12-fold spike on a gateway just started, 180 of 5,449 requests of high priority came too late;
 * with a single thread 1 of 5,936.
 */
const engineThreadsOf = (
  { threads, computeThreads }: Pick<ReplicaSettings, 'threads' | 'computeThreads'>,
  cores: number,
): number => Math.min(ENGINE_THREADS_MAX, Math.max(1, cores - threads - computeThreads))

/**
 * Flags of Node for a replica with these threads that has so many cores for itself. They count
 * above those in `NODE_OPTIONS`.
 */
export const nodeFlags = (
  settings: Pick<ReplicaSettings, 'threads' | 'computeThreads'>,
  cores: number,
): string[] => [
  `--v8-pool-size=${engineThreadsOf(settings, cores)}`,
  `--max-semi-space-size=${SEMI_SPACE_MB_MAX}`,
]
