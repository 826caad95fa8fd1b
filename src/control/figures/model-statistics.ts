/**
 * Triton's statistics of models (its docs/protocol/extension_statistics.md; core, tritonserver.cc,
 * `TRITONSERVER_ServerModelStatistics`), from our slots. Pure.
 *
 * - Durations are those of successful requests, but for `fail`, and for those of `batch_stats`, in
 *   which each run is counted once.
 * - Sizes of runs up to 128 rows are exact; larger ones are counted under the next power of two.
 */

import {
  BATCH_SIZES,
  batchIndex,
  batchRowsMax,
  COMPUTE_AT,
  FAIL_SECONDS_AT,
  INPUT_SECONDS_AT,
  LAST_AT,
  OUTPUT_SECONDS_AT,
  parseSlotKey,
  QUEUE_AT,
  ROWS_AT,
  RUNS_AT,
  SLOT_DOUBLES,
  TOTAL_AT,
} from '../../shared/counters.ts'
import { LATENCY_SLOTS } from '../../shared/latency-slots.ts'
import { versionName } from '../planning/planned-version.ts'
import { addTo } from './slot-sums.ts'
import type { Snapshot } from './statistics.ts'
import { FAILURE_REASONS, tritonOutcomes } from './triton-outcomes.ts'

interface Duration {
  readonly count: number
  readonly ns: number
}

export interface BatchStatistics {
  readonly batch_size: number
  readonly compute_input: Duration
  readonly compute_infer: Duration
  readonly compute_output: Duration
}

export interface ModelStatistics {
  readonly name: string
  readonly version: string
  /** Milliseconds since 1970; 0: none yet. */
  readonly last_inference: number
  /** Rows. */
  readonly inference_count: number
  /** Runs. */
  readonly execution_count: number
  readonly inference_stats: Readonly<
    Record<
      | 'success'
      | 'fail'
      | 'queue'
      | 'compute_input'
      | 'compute_infer'
      | 'compute_output'
      | 'cache_hit'
      | 'cache_miss',
      Duration
    >
  >
  readonly response_stats: Readonly<Record<string, never>>
  readonly batch_stats: readonly BatchStatistics[]
  readonly memory_usage: readonly never[]
}

/** A version, or what has these two of one. */
export interface VersionKey {
  readonly model: string
  readonly version: number
}

const duration = (count: number, seconds: number): Duration => ({
  count,
  ns: Math.max(0, Math.round(seconds * 1e9)),
})

const NONE = duration(0, 0)

/** By the most rows that are counted together; of those without bound, the next power of two. */
const BATCH_ROWS = Array.from({ length: BATCH_SIZES }, (_, size) =>
  Math.min(batchRowsMax(size), 2 ** 17),
)

const batchStatistics = (sum: Float64Array): BatchStatistics[] => {
  const found: BatchStatistics[] = []
  for (const rows of BATCH_ROWS) {
    const at = batchIndex(rows)
    const runs = sum[at]!
    if (runs === 0) continue
    found.push({
      batch_size: rows,
      compute_input: duration(runs, sum[at + 1]!),
      compute_infer: duration(runs, sum[at + 2]!),
      compute_output: duration(runs, sum[at + 3]!),
    })
  }
  return found
}

/** Of a version. `sum`: over all its slots. */
const statisticsOf = ({ model, version }: VersionKey, sum: Float64Array): ModelStatistics => {
  const { success, failures } = tritonOutcomes(sum)
  const failed = FAILURE_REASONS.reduce((total, reason) => total + failures[reason], 0)
  return {
    name: model,
    version: String(version),
    last_inference: Math.floor(sum[LAST_AT]!),
    inference_count: sum[ROWS_AT]!,
    execution_count: sum[RUNS_AT]!,
    inference_stats: {
      success: duration(success, sum[TOTAL_AT + LATENCY_SLOTS]!),
      fail: duration(failed, sum[FAIL_SECONDS_AT]!),
      queue: duration(success, sum[QUEUE_AT + LATENCY_SLOTS]!),
      compute_input: duration(success, sum[INPUT_SECONDS_AT]!),
      compute_infer: duration(success, sum[COMPUTE_AT + LATENCY_SLOTS]!),
      compute_output: duration(success, sum[OUTPUT_SECONDS_AT]!),
      cache_hit: NONE,
      cache_miss: NONE,
    },
    response_stats: {},
    batch_stats: batchStatistics(sum),
    memory_usage: [],
  }
}

/** Statistics of these versions, in their order. `slots`: of a snapshot that is whole. */
export const modelStatistics = (
  { slots, retired }: Pick<Snapshot, 'slots' | 'retired'>,
  versions: readonly VersionKey[],
): { readonly model_stats: readonly ModelStatistics[] } => {
  const sums = new Map(versions.map((key) => [versionName(key), new Float64Array(SLOT_DOUBLES)]))
  for (const [text, slot] of [...slots, ...retired]) {
    const { model, version, role } = parseSlotKey(text)
    if (role !== 'answer') continue
    const sum = sums.get(versionName({ model, version: Number(version) }))
    if (sum !== undefined) addTo(sum, slot)
  }
  return { model_stats: versions.map((key) => statisticsOf(key, sums.get(versionName(key))!)) }
}
