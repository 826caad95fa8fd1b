/**
 * Trials judged beside those that ran right before and right behind them. Pure.
 *
 * The speed of a shared machine changes twofold within seconds. The lowest cost of all trials is
 * that of the one lucky second of each server: of one and the same pair of servers it said .56 to
 * .77 in four rounds of one run, and neighbours in time .56 to .65.
 */

import { spreadOf } from './statistics.ts'
import type { Trial } from './trial.ts'

/** The yardstick, which every round begins and ends with. */
export const ECHOES: readonly string[] = ['echo', 'echo again']

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The cost of a baseline over that of each trial of `ours`, where the baseline's is the mean of its
 * trials next before and next behind. `trials`: under one load, in the order in which they ran.
 */
export const sharesBeside = <T extends Trial>(
  trials: readonly T[],
  ours: string,
  baseline: readonly string[],
  costUs: (trial: T) => number = ({ dataCpuUs }) => dataCpuUs,
): number[] => {
  const isBaseline = ({ server }: T) => baseline.includes(server)
  return trials.flatMap((trial, i) => {
    if (trial.server !== ours) return []
    const before = trials.slice(0, i).findLast(isBaseline)
    const behind = trials.slice(i + 1).find(isBaseline)
    const beside = [before, behind].filter((each) => each !== undefined)
    if (beside.length === 0) return []
    return [meanOf(beside.map(({ dataCpuUs }) => dataCpuUs)) / costUs(trial)]
  })
}

/** The median of those; NaN where nothing can be compared. */
export const shareBeside = <T extends Trial>(
  trials: readonly T[],
  ours: string,
  baseline: readonly string[] = ECHOES,
  costUs?: (trial: T) => number,
): number => {
  const shares = sharesBeside(trials, ours, baseline, costUs)
  return shares.length === 0 ? Number.NaN : spreadOf(shares).median
}
