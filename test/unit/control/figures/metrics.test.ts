import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MetricEntry } from '../../../../src/control/figures/metric-entry.ts'
import { METRICS } from '../../../../src/control/figures/metric-table.ts'
import {
  METRICS_TYPES,
  type MetricsContext,
  type MetricsFormat,
  MetricsPage,
} from '../../../../src/control/figures/metrics.ts'
import { slotKeyText } from '../../../../src/shared/counters.ts'
import { VERSION } from '../../../../src/shared/version.ts'
import { answerKey, anySlots, slotFrom, slotsFrom } from '../../../helpers/counted-slots.ts'
import { type Exposition, labelsOf, nameOf, parseExposition } from '../../../helpers/exposition.ts'
import {
  anyContext,
  anyName,
  contextOf,
  modelsOf,
  replica,
  snapshotOf,
  thread,
} from '../../../helpers/metrics-context.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const FORMATS = ['text', 'openmetrics'] as const
const ENTRIES: readonly MetricEntry[] = Object.values(METRICS)

const pageOf = async (more: Partial<MetricsContext> = {}, format: MetricsFormat = 'text') =>
  parseExposition(await new MetricsPage().render(contextOf(more), format))

/** A page takes its time. */
const FEWER = { numRuns: propertyRuns(30) }

/** The metric of a series: histograms have three names. */
const entryOf = (series: string): MetricEntry | undefined => {
  const written = nameOf(series)
  const part = written.replace(/_(bucket|sum|count)$/, '')
  return (
    ENTRIES.find((entry) => entry.name === written) ??
    ENTRIES.find((entry) => entry.name === part && entry.type === 'histogram')
  )
}

/** Series that are not as METRICS declares them. */
const undeclared = ({ series, types }: Exposition, format: MetricsFormat): string[] =>
  [...series.keys()].filter((one) => {
    const entry = entryOf(one)
    if (entry === undefined) return true
    const labels = [...labelsOf(one).keys()]
    const wanted = nameOf(one).endsWith('_bucket') ? [...entry.labels, 'le'] : entry.labels
    return labels.join() !== wanted.join() || typeIn(types, entry, format) !== entry.type
  })

/** The type a page gives to a metric. Counters of OpenMetrics are named by their family. */
const typeIn = (
  types: Exposition['types'],
  { name: metric, type }: MetricEntry,
  format: MetricsFormat,
): string | undefined => {
  if (format === 'text' || type !== 'counter') return types.get(metric)
  if (metric.endsWith('_total')) return types.get(metric.replace(/_total$/, ''))
  // A counter must end in `_total` there, and Triton's do not.
  return types.get(metric) === 'unknown' ? 'counter' : undefined
}

test.each(FORMATS)('render() writes nothing in %s but what METRICS declares', async (format) => {
  await fc.assert(
    fc.asyncProperty(anyContext, async (context) => {
      const page = parseExposition(await new MetricsPage().render(context, format))
      expect(undeclared(page, format)).toEqual([])
      const families = [...page.series.keys()].map((one) => entryOf(one)!.name)
      expect(page.types.size).toBe(new Set(families).size)
    }),
    FEWER,
  )
})

test.each(FORMATS)('render() writes histograms in %s that add up', async (format) => {
  await fc.assert(
    fc.asyncProperty(anySlots, async (counted) => {
      const slots = slotsFrom(counted)
      const { series } = await pageOf({ snapshot: snapshotOf({ slots }) }, format)
      const histograms = Map.groupBy(
        [...series].filter(([one]) => nameOf(one).endsWith('_bucket')),
        ([one]) => one.replace(/,?le="[^"]*"/, ''),
      )
      for (const [bucket, buckets] of histograms) {
        const bounds = buckets.map(([one]) =>
          Number(labelsOf(one).get('le')!.replace('Inf', 'Infinity')),
        )
        expect(bounds).toEqual([...bounds].sort((a, b) => a - b))
        const values = buckets.map(([, value]) => value)
        expect(values).toEqual([...values].sort((a, b) => a - b))
        expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY)
        expect(series.get(bucket.replace('_bucket', '_count'))).toBe(values.at(-1))
        expect(series.has(bucket.replace('_bucket', '_sum'))).toBe(true)
      }
      const counts = [...series.keys()].filter(
        (one) => nameOf(one).endsWith('_count') && entryOf(one)!.type === 'histogram',
      )
      expect(histograms.size).toBe(counts.length)
    }),
    FEWER,
  )
})

