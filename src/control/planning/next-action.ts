/** What planning does next. Pure and stateless: what is due and the time decide, nothing else. */

/** Times are monotonic milliseconds; Infinity: not wanted. */
export interface Due {
  /** The whole repository is to be read. */
  readonly scanAtMs: number
  /** Some models are to be looked at. */
  readonly lookAtMs: number
  /** What failed is to be tried again. */
  readonly retryAtMs: number
  /** The repository is to be compared with what was read. */
  readonly pollAtMs: number
  readonly planAtMs: number
  /** Whether somebody is there to prepare a plan; without, it waits. */
  readonly hasReplicas: boolean
  /** Replicas that do not serve the present epoch: those not tried before, and all. */
  readonly fresh: number
  readonly behind: number
}

export type Action = 'scan' | 'look' | 'retry' | 'poll' | 'bring_fresh' | 'plan' | 'bring' | 'wait'

/**
 * ```
 * scan, look due?        read the repository, or some models of it, and have them proved
 * retry due?             have proved again what failed
 * a replica is behind?   bring it to the present epoch, unless that is known to fail
 * plan due?              make it; unless it is the present one, publish it
 * one failed before?     try again to bring it to the present epoch
 * poll due?              look for models that have changed
 * else                   wait
 * ```
 */
export const nextAction = (due: Due, nowMs: number): Action => {
  if (due.scanAtMs <= nowMs) return 'scan'
  if (due.lookAtMs <= nowMs) return 'look'
  if (due.retryAtMs <= nowMs) return 'retry'
  if (due.fresh > 0) return 'bring_fresh'
  if (due.planAtMs <= nowMs && due.hasReplicas) return 'plan'
  if (due.behind > 0) return 'bring'
  return due.pollAtMs <= nowMs ? 'poll' : 'wait'
}
