/** What a replica answers when control asks for statistics. */

import { create } from '@bufbuild/protobuf'
import {
  SlotSchema,
  type Statistics,
  StatisticsSchema,
  ThreadStatisticsSchema,
} from '../../proto/gen/control_pb.ts'
import { SLOT_DOUBLES } from '../shared/counters.ts'
import {
  type ReplicaMemory,
  THREAD_GAUGES,
  THREAD_STATE_NAMES,
  THREAD_WORDS,
  type ThreadMemory,
} from '../shared/shared-memory.ts'
import type { SlotTable } from './slot-table.ts'

const threadStatistics = ({ words, gauges }: ThreadMemory, thread: number) =>
  create(ThreadStatisticsSchema, {
    thread,
    tid: words[THREAD_WORDS.TID]!,
    state: THREAD_STATE_NAMES[words[THREAD_WORDS.STATE]!] ?? 'unknown',
    cpuSeconds: gauges[THREAD_GAUGES.CPU_SECONDS]!,
    loopLagSeconds: gauges[THREAD_GAUGES.LOOP_LAG_SECONDS]!,
    inFlight: words[THREAD_WORDS.IN_FLIGHT]!,
    connections: words[THREAD_WORDS.CONNECTIONS]!,
    queueRows: gauges[THREAD_GAUGES.QUEUE_ROWS]!,
  })

/** The figures of this process. `epoch`: the one it serves, 0 before the first commit. */
export const replicaStatistics = (
  memory: ReplicaMemory,
  slots: SlotTable,
  epoch: number,
): Statistics => {
  const cpu = process.cpuUsage()
  const usage = process.memoryUsage()
  return create(StatisticsSchema, {
    slots: slots.sums().map((sum) => create(SlotSchema, { ...sum, doubles: SLOT_DOUBLES })),
    threads: memory.threads.map(threadStatistics),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssBytes: usage.rss,
    heapBytes: usage.heapUsed,
    epoch: BigInt(epoch),
  })
}
