import fc from 'fast-check'
import { expect, test } from 'vitest'
import { METRICS, type MetricName } from '../../../../src/control/figures/metric-table.ts'
import { outcomeOf } from '../../../../src/control/figures/outcome.ts'
import type { Labels, Sample } from '../../../../src/control/figures/sample.ts'
import { slotSamples } from '../../../../src/control/figures/slot-metrics.ts'
import { TRITON_SERIES } from '../../../../src/control/figures/triton-metrics.ts'
import {
  PROTOCOLS,
  parseSlotKey,
  REASON_OK,
  REASONS,
  reasonName,
  type SlotKey,
  slotKeyText,
} from '../../../../src/shared/counters.ts'
import {
  answerKey,
  anyRequest,
  anySlots,
  type CountedRequest,
  refusedKey,
  slotFrom,
  slotsFrom,
} from '../../../helpers/counted-slots.ts'

const NO_LIMIT = Number.POSITIVE_INFINITY
const NONE = new Map<string, Float64Array>()

const sampled = (
  slots: ReadonlyMap<string, Float64Array>,
  seriesMax = NO_LIMIT,
  retired: ReadonlyMap<string, Float64Array> = NONE,
) => slotSamples({ slots, retired }, seriesMax)

const oneSlot = (key: SlotKey, requests: readonly CountedRequest[]): Sample[] =>
  sampled(new Map([[slotKeyText(key), slotFrom(requests)]])).samples

const ofMetric = (samples: readonly Sample[], wanted: MetricName): Sample[] =>
  samples.filter(({ metric }) => metric === wanted)

const seriesOf = ({ metric, suffix, labels }: Sample): string =>
  JSON.stringify([metric, suffix, labels])

/** Series and values of some slots, or of the versions among them. */
const valuesOf = (samples: readonly Sample[]): Map<string, number> =>
  new Map(samples.map((sample) => [seriesOf(sample), sample.value]))

/** The slot or version that a sample speaks of. */
const ownerOf = ({ labels }: Sample): string => {
  const { endpoint, model, version, variant } = labels
  return JSON.stringify([endpoint, model, version, variant])
}

test('slotSamples() labels every series as the table declares, and none comes twice', () => {
  fc.assert(
    fc.property(anySlots, (counted) => {
      const { samples } = sampled(slotsFrom(counted))
      const wrong = samples.filter(({ metric, suffix, labels }) => {
        const { type, labels: declared } = METRICS[metric]
        const wanted = suffix === '_bucket' ? [...declared, 'le'] : declared
        const isSuffixed = (suffix !== undefined) === (type === 'histogram')
        return Object.keys(labels).join() !== wanted.join() || !isSuffixed
      })
      expect(wrong).toEqual([])
      expect(new Set(samples.map(seriesOf)).size).toBe(samples.length)
    }),
  )
})

const KEY_LABELS = ['endpoint', 'model', 'version', 'variant'] as const
const fits = (labels: Labels, key: SlotKey, label: (typeof KEY_LABELS)[number]): boolean =>
  labels[label] === undefined || labels[label] === key[label]

test('slotSamples() takes labels from the keys of slots alone', () => {
  fc.assert(
    fc.property(anySlots, (counted) => {
      const slots = slotsFrom(counted)
      const keys = [...slots.keys()].map(parseSlotKey)
      const unknown = sampled(slots).samples.filter(
        ({ labels }) => !keys.some((key) => KEY_LABELS.every((label) => fits(labels, key, label))),
      )
      expect(unknown).toEqual([])
    }),
  )
})

const versionsOf = (samples: readonly Sample[], metric: MetricName): Set<string> =>
  new Set(
    ofMetric(samples, metric).map(({ labels }) =>
      JSON.stringify([labels['model'], labels['version']]),
    ),
  )

test('slotSamples() shows whole slots or none, and counts what it drops', () => {
  const limits = fc.nat({ max: 6 * (95 + TRITON_SERIES) })
  fc.assert(
    fc.property(anySlots, limits, (counted, seriesMax) => {
      const slots = slotsFrom(counted)
      const all = sampled(slots).samples
      const { samples, dropped } = sampled(slots, seriesMax)
      expect(samples.length).toBeLessThanOrEqual(seriesMax)
      expect(samples.length + dropped).toBe(all.length)
      const owners = new Set(samples.map(ownerOf))
      expect(valuesOf(samples)).toEqual(valuesOf(all.filter((one) => owners.has(ownerOf(one)))))
      expect(versionsOf(samples, 'nvCount')).toEqual(versionsOf(samples, 'rows'))
    }),
  )
})

test('slotSamples() gives room to the first seen', () => {
  const keys = ['a', 'b', 'c'].map((endpoint) => slotKeyText(answerKey(endpoint)))
  const slots = new Map(keys.map((key) => [key, slotFrom([])]))
  const each = sampled(slots).samples.length / keys.length
  for (const room of [0, 1, 2, 3]) {
    for (const spare of room < 3 ? [0, each - 1] : [0]) {
      const { samples } = sampled(slots, room * each + spare)
      const shown = ofMetric(samples, 'rows').map(({ labels }) => labels['endpoint'])
      expect(shown).toEqual(['a', 'b', 'c'].slice(0, room))
    }
  }
})