test('render() writes the same series in both formats', async () => {
  await fc.assert(
    fc.asyncProperty(anyContext, async (context) => {
      const pages = await Promise.all(
        FORMATS.map((format) => new MetricsPage().render(context, format)),
      )
      const [text, openmetrics] = pages.map((page) => {
        const { series } = parseExposition(page)
        // Of this process, and of the moment.
        return [...series].map(([one, value]) => [one, one.includes('"control"') ? 0 : value])
      })
      expect(openmetrics).toEqual(text)
    }),
    FEWER,
  )
})

test('render() ends OpenMetrics with # EOF, once, and leaves no line empty', async () => {
  const page = await new MetricsPage().render(contextOf(), 'openmetrics')
  expect(page.endsWith('\n# EOF\n')).toBe(true)
  expect(page.split('# EOF')).toHaveLength(2)
  expect(page.split('\n').indexOf('')).toBe(page.split('\n').length - 1)
  expect(await new MetricsPage().render(contextOf())).not.toContain('# EOF')
})

test('METRICS_TYPES name the versions of the formats', () => {
  expect(METRICS_TYPES).toEqual({
    text: 'text/plain; version=0.0.4; charset=utf-8',
    openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  })
})

test('render() escapes names so that they come back as they were', async () => {
  const readBack = (text: string) =>
    text.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))
  await fc.assert(
    fc.asyncProperty(anyName, async (model) => {
      const { series } = await pageOf({ models: modelsOf([[model, 1, 'failed']]) })
      const [one] = [...series.keys()].filter((each) => nameOf(each) === 'sluice_version_state')
      const labels = [...labelsOf(one!)].map(([label, value]) => [label, readBack(value)])
      expect(labels).toEqual(Object.entries({ model, version: '1', state: 'failed' }))
    }),
  )
})

test('render() adds up the threads of a replica and says what runs', async () => {
  const threads = [
    thread(0, { inFlight: 2, connections: 5, queueRows: 7, loopLagSeconds: 0.25, cpuSeconds: 3 }),
    thread(1, { inFlight: 1, connections: 4, queueRows: 0, loopLagSeconds: 0.5, cpuSeconds: 4 }),
  ]
  const { series } = await pageOf({
    snapshot: snapshotOf({
      replicas: [replica(1, { threads, computeThreads: [thread(0, { cpuSeconds: 9 })] })],
      deadCpuSeconds: 2.25,
    }),
    models: modelsOf([
      ['flights', 1, 'unloaded'],
      ['clicks', 2, 'loading'],
    ]),
    replicas: [
      { index: 0, isConnected: false, restarts: 3 },
      { index: 1, isConnected: true, restarts: 0 },
    ],
  })
  const found = [...series].filter(([one]) => !one.includes('"control"'))
  const node = process.versions.node
  expect(Object.fromEntries(found)).toEqual({
    'sluice_replica_figures_age_seconds{replica="1"}': 0.25,
    'sluice_replica_recycles_total{reason="memory"}': 0,
    'sluice_replica_recycles_total{reason="unloads"}': 0,
    sluice_version_unloads_total: 3,
    'sluice_requests_in_flight{replica="1"}': 3,
    'sluice_connections{replica="1"}': 9,
    'sluice_queue_rows{replica="1"}': 7,
    ...Object.fromEntries(
      ['0', '1'].flatMap((thread) => [
        [`sluice_thread_accepting{replica="1",thread="${thread}"}`, 1],
        [`sluice_accept_pauses_total{replica="1",thread="${thread}",reason="full"}`, 0],
        [`sluice_accept_pauses_total{replica="1",thread="${thread}",reason="late"}`, 0],
      ]),
    ),
    'sluice_event_loop_lag_seconds{replica="1",thread="0"}': 0.25,
    'sluice_event_loop_lag_seconds{replica="1",thread="1"}': 0.5,
    'sluice_thread_cpu_seconds_total{replica="1",thread="0"}': 3,
    'sluice_thread_cpu_seconds_total{replica="1",thread="1"}': 4,
    'sluice_thread_cpu_seconds_total{replica="1",thread="compute-0"}': 9,
    'sluice_process_cpu_seconds_total{process="replicas"}': 3.75,
    'sluice_process_resident_memory_bytes{process="replica-1"}': 1e8,
    'sluice_process_heap_bytes{process="replica-1"}': 1e7,
    'sluice_replica_up{replica="0"}': 0,
    'sluice_replica_up{replica="1"}': 1,
    'sluice_replica_restarts_total{replica="0"}': 3,
    'sluice_replica_restarts_total{replica="1"}': 0,
    sluice_traffic_epoch: 7,
    sluice_epoch_changes_total: 2,
    'sluice_version_state{model="clicks",version="2",state="loading"}': 1,
    [`sluice_build_info{version="${VERSION}",node="${node}",onnxruntime="1.2.3"}`]: 1,
    sluice_start_time_seconds: 1_700_000_000.5,
    sluice_series_dropped_total: 0,
  })
})

