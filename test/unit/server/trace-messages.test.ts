import { expect, test } from 'vitest'
import { tracesFrom } from '../../../src/server/trace-messages.ts'
import {
  claimSlot,
  doubleAt,
  mapTraceRing,
  NOT_SO_FAR,
  publishSlot,
  RING_SLOTS,
  TRACE,
  TRACE_AT,
  TRACE_RING_BYTES,
  type TraceRing,
  wordAt,
} from '../../../src/shared/trace-ring.ts'

const makeRing = () => mapTraceRing(new SharedArrayBuffer(TRACE_RING_BYTES))

const put = (ring: TraceRing, counterSlot: number, doubles: readonly number[] = []): void => {
  const slot = claimSlot(ring)
  if (slot < 0) return
  ring.words.fill(0, wordAt(slot), wordAt(slot + 1))
  ring.words.set([1, -2, 3, 4, 5, 6], wordAt(slot) + TRACE.IDS)
  ring.words[wordAt(slot) + TRACE.COUNTER_SLOT] = counterSlot
  ring.doubles.fill(NOT_SO_FAR, doubleAt(slot), doubleAt(slot + 1))
  ring.doubles.set([7, 9, 1e12, ...doubles], doubleAt(slot))
  ring.doubles[doubleAt(slot) + TRACE_AT.ENDED] = 2
  publishSlot(ring)
}

test('tracesFrom() is null when there is nothing, and again when all was taken', () => {
  const rings = [makeRing(), makeRing()]
  expect(tracesFrom(rings, String)).toBeNull()
  put(rings[1]!, 3)
  expect(tracesFrom(rings, String)?.requests).toHaveLength(1)
  expect(tracesFrom(rings, String)).toBeNull()
})

test('tracesFrom() names every counter slot once, and the thread of every request', () => {
  const rings = [makeRing(), makeRing()]
  put(rings[0]!, 3)
  put(rings[1]!, 5)
  put(rings[1]!, 3)
  const traces = tracesFrom(rings, (slot) => `key ${slot}`)!
  expect(traces.keys).toEqual(['key 3', 'key 5'])
  expect(traces.requests.map(({ thread, key }) => [thread, key])).toEqual([
    [0, 0],
    [1, 1],
    [1, 0],
  ])
})

test('tracesFrom() writes ids big end first, and leaves out what a request did not come to', () => {
  const ring = makeRing()
  put(ring, 0, [0.5, 0])
  const [request] = tracesFrom([ring], String)!.requests
  expect(Buffer.from(request!.traceId).toString('hex')).toBe('00000001fffffffe0000000300000004')
  expect(Buffer.from(request!.parentSpanId).toString('hex')).toBe('0000000500000006')
  expect(request).toMatchObject({ epoch: 7n, sequence: 9n, receivedMs: 1e12, endedMs: 2 })
  expect(request).toMatchObject({ startedMs: 0.5, admittedMs: 0 })
  expect(request!.takenMs).toBeUndefined()
})

test('tracesFrom() counts once what found no room', () => {
  const rings = [makeRing(), makeRing()]
  for (let i = 0; i < RING_SLOTS + 3; i++) put(rings[0]!, 0)
  expect(tracesFrom(rings, String)).toMatchObject({ lost: 3n })
  for (let i = 0; i < RING_SLOTS + 1; i++) put(rings[1]!, 0)
  const traces = tracesFrom(rings, String)!
  expect([traces.lost, traces.requests.length]).toEqual([1n, RING_SLOTS])
})
