/** What `/metrics` is made of, small or made up. */

import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { type ThreadStatistics, ThreadStatisticsSchema } from '../../proto/gen/control_pb.ts'
import type { ModelsDocument } from '../../src/control/api/status-document.ts'
import type { MetricsContext } from '../../src/control/figures/metrics.ts'
import type { ReplicaSnapshot, Snapshot } from '../../src/control/figures/statistics.ts'
import type { VersionState } from '../../src/control/planning/version-state.ts'
import { anySlots, slotsFrom } from './counted-slots.ts'

type Figures = Partial<
  Record<'inFlight' | 'connections' | 'queueRows' | 'loopLagSeconds' | 'cpuSeconds', number>
>

export const thread = (number: number, figures: Figures = {}): ThreadStatistics =>
  create(ThreadStatisticsSchema, { thread: number, ...figures })

export const replica = (index: number, more: Partial<ReplicaSnapshot> = {}): ReplicaSnapshot => ({
  index,
  incarnation: index + 1,
  pid: 1000 + index,
  hasFigures: true,
  ageMs: 250,
  threads: [thread(0)],
  computeThreads: [],
  cpuSeconds: 1.5,
  rssBytes: 1e8,
  heapBytes: 1e7,
  epoch: 3,
  loaded: [],
  unloads: 0,
  baseRssBytes: 9e7,
  records: null,
  ...more,
})

export const snapshotOf = (more: Partial<Snapshot> = {}): Snapshot => ({
  isWhole: true,
  slots: new Map(),
  retired: new Map(),
  replicas: [],
  deadCpuSeconds: 0,
  ...more,
})

export const modelsOf = (versions: readonly (readonly [string, number, VersionState])[]) =>
  ({
    models: versions.map(([name, version, state]) => ({
      name,
      aliases: {},
      versions: [{ version, state }],
    })),
  }) as unknown as ModelsDocument

export const contextOf = (more: Partial<MetricsContext> = {}): MetricsContext => ({
  snapshot: snapshotOf(),
  certificateExpiresMs: null,
  models: modelsOf([]),
  epoch: 7,
  epochChanges: 2,
  onnxRuntimeVersion: '1.2.3',
  startedAtMs: 1_700_000_000_500,
  unloads: { total: 3, last: new Map() },
  recycled: { unloads: 0, memory: 0 },
  ...{ traces: null, records: null, nowMs: 1_700_000_100_000 },
  replicas: [],
  ...more,
})

/** Names as folders may bear them, and worse. */
export const anyName = fc.string({ unit: 'binary' })
const version = fc.tuple(
  anyName,
  fc.nat(),
  fc.constantFrom<VersionState>('loading', 'available', 'failed', 'unloaded'),
)
const anyReplica = fc
  .tuple(fc.nat({ max: 9 }), fc.boolean(), fc.nat({ max: 3 }))
  .map(([index, hasFigures, threads]) =>
    replica(index, { hasFigures, threads: Array.from({ length: threads }, (_, i) => thread(i)) }),
  )
const anySnapshot: fc.Arbitrary<Snapshot> = fc.record({
  isWhole: fc.boolean(),
  slots: anySlots.map(slotsFrom),
  retired: fc.constant(new Map()),
  replicas: fc.uniqueArray(anyReplica, { selector: ({ index }) => index, maxLength: 3 }),
  deadCpuSeconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
})
export const anyContext: fc.Arbitrary<MetricsContext> = fc
  .record({
    snapshot: fc.option(anySnapshot, { freq: 8 }),
    versions: fc.uniqueArray(version, { selector: ([model]) => model, maxLength: 3 }),
    indices: fc.uniqueArray(fc.nat({ max: 9 }), { maxLength: 3 }),
  })
  .map(({ snapshot, versions, indices }) =>
    contextOf({
      snapshot,
      models: modelsOf(versions),
      replicas: indices.map((index) => ({ index, isConnected: index > 4, restarts: index })),
    }),
  )