test('slotSamples() sums a shown version over slots that are not shown, or not any more', () => {
  const request = { protocol: 0, reason: REASON_OK, rows: 3, totalUs: 1, queueUs: 1, computeUs: 1 }
  const [shown, hidden, retired] = ['v1', 'v2', 'v3'].map((variant) => {
    return [slotKeyText(answerKey('flights', '1', variant)), slotFrom([request])] as const
  })
  const room = sampled(new Map([shown!])).samples.length
  const { samples, dropped } = sampled(new Map([shown!, hidden!]), room, new Map([retired!]))
  expect(ofMetric(samples, 'rows').map(({ value }) => value)).toEqual([3])
  expect(ofMetric(samples, 'nvCount').map(({ value }) => value)).toEqual([9])
  expect(dropped).toBe(room - TRITON_SERIES)
})

test('slotSamples() has requests by protocol, outcome and reason, without those never seen', () => {
  fc.assert(
    fc.property(fc.array(anyRequest), fc.boolean(), (requests, isAnswer) => {
      const key = isAnswer ? answerKey('flights') : refusedKey('flights')
      const wanted = new Map<string, number>(isAnswer ? [['features ok ok', 0]] : [])
      for (const { protocol, reason } of requests) {
        const name = `${PROTOCOLS[protocol]} ${outcomeOf(reason)} ${reasonName(reason) || 'other'}`
        wanted.set(name, (wanted.get(name) ?? 0) + 1)
      }
      const found = ofMetric(oneSlot(key, requests), 'requests').map(
        ({ labels: { protocol, outcome, reason }, value }) =>
          [`${protocol} ${outcome} ${reason}`, value] as const,
      )
      expect(new Map(found)).toEqual(wanted)
    }),
  )
})

test('slotSamples() has one series for all codes that this release does not know', () => {
  const request = { protocol: 1, rows: 1, totalUs: 1, queueUs: 1, computeUs: 1 }
  const newer = [1, 2, 3].map(() => ({ ...request, reason: REASONS - 1 }))
  expect(ofMetric(oneSlot(refusedKey('flights'), newer), 'requests')).toMatchObject([
    { value: 3, labels: { protocol: 'oip', outcome: 'failed', reason: 'other' } },
  ])
})

/** What a histogram says of observations that were kept one by one. */
const histogramOf = (bounds: readonly number[], observed: readonly number[]) => ({
  buckets: [
    ...bounds.map((bound) => [bound, observed.filter((value) => value <= bound).length]),
    ['+Inf', observed.length],
  ],
  count: observed.length,
})

test.each([
  ['requestSeconds', 'totalUs', 1e6],
  ['queueSeconds', 'queueUs', 1e6],
  ['computeSeconds', 'computeUs', 1e6],
  ['batchRows', 'rows', 1],
] as const)('slotSamples() has %s of answered requests', (metric, what, unit) => {
  const latencies = [
    ...[25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3],
    ...[10e-3, 25e-3, 50e-3, 0.1, 0.25, 1, 2.5, 10],
  ]
  const bounds = unit === 1 ? Array.from({ length: 17 }, (_, i) => 2 ** i) : latencies
  fc.assert(
    fc.property(fc.array(anyRequest), (requests) => {
      const observed = requests
        .filter(({ reason }) => reason === REASON_OK)
        .map((request) => request[what] / unit)
      const samples = ofMetric(oneSlot(answerKey('flights'), requests), metric)
      const buckets = samples
        .filter(({ suffix }) => suffix === '_bucket')
        .map(({ labels, value }) => [labels['le'], value])
      const single = (suffix: string) => samples.filter((one) => one.suffix === suffix)
      const [{ value: count }, ...counts] = single('_count') as [Sample]
      const [{ value: sum }, ...sums] = single('_sum') as [Sample]
      expect([counts, sums]).toEqual([[], []])
      expect({ buckets, count }).toEqual(histogramOf(bounds, observed))
      expect(sum).toBeCloseTo(
        observed.reduce((total, value) => total + value, 0),
        6,
      )
    }),
  )
})

test('slotSamples() has rows and runs of a version, and requests alone where none was reached', () => {
  fc.assert(
    fc.property(fc.array(anyRequest), (requests) => {
      const answered = requests.filter(({ reason }) => reason === REASON_OK)
      const samples = oneSlot(answerKey('flights'), requests)
      const rows = answered.reduce((total, request) => total + request.rows, 0)
      expect(ofMetric(samples, 'rows').map(({ value }) => value)).toEqual([rows])
      expect(ofMetric(samples, 'batches').map(({ value }) => value)).toEqual([answered.length])
      const refused = oneSlot(refusedKey('flights'), requests)
      expect(refused.filter(({ metric }) => metric !== 'requests')).toEqual([])
    }),
  )
})
