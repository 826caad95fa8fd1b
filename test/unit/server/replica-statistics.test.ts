import { expect, test } from 'vitest'
import { replicaStatistics } from '../../../src/server/replica-statistics.ts'
import { SlotTable } from '../../../src/server/slot-table.ts'
import { SLOT_DOUBLES, slotKeyText } from '../../../src/shared/counters.ts'
import {
  mapReplicaMemory,
  replicaMemoryBytes,
  THREAD_GAUGES,
  THREAD_STATE,
  THREAD_WORDS,
} from '../../../src/shared/shared-memory.ts'
import { FIXED_KEYS } from '../../../src/shared/slot-keys.ts'
import { answerKey } from '../../helpers/counted-slots.ts'

const makeMemory = () => {
  const memory = mapReplicaMemory(new SharedArrayBuffer(replicaMemoryBytes(2)), 2)
  const slots = new SlotTable(memory.threads.map(({ counters }) => counters))
  return { memory, slots }
}

test('replicaStatistics() gives what each thread publishes', () => {
  const { memory, slots } = makeMemory()
  const { words, gauges } = memory.threads[1]!
  words[THREAD_WORDS.TID] = 4711
  words[THREAD_WORDS.STATE] = THREAD_STATE.RUN
  words[THREAD_WORDS.IN_FLIGHT] = 3
  words[THREAD_WORDS.CONNECTIONS] = 5
  gauges[THREAD_GAUGES.QUEUE_ROWS] = 7
  gauges[THREAD_GAUGES.CPU_SECONDS] = 1.5
  gauges[THREAD_GAUGES.LOOP_LAG_SECONDS] = 0.25
  const { epoch, threads, rssBytes, cpuSeconds } = replicaStatistics(memory, slots, 12)
  expect(epoch).toBe(12n)
  expect([rssBytes, cpuSeconds].every((value) => value > 0)).toBe(true)
  expect(threads).toMatchObject([
    { thread: 0, state: 'idle', inFlight: 0 },
    {
      ...{ thread: 1, tid: 4711, state: 'run', inFlight: 3, connections: 5, queueRows: 7 },
      ...{ cpuSeconds: 1.5, loopLagSeconds: 0.25 },
    },
  ])
})

test('replicaStatistics() has compute threads apart, once they have been started', () => {
  const memory = mapReplicaMemory(new SharedArrayBuffer(replicaMemoryBytes(1, 2)), 1, 2)
  const slots = new SlotTable(memory.threads.map(({ counters }) => counters))
  const { words, gauges } = memory.computeThreads[0]!
  words[THREAD_WORDS.BEAT] = 9
  words[THREAD_WORDS.STATE] = THREAD_STATE.LOAD
  gauges[THREAD_GAUGES.CPU_SECONDS] = 2.5
  const { threads, computeThreads } = replicaStatistics(memory, slots, 1)
  expect(threads).toHaveLength(1)
  expect(computeThreads).toMatchObject([{ thread: 0, state: 'load', cpuSeconds: 2.5 }])
})

test('replicaStatistics() leaves out slots in which nothing was counted', () => {
  const { memory, slots } = makeMemory()
  const keys = [...FIXED_KEYS, ...Array.from({ length: 240 }, (_, i) => answerKey(`m${i}`))]
  const { slots: places } = slots.assign(keys, [], 0)
  expect(replicaStatistics(memory, slots, 1).slots).toEqual([])
  const busy = slotKeyText(answerKey('m17'))
  for (const { counters } of memory.threads) counters[places[busy]! * SLOT_DOUBLES] = 4
  expect(replicaStatistics(memory, slots, 1).slots).toMatchObject([
    { key: busy, indices: [0], values: [8], doubles: SLOT_DOUBLES },
  ])
})
