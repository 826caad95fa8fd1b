/** What a replica answers when control asks for statistics. */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import { SlotSchema, StatisticsSchema, ThreadStatisticsSchema } from '../../proto/gen/control_pb.ts'
import {
  EPOCH_WORD,
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

export const replicaStatistics = (memory: ReplicaMemory, slots: SlotTable): EnvelopeBody => {
  const cpu = process.cpuUsage()
  const usage = process.memoryUsage()
  return {
    case: 'statistics',
    value: create(StatisticsSchema, {
      slots: slots.sums().map((slot) => create(SlotSchema, slot)),
      threads: memory.threads.map(threadStatistics),
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      rssBytes: usage.rss,
      heapBytes: usage.heapUsed,
      epoch: BigInt(memory.words[EPOCH_WORD]!),
    }),
  }
}
