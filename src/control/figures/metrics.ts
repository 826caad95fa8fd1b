/**
 * `/metrics`: the table and the samples, written by the Prometheus client's registry. Collected at
 * scrape; no request ever touches a metrics library.
 */

import { Registry } from '@prometheus-io/client'
import { VERSION } from '../../shared/version.ts'
import type { ModelsDocument } from '../api/status-document.ts'
import type { Recycler } from '../replicas/recycler.ts'
import type { ReplicaVersions } from '../replicas/replica-versions.ts'
import type { TraceCounts } from '../tracing/tracing.ts'
import { METRICS, type MetricName } from './metric-table.ts'
import { type RecordView, recordSamples, replicaRecordSamples } from './record-metrics.ts'
import { type Labels, type Sample, sample } from './sample.ts'
import { slotSamples } from './slot-metrics.ts'
import type { ReplicaSnapshot, Snapshot } from './statistics.ts'

/** Series of all metrics together. A variant takes about 95, so this is enough for 100. */
const SERIES_MAX = 10_000

/** Text format 0.0.4, or OpenMetrics 1.0.0. */
export type MetricsFormat = 'text' | 'openmetrics'

export const METRICS_TYPES: Readonly<Record<MetricsFormat, string>> = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
}

export interface MetricsContext {
  /** Null while it is not known yet which replicas there are. */
  readonly snapshot: Snapshot | null
  readonly models: ModelsDocument
  readonly epoch: number
  readonly epochChanges: number
  readonly onnxRuntimeVersion: string
  /** Of the data plane; null without one. */
  readonly certificateExpiresMs: number | null
  readonly startedAtMs: number
  readonly unloads: Pick<ReplicaVersions, 'total' | 'last'>
  readonly recycled: Recycler['counts']
  /** null: tracing is off. */
  readonly traces: TraceCounts | null
  /** null: nothing is written down. */
  readonly records: RecordView | null
  /** Wall clock. */
  readonly nowMs: number
  readonly replicas: readonly { index: number; isConnected: boolean; restarts: number }[]
}

const sum = (replica: ReplicaSnapshot, what: 'inFlight' | 'connections' | 'queueRows'): number =>
  replica.threads.reduce((total, thread) => total + thread[what], 0)

/** One process a place: a series of a predecessor that drains would stand twice. */
const newest = (replicas: readonly ReplicaSnapshot[]): ReplicaSnapshot[] => {
  const rising = replicas.toSorted((a, b) => a.incarnation - b.incarnation)
  return [...new Map(rising.map((replica) => [replica.index, replica])).values()]
}

const threadSamples = (replica: number, figures: ReplicaSnapshot['threads'][number]): Sample[] => {
  const labels = { replica, thread: figures.thread }
  const isClosed = figures.accepting === 'full' || figures.accepting === 'late'
  return [
    sample('loopLag', figures.loopLagSeconds, labels),
    sample('threadCpu', figures.cpuSeconds, labels),
    sample('accepting', isClosed ? 0 : 1, labels),
    sample('acceptPauses', figures.timesFull, { ...labels, reason: 'full' }),
    sample('acceptPauses', figures.timesLate, { ...labels, reason: 'late' }),
  ]
}

const replicaSamples = ({ replicas }: Snapshot): Sample[] =>
  newest(replicas).flatMap((replica) => {
    const labels = { replica: replica.index }
    const age = sample('figuresAge', replica.ageMs / 1000, labels)
    if (!replica.hasFigures) return [age]
    const ofProcess = { process: `replica-${replica.index}` }
    return [
      age,
      sample('inFlight', sum(replica, 'inFlight'), labels),
      sample('connections', sum(replica, 'connections'), labels),
      sample('queueRows', sum(replica, 'queueRows'), labels),
      sample('residentBytes', replica.rssBytes, ofProcess),
      sample('heapBytes', replica.heapBytes, ofProcess),
      ...replica.threads.flatMap((figures) => threadSamples(replica.index, figures)),
      ...replica.computeThreads.map(({ thread, cpuSeconds }) =>
        sample('threadCpu', cpuSeconds, { ...labels, thread: `compute-${thread}` }),
      ),
      ...(replica.records === null ? [] : replicaRecordSamples(replica.index, replica.records)),
    ]
  })

