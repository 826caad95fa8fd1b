/**
 * `/metrics`: the table and the samples, written by the Prometheus client's registry. Collected at
 * scrape; no request ever touches a metrics library.
 */

import { Registry } from '@prometheus-io/client'
import { VERSION } from '../shared/version.ts'
import { METRICS, type MetricName } from './metric-table.ts'
import { type Sample, type Samples, slotSamples } from './slot-metrics.ts'
import type { ReplicaSnapshot, Snapshot } from './statistics.ts'
import type { ModelsDocument } from './status-document.ts'

/** Series of all metrics together. 100 variants take about 8,000. */
const SERIES_MAX = 20_000

export interface MetricsContext {
  readonly snapshot: Snapshot | null
  readonly models: ModelsDocument
  readonly epoch: number
  readonly epochChanges: number
  readonly onnxRuntimeVersion: string
  readonly startedAtMs: number
  readonly replicas: readonly { index: number; isConnected: boolean; restarts: number }[]
}

const one = (value: number, labels: Sample['labels'] = {}): Sample[] => [{ labels, value }]

const sum = (replica: ReplicaSnapshot, what: 'inFlight' | 'connections' | 'queueRows'): number =>
  replica.threads.reduce((total, thread) => total + thread[what], 0)

const replicaSamples = (snapshot: Snapshot): Samples => {
  const { replicas } = snapshot
  const perReplica = (value: (replica: ReplicaSnapshot) => number): Sample[] =>
    replicas.map((replica) => ({ labels: { replica: replica.index }, value: value(replica) }))
  const perThread = (what: 'loopLagSeconds' | 'cpuSeconds'): Sample[] =>
    replicas.flatMap(({ index, threads }) =>
      threads.map((thread) => ({
        labels: { replica: index, thread: thread.thread },
        value: thread[what],
      })),
    )
  const perProcess = (what: 'rssBytes' | 'heapBytes'): Sample[] =>
    replicas.map((replica) => ({
      labels: { process: `replica-${replica.index}` },
      value: replica[what],
    }))
  const cpu = replicas.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0)
  const own = process.memoryUsage()
  const ownCpu = process.cpuUsage()
  return {
    inFlight: perReplica((replica) => sum(replica, 'inFlight')),
    connections: perReplica((replica) => sum(replica, 'connections')),
    queueRows: perReplica((replica) => sum(replica, 'queueRows')),
    figuresAge: perReplica(({ ageMs }) => ageMs / 1000),
    loopLag: perThread('loopLagSeconds'),
    threadCpu: perThread('cpuSeconds'),
    processCpu: [
      { labels: { process: 'replicas' }, value: cpu + snapshot.deadCpuSeconds },
      { labels: { process: 'control' }, value: (ownCpu.user + ownCpu.system) / 1e6 },
    ],
    residentBytes: [...perProcess('rssBytes'), { labels: { process: 'control' }, value: own.rss }],
    heapBytes: [
      ...perProcess('heapBytes'),
      { labels: { process: 'control' }, value: own.heapUsed },
    ],
  }
}

const versionStates = ({ models }: ModelsDocument): Sample[] =>
  models.flatMap(({ name, versions }) =>
    versions
      .filter(({ state }) => state !== 'unloaded')
      .map(({ version, state }) => ({ labels: { model: name, version, state }, value: 1 })),
  )

const contextSamples = (context: MetricsContext): Samples => ({
  replicaUp: context.replicas.map(({ index, isConnected }) => ({
    labels: { replica: index },
    value: isConnected ? 1 : 0,
  })),
  restarts: context.replicas.map(({ index, restarts }) => ({
    labels: { replica: index },
    value: restarts,
  })),
  epoch: one(context.epoch),
  epochChanges: one(context.epochChanges),
  versionState: versionStates(context.models),
  buildInfo: one(1, {
    version: VERSION,
    node: process.versions.node,
    onnxruntime: context.onnxRuntimeVersion,
  }),
  startTime: one(context.startedAtMs / 1000),
})

/** The page in text format 0.0.4. */
export const renderMetrics = (context: MetricsContext): Promise<string> => {
  const { snapshot } = context
  const samples: Samples = {
    ...contextSamples(context),
    ...(snapshot === null
      ? {}
      : { ...slotSamples(snapshot.slots, SERIES_MAX), ...replicaSamples(snapshot) }),
  }
  const registry = new Registry()
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const list = samples[name]
    if (list === undefined || list.length === 0) continue
    const { name: metric, help, type } = METRICS[name]
    const values = list.map(({ labels, value, suffix }) => ({
      labels,
      value,
      ...(suffix === undefined ? {} : { metricName: metric + suffix }),
    }))
    // The registry wants its own metric classes; all that it uses of one is what stands here.
    const metricLike = { name: metric, help, type, values, get: async () => metricLike }
    registry.registerMetric(metricLike as never)
  }
  return registry.metrics()
}