const namesOf = ({ series }: Exposition): string[] => [...new Set([...series.keys()].map(nameOf))]

test('render() leaves out sums that are not whole and figures that never came', async () => {
  const slots = new Map([[slotKeyText(answerKey('flights')), slotFrom([])]])
  const whole = await pageOf({ snapshot: snapshotOf({ slots, replicas: [replica(0)] }) })
  expect(namesOf(whole)).toContain('sluice_rows_total')
  const replicas = [replica(0, { hasFigures: false })]
  const part = await pageOf({ snapshot: snapshotOf({ isWhole: false, replicas }) })
  const ofReplicas = namesOf(part).filter((one) => !namesOf(NOTHING).includes(one))
  expect(ofReplicas).toEqual(['sluice_replica_figures_age_seconds'])
  expect(part.series.has('sluice_process_cpu_seconds_total{process="replicas"}')).toBe(false)
})

const NOTHING = await pageOf({ snapshot: null })

test('render() shows the newest process of a place, and the CPU time of all', async () => {
  const young = replica(0, { incarnation: 9, rssBytes: 2e8, cpuSeconds: 1 })
  const old = replica(0, { incarnation: 5, rssBytes: 1e8, cpuSeconds: 2 })
  for (const replicas of [
    [old, young],
    [young, old],
  ]) {
    const { series } = await pageOf({ snapshot: snapshotOf({ replicas, deadCpuSeconds: 4 }) })
    expect(series.get('sluice_process_resident_memory_bytes{process="replica-0"}')).toBe(2e8)
    expect(series.get('sluice_process_cpu_seconds_total{process="replicas"}')).toBe(7)
  }
})

test('MetricsPage keeps to its budget and counts what it left out, scrape after scrape', async () => {
  const keys = ['a', 'b', 'c'].map((endpoint) => slotKeyText(answerKey(endpoint)))
  const slots = new Map(keys.map((key) => [key, slotFrom([])]))
  const context = contextOf({ snapshot: snapshotOf({ slots }) })
  const all = parseExposition(await new MetricsPage().render(context)).series.size
  const each = (all - parseExposition(await new MetricsPage().render(contextOf())).series.size) / 3
  for (const [budget, shown] of [
    [all, 3],
    [all - 1, 2],
    [all - each, 2],
    [all - each - 1, 1],
    [1, 0],
  ] as const) {
    const page = new MetricsPage(budget)
    for (const scrape of [1, 2]) {
      const { series } = parseExposition(await page.render(context))
      expect(series.size).toBe(all - (3 - shown) * each)
      expect(series.get('sluice_series_dropped_total')).toBe(scrape * (3 - shown) * each)
    }
  }
})

test('METRICS has each name once, counters end in _total, and no help ends in a stop', () => {
  expect(new Set(ENTRIES.map((entry) => entry.name)).size).toBe(ENTRIES.length)
  for (const { name: metric, type, help } of ENTRIES) {
    if (!metric.startsWith('nv_')) expect(metric.endsWith('_total')).toBe(type === 'counter')
    expect(help).toMatch(/^\S.*[^.\s]$/)
  }
})