const replicasCpu = ({ isWhole, replicas, deadCpuSeconds }: Snapshot): Sample[] => {
  const living = replicas.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0)
  return isWhole ? [sample('processCpu', living + deadCpuSeconds, { process: 'replicas' })] : []
}

const ownSamples = (): Sample[] => {
  const labels = { process: 'control' }
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return [
    sample('processCpu', (user + system) / 1e6, labels),
    sample('residentBytes', rss, labels),
    sample('heapBytes', heapUsed, labels),
  ]
}

const versionStates = ({ models }: ModelsDocument): Sample[] =>
  models.flatMap(({ name, versions }) =>
    versions
      .filter(({ state }) => state !== 'unloaded')
      .map(({ version, state }) => sample('versionState', 1, { model: name, version, state })),
  )

const contextSamples = (context: MetricsContext): Sample[] => [
  ...context.replicas.flatMap(({ index, isConnected, restarts }) => [
    sample('replicaUp', isConnected ? 1 : 0, { replica: index }),
    sample('restarts', restarts, { replica: index }),
  ]),
  ...(context.certificateExpiresMs === null
    ? []
    : [sample('certificateExpiry', context.certificateExpiresMs / 1000)]),
  sample('epoch', context.epoch),
  sample('epochChanges', context.epochChanges),
  ...versionStates(context.models),
  sample('unloads', context.unloads.total),
  ...[...context.unloads.last].flatMap(([replica, { rssBeforeBytes, rssAfterBytes }]) => [
    sample('unloadBytes', rssBeforeBytes, { replica, moment: 'before' }),
    sample('unloadBytes', rssAfterBytes, { replica, moment: 'after' }),
  ]),
  ...Object.entries(context.traces ?? {}).map(([outcome, requests]) =>
    sample('traces', requests, { outcome }),
  ),
  ...(context.records === null ? [] : recordSamples(context.records, context.nowMs)),
  ...Object.entries(context.recycled).map(([reason, times]) =>
    sample('recycles', times, { reason }),
  ),
  sample('buildInfo', 1, {
    version: VERSION,
    node: process.versions.node,
    onnxruntime: context.onnxRuntimeVersion,
  }),
  sample('startTime', context.startedAtMs / 1000),
]

/**
 * OpenMetrics adds `_total` to the names of counters. Triton's have none, and a name that depends
 * on the format of the scrape would be two series: there they are of unknown type.
 */
const typeIn = (format: MetricsFormat, metric: MetricName): string => {
  const { name, type } = METRICS[metric]
  const isRenamed = format === 'openmetrics' && type === 'counter' && !name.endsWith('_total')
  return isRenamed ? 'unknown' : type
}

const registryOf = (samples: readonly Sample[], format: MetricsFormat): Registry => {
  const byMetric = Map.groupBy(samples, ({ metric }) => metric)
  const registry = new Registry()
  registry.setContentType(METRICS_TYPES[format] as never)
  for (const metric of Object.keys(METRICS) as MetricName[]) {
    const { name, help } = METRICS[metric]
    const values = (byMetric.get(metric) ?? []).map(({ labels, value, suffix }) =>
      suffix === undefined ? { labels, value } : { labels, value, metricName: name + suffix },
    )
    if (values.length === 0) continue
    const type = typeIn(format, metric)
    // The registry wants its own metric classes; all that it uses of one is what stands here.
    const metricLike: { name: string; help: string; type: string; values: Value[]; get(): object } =
      { name, help, type, values, get: () => metricLike }
    registry.registerMetric(metricLike as never)
  }
  return registry
}

interface Value {
  readonly labels: Labels
  readonly value: number
  readonly metricName?: string
}

/** The page of one control process. */
export class MetricsPage {
  readonly #seriesMax: number
  /** Series left out so far, over all scrapes. */
  #dropped = 0

  constructor(seriesMax = SERIES_MAX) {
    this.#seriesMax = seriesMax
  }

  render(context: MetricsContext, format: MetricsFormat = 'text'): Promise<string> {
    const { snapshot } = context
    const samples = [...contextSamples(context), ...ownSamples()]
    if (snapshot !== null) {
      samples.push(...replicaSamples(snapshot), ...replicasCpu(snapshot))
      const slots = slotSamples(snapshot, this.#seriesMax - samples.length - 1)
      samples.push(...slots.samples)
      this.#dropped += slots.dropped
    }
    samples.push(sample('seriesDropped', this.#dropped))
    return registryOf(samples, format).metrics()
  }
}
