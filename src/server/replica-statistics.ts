/** What a replica answers when control asks for statistics. */

import { create } from '@bufbuild/protobuf'
import {
  LoadedVersionSchema,
  type RecordFigures,
  SlotSchema,
  type Statistics,
  StatisticsSchema,
  ThreadStatisticsSchema,
} from '../../proto/gen/control_pb.ts'
import { SLOT_DOUBLES } from '../shared/counters.ts'
import {
  type ComputeMemory,
  type ReplicaMemory,
  THREAD_GAUGES,
  THREAD_STATE_NAMES,
  THREAD_WORDS,
} from '../shared/shared-memory.ts'
import { ACCEPTING_NAMES } from './accepting.ts'
import type { SlotTable } from './slot-table.ts'
import type { NumberedVersion } from './version-numbers.ts'

const threadStatistics = ({ words, gauges }: ComputeMemory, thread: number) =>
  create(ThreadStatisticsSchema, {
    thread,
    tid: words[THREAD_WORDS.TID]!,
    state: THREAD_STATE_NAMES[words[THREAD_WORDS.STATE]!] ?? 'unknown',
    cpuSeconds: gauges[THREAD_GAUGES.CPU_SECONDS]!,
    loopLagSeconds: gauges[THREAD_GAUGES.LOOP_LAG_SECONDS]!,
    inFlight: words[THREAD_WORDS.IN_FLIGHT]!,
    connections: words[THREAD_WORDS.CONNECTIONS]!,
    queueRows: gauges[THREAD_GAUGES.QUEUE_ROWS]!,
    accepting: ACCEPTING_NAMES[words[THREAD_WORDS.ACCEPTING]!] ?? '',
    timesFull: words[THREAD_WORDS.TIMES_FULL]!,
    timesLate: words[THREAD_WORDS.TIMES_LATE]!,
  })

/** What threads hold and have let go of (holdings.ts). */
export interface VersionFigures {
  readonly loaded: readonly (NumberedVersion & { readonly threads: number })[]
  readonly unloads: number
  readonly baseRssBytes: number
}

const NO_VERSIONS: VersionFigures = { loaded: [], unloads: 0, baseRssBytes: 0 }

const hasStarted = ({ words }: ComputeMemory): boolean => words[THREAD_WORDS.BEAT]! > 0

/** The figures of this process. `epoch`: the one it serves, 0 before the first commit. */
export const replicaStatistics = (
  memory: ReplicaMemory,
  slots: SlotTable,
  epoch: number,
  { loaded, unloads, baseRssBytes }: VersionFigures = NO_VERSIONS,
  records: RecordFigures | null = null,
): Statistics => {
  const cpu = process.cpuUsage()
  const usage = process.memoryUsage()
  return create(StatisticsSchema, {
    slots: slots.sums().map((sum) => create(SlotSchema, { ...sum, doubles: SLOT_DOUBLES })),
    threads: memory.threads.map(threadStatistics),
    computeThreads: memory.computeThreads.filter(hasStarted).map(threadStatistics),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssBytes: usage.rss,
    heapBytes: usage.heapUsed,
    epoch: BigInt(epoch),
    loaded: loaded.map((each) =>
      create(LoadedVersionSchema, { ...each, version: BigInt(each.version) }),
    ),
    ...{ unloads, baseRssBytes },
    ...(records === null ? {} : { records }),
  })
}
