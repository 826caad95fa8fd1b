import { expect, test } from 'vitest'
import { SLOT_DOUBLES } from '../../../src/shared/counters.ts'
import {
  BODY_BYTES_WORD,
  COMMITTED_WORD,
  COUNTER_SLOTS,
  DRAINING_WORD,
  mapReplicaMemory,
  replicaMemoryBytes,
  THREAD_GAUGES,
  THREAD_WORDS,
  type ThreadMemory,
} from '../../../src/shared/shared-memory.ts'

const THREADS = [1, 2, 3, 7]

const viewsOf = ({ words, gauges, counters, traces }: ThreadMemory) => [
  ...[words, gauges, counters],
  ...[traces.head, traces.words, traces.doubles],
]

test.each(THREADS)(
  'mapReplicaMemory() lays %i threads side by side, none over another',
  (count) => {
    const buffer = new SharedArrayBuffer(replicaMemoryBytes(count))
    const { words, threads } = mapReplicaMemory(buffer, count)
    expect(threads).toHaveLength(count)
    const views = [words, ...threads.flatMap(viewsOf)]
    const spans = views
      .map(({ byteOffset, byteLength }) => ({ from: byteOffset, to: byteOffset + byteLength }))
      .sort((a, b) => a.from - b.from)
    for (const [i, { from }] of spans.entries()) {
      expect(from).toBeGreaterThanOrEqual(i === 0 ? 0 : spans[i - 1]!.to)
    }
    expect(spans.at(-1)!.to).toBe(buffer.byteLength)
  },
)

const CACHE_LINE_BYTES = 64

test.each(THREADS)(
  'mapReplicaMemory() gives nobody of %i threads a cache line of another',
  (count) => {
    const buffer = new SharedArrayBuffer(replicaMemoryBytes(count))
    const { words, threads } = mapReplicaMemory(buffer, count)
    const owners = [[words], ...threads.map(viewsOf)]
    const linesOf = (views: readonly (Int32Array | Float64Array)[]) =>
      new Set(
        views.flatMap(({ byteOffset, byteLength }) => [
          Math.floor(byteOffset / CACHE_LINE_BYTES),
          Math.floor((byteOffset + byteLength - 1) / CACHE_LINE_BYTES),
        ]),
      )
    const lines = owners.flatMap((views) => [...linesOf(views)])
    expect(new Set(lines).size).toBe(lines.length)
  },
)

test('mapReplicaMemory() gives the same places to whoever maps the block', () => {
  const buffer = new SharedArrayBuffer(replicaMemoryBytes(2))
  const [agent, thread] = [mapReplicaMemory(buffer, 2), mapReplicaMemory(buffer, 2)]
  agent.words[COMMITTED_WORD] = 5
  thread.threads[1]!.words[THREAD_WORDS.BEAT] = 6
  thread.threads[1]!.gauges[THREAD_GAUGES.QUEUE_ROWS] = 7
  const lastDouble = COUNTER_SLOTS * SLOT_DOUBLES - 1
  thread.threads[1]!.counters[lastDouble] = 8
  expect(thread.words[COMMITTED_WORD]).toBe(5)
  expect(agent.threads[1]!.words[THREAD_WORDS.BEAT]).toBe(6)
  expect(agent.threads[1]!.gauges[THREAD_GAUGES.QUEUE_ROWS]).toBe(7)
  expect(agent.threads[1]!.counters[lastDouble]).toBe(8)
  expect(agent.threads[0]!.counters.some((value) => value !== 0)).toBe(false)
})

test('mapReplicaMemory() refuses a block of another size', () => {
  const buffer = new SharedArrayBuffer(replicaMemoryBytes(1))
  expect(() => mapReplicaMemory(buffer, 2)).toThrow(RangeError)
})

test('the words of a replica and of a thread each have a place of their own', () => {
  expect(new Set([COMMITTED_WORD, DRAINING_WORD, BODY_BYTES_WORD]).size).toBe(3)
  const places = Object.values(THREAD_WORDS)
  expect(new Set(places).size).toBe(places.length)
})

test('COUNTER_SLOTS hold a thousand models of three versions, each with its refusals', () => {
  expect(COUNTER_SLOTS).toBeGreaterThan(1000 * (3 + 1))
})
