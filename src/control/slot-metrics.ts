/** From counter slots to samples. Pure. */

import {
  BATCH_AT,
  BATCH_SIZE_SLOTS,
  COMPUTE_AT,
  PROTOCOLS,
  parseSlotKey,
  QUEUE_AT,
  REASON_ABORTED,
  REASON_OK,
  REASONS,
  ROWS_AT,
  RUNS_AT,
  reasonName,
  requestsIndex,
  type SlotKey,
  TOTAL_AT,
} from '../shared/counters.ts'
import { ERRORS, type ErrorCode } from '../shared/errors.ts'
import { cumulativeAtBounds, LATENCY_BOUNDS_US, LATENCY_SLOTS } from '../shared/latency-slots.ts'
import type { MetricName } from './metric-table.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  /** Name with `_bucket`, `_sum` or `_count`, for histograms. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

export type Samples = { [Name in MetricName]?: Sample[] }

const add = (samples: Samples, name: MetricName, sample: Sample): void => {
  const list = samples[name] ?? []
  list.push(sample)
  samples[name] = list
}

/** Outcome of a reason, for people who do not know our codes. */
export const outcomeOf = (reason: number): 'ok' | 'aborted' | 'refused' | 'failed' => {
  if (reason === REASON_OK) return 'ok'
  if (reason === REASON_ABORTED) return 'aborted'
  const status = ERRORS[reasonName(reason) as ErrorCode]?.http ?? 500
  return status < 500 || status === 503 ? 'refused' : 'failed'
}

/** Triton's reasons (docs/user_guide/metrics.md of triton-inference-server/server). */
const tritonReason = (reason: number): 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER' => {
  if (reason === REASON_ABORTED) return 'CANCELED'
  const code = reasonName(reason)
  if (code === 'QUEUE_FULL') return 'REJECTED'
  return code === 'INFERENCE_FAILED' || code === 'OUTPUT_NOT_FINITE' ? 'BACKEND' : 'OTHER'
}

const variantLabels = ({ endpoint, model, version, variant }: SlotKey) => ({
  endpoint,
  model,
  version,
  variant,
})

const requestSamples = (samples: Samples, key: SlotKey, values: Float64Array): void => {
  for (const [index, protocol] of PROTOCOLS.entries()) {
    for (let reason = 0; reason < REASONS; reason++) {
      const value = values[requestsIndex(index, reason)]!
      if (value === 0) continue
      const labels = {
        ...variantLabels(key),
        protocol,
        outcome: outcomeOf(reason),
        reason: reasonName(reason),
      }
      add(samples, 'requests', { labels, value })
    }
  }
}

const latencySamples = (
  samples: Samples,
  name: MetricName,
  labels: Sample['labels'],
  values: Float64Array,
  at: number,
): void => {
  let count = 0
  for (let slot = 0; slot < LATENCY_SLOTS; slot++) count += values[at + slot]!
  const cumulative = cumulativeAtBounds(values, at)
  for (const [i, us] of LATENCY_BOUNDS_US.entries()) {
    const le = us / 1e6
    add(samples, name, { labels: { ...labels, le }, value: cumulative[i]!, suffix: '_bucket' })
  }
  add(samples, name, { labels: { ...labels, le: '+Inf' }, value: count, suffix: '_bucket' })
  add(samples, name, { labels, value: values[at + LATENCY_SLOTS]!, suffix: '_sum' })
  add(samples, name, { labels, value: count, suffix: '_count' })
}

const batchSamples = (samples: Samples, labels: Sample['labels'], values: Float64Array): void => {
  let count = 0
  for (let slot = 0; slot < BATCH_SIZE_SLOTS; slot++) {
    count += values[BATCH_AT + slot]!
    const le = slot === BATCH_SIZE_SLOTS - 1 ? '+Inf' : 2 ** slot
    add(samples, 'batchRows', { labels: { ...labels, le }, value: count, suffix: '_bucket' })
  }
  const sum = values[BATCH_AT + BATCH_SIZE_SLOTS]!
  add(samples, 'batchRows', { labels, value: sum, suffix: '_sum' })
  add(samples, 'batchRows', { labels, value: count, suffix: '_count' })
}

interface TritonSums {
  readonly labels: { readonly model: string; readonly version: string }
  readonly sums: Map<MetricName, number>
  readonly failures: Map<string, number>
}

const bump = <K>(map: Map<K, number>, key: K, value: number): void => {
  map.set(key, (map.get(key) ?? 0) + value)
}

const addTriton = (all: Map<string, TritonSums>, key: SlotKey, values: Float64Array): void => {
  const id = `${key.model}\0${key.version}`
  const labels = { model: key.model, version: key.version }
  const known = all.get(id) ?? { labels, sums: new Map(), failures: new Map() }
  all.set(id, known)
  for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
    bump(known.sums, 'nvSuccess', values[requestsIndex(protocol, REASON_OK)]!)
    for (let reason = REASON_OK + 1; reason < REASONS; reason++) {
      const value = values[requestsIndex(protocol, reason)]!
      if (value > 0) bump(known.failures, tritonReason(reason), value)
    }
  }
  bump(known.sums, 'nvCount', values[ROWS_AT]!)
  bump(known.sums, 'nvExecCount', values[RUNS_AT]!)
  bump(known.sums, 'nvRequestUs', values[TOTAL_AT + LATENCY_SLOTS]! * 1e6)
  bump(known.sums, 'nvQueueUs', values[QUEUE_AT + LATENCY_SLOTS]! * 1e6)
  bump(known.sums, 'nvComputeUs', values[COMPUTE_AT + LATENCY_SLOTS]! * 1e6)
}

const tritonSamples = (samples: Samples, all: ReadonlyMap<string, TritonSums>): void => {
  for (const { labels, sums, failures } of all.values()) {
    for (const [name, value] of sums) add(samples, name, { labels, value: Math.round(value) })
    for (const reason of ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER']) {
      const value = failures.get(reason) ?? 0
      add(samples, 'nvFailure', { labels: { ...labels, reason }, value })
    }
  }
}

/** Series that one answering slot brings about: histograms, rows and a few request counters. */
const SERIES_PER_SLOT = 3 * (LATENCY_BOUNDS_US.length + 3) + BATCH_SIZE_SLOTS + 2 + 12

/** Samples of all slots, as many as the budget allows; the rest is counted in `seriesDropped`. */
export const slotSamples = (
  slots: ReadonlyMap<string, Float64Array>,
  seriesMax: number,
): Samples => {
  const samples: Samples = {}
  const triton = new Map<string, TritonSums>()
  let series = 0
  let dropped = 0
  for (const [text, values] of slots) {
    const key = parseSlotKey(text)
    const labels = variantLabels(key)
    series += SERIES_PER_SLOT
    if (series > seriesMax) {
      dropped++
      continue
    }
    requestSamples(samples, key, values)
    if (key.role !== 'answer') continue
    latencySamples(samples, 'requestSeconds', labels, values, TOTAL_AT)
    latencySamples(samples, 'queueSeconds', labels, values, QUEUE_AT)
    latencySamples(samples, 'computeSeconds', labels, values, COMPUTE_AT)
    batchSamples(samples, labels, values)
    add(samples, 'rows', { labels, value: values[ROWS_AT]! })
    addTriton(triton, key, values)
  }
  tritonSamples(samples, triton)
  add(samples, 'seriesDropped', { labels: {}, value: dropped })
  return samples
}
