/** From counter slots to samples, within a budget of series. Pure. */

import {
  BATCH_SIZES,
  batchIndex,
  batchRowsMax,
  COMPUTE_AT,
  PROTOCOLS,
  parseSlotKey,
  QUEUE_AT,
  REASON_OK,
  REASONS,
  ROWS_AT,
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  reasonName,
  requestsIndex,
  type SlotKey,
  TOTAL_AT,
} from '../../shared/counters.ts'
import { cumulativeAtBounds, LATENCY_BOUNDS_US, LATENCY_SLOTS } from '../../shared/latency-slots.ts'
import type { MetricName } from './metric-table.ts'
import { outcomeOf } from './outcome.ts'
import { histogram, type Labels, type Sample, sample } from './sample.ts'
import type { Snapshot } from './statistics.ts'
import { TRITON_SERIES, TritonSums } from './triton-metrics.ts'

const LATENCY_BOUNDS_SECONDS = LATENCY_BOUNDS_US.map((us) => us / 1e6)
/** 1, 2, 4 ... 65536 rows. */
const BATCH_BOUNDS = Array.from({ length: 17 }, (_, power) => 2 ** power)

/** Stands for "it could be asked and was not": an idle version has a series to compare with 0. */
const ALWAYS_SHOWN = { protocol: 0, reason: REASON_OK }

/** Codes of a newer release, counted by an adopted replica: one series, as they have no name. */
const UNNAMED = { outcome: outcomeOf(REASONS - 1), reason: 'other' }

const requestSamples = (key: SlotKey, labels: Labels, slot: Float64Array): Sample[] =>
  PROTOCOLS.flatMap((protocol, index) => {
    const samples: Sample[] = []
    let unnamed = 0
    for (let reason = 0; reason < REASONS; reason++) {
      const value = slot[requestsIndex(index, reason)]!
      const isShown =
        key.role === 'answer' && index === ALWAYS_SHOWN.protocol && reason === ALWAYS_SHOWN.reason
      if (value === 0 && !isShown) continue
      const [outcome, name] = [outcomeOf(reason), reasonName(reason)]
      if (name === '') unnamed += value
      else samples.push(sample('requests', value, { ...labels, protocol, outcome, reason: name }))
    }
    if (unnamed > 0) samples.push(sample('requests', unnamed, { ...labels, protocol, ...UNNAMED }))
    return samples
  })

const countAll = (slot: Float64Array, at: number, slots: number): number => {
  let count = 0
  for (let i = 0; i < slots; i++) count += slot[at + i]!
  return count
}

const latencySamples = (
  metric: MetricName,
  labels: Labels,
  slot: Float64Array,
  at: number,
): Sample[] =>
  histogram(metric, labels, LATENCY_BOUNDS_SECONDS, cumulativeAtBounds(slot, at), {
    count: countAll(slot, at, LATENCY_SLOTS),
    sum: slot[at + LATENCY_SLOTS]!,
  })

const batchSamples = (labels: Labels, slot: Float64Array): Sample[] => {
  const cumulative = BATCH_BOUNDS.map(() => 0)
  for (let size = 0, bound = 0, runs = 0; size < BATCH_SIZES - 1; size++) {
    const rows = batchRowsMax(size)
    runs += slot[batchIndex(rows)]!
    if (rows === BATCH_BOUNDS[bound]) cumulative[bound++] = runs
  }
  const [count, sum] = [slot[RUNS_AT]!, slot[RUN_ROWS_AT]!]
  return histogram('batchRows', labels, BATCH_BOUNDS, cumulative, { count, sum })
}

const samplesOf = (key: SlotKey, slot: Float64Array): Sample[] => {
  const { endpoint, model, version, variant } = key
  const labels = { endpoint, model, version, variant }
  const requests = requestSamples(key, labels, slot)
  if (key.role !== 'answer') return requests
  return [
    ...requests,
    ...latencySamples('requestSeconds', labels, slot, TOTAL_AT),
    ...latencySamples('queueSeconds', labels, slot, QUEUE_AT),
    ...latencySamples('computeSeconds', labels, slot, COMPUTE_AT),
    ...batchSamples(labels, slot),
    sample('rows', slot[ROWS_AT]!, labels),
    sample('batches', slot[RUNS_AT]!, labels),
    sample('runSeconds', slot[RUN_SECONDS_AT]!, labels),
  ]
}

const versionOf = ({ model, version }: SlotKey): string => JSON.stringify([model, version])

/**
 * Samples of all slots, as many as fit into `seriesMax`; the first seen come first. A slot is shown
 * whole or not at all, and a version that is shown sums up all its slots, shown or not: a part of
 * it would fall as soon as another part took its place.
 */
export const slotSamples = (
  { slots, retired }: Pick<Snapshot, 'slots' | 'retired'>,
  seriesMax: number,
): { samples: Sample[]; dropped: number } => {
  const samples: Sample[] = []
  const triton = new Map<string, TritonSums>()
  const versions = new Set<string>()
  let room = seriesMax
  let wanted = 0
  for (const [text, slot] of slots) {
    const key = parseSlotKey(text)
    const own = samplesOf(key, slot)
    wanted += own.length
    if (key.role === 'answer') versions.add(versionOf(key))
    const isNewVersion = key.role === 'answer' && !triton.has(versionOf(key))
    const needed = own.length + (isNewVersion ? TRITON_SERIES : 0)
    if (needed > room) continue
    room -= needed
    samples.push(...own)
    if (isNewVersion) triton.set(versionOf(key), new TritonSums(key))
  }
  for (const [text, slot] of [...slots, ...retired]) {
    const key = parseSlotKey(text)
    if (key.role === 'answer') triton.get(versionOf(key))?.add(slot)
  }
  for (const sums of triton.values()) samples.push(...sums.samples())
  return { samples, dropped: wanted + versions.size * TRITON_SERIES - samples.length }
}
