/**
 * What a row of a model costs during a trial. The machine is faster in one moment than in the next,
 * by a third and more; what a load does to the goodput shows only against what rows cost meanwhile.
 */

import { spentNs, type ThreadTimes } from '../measure/cpu.ts'
import type { SluiceServer } from '../servers/sluice.ts'
import type { Placement } from './world.ts'

/** What a model has run until now. */
export interface Ran {
  readonly rows: number
  /** Nanoseconds of its runs. */
  readonly runNs: number
  readonly computeThreads: ThreadTimes
}

interface Statistics {
  readonly model_stats: readonly {
    readonly inference_count: number
    readonly inference_stats: { readonly compute_infer: { readonly ns: number } }
  }[]
}

export const lookAtRuns = async (server: SluiceServer, model: string): Promise<Ran> => {
  const response = await fetch(`http://127.0.0.1:${server.port}/v2/models/${model}/stats`)
  const { model_stats } = (await response.json()) as Statistics
  const { inference_count: rows, inference_stats } = model_stats[0]!
  const runNs = inference_stats.compute_infer.ns
  return { rows, runNs, computeThreads: server.computeThreads() }
}

/**
 * Microseconds of a row between two looks: CPU of the compute threads of a pooled model, so that
 * what others take from them does not count as cost; how long its runs took for an inline one.
 */
export const rowUsBetween = (placement: Placement, before: Ran, after: Ran): number => {
  const rows = Math.max(1, after.rows - before.rows)
  const ns =
    placement === 'pooled'
      ? spentNs(before.computeThreads, after.computeThreads)
      : after.runNs - before.runNs
  return ns / rows / 1000
}
