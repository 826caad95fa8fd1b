import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  claimSlot,
  doubleAt,
  drainRing,
  mapTraceRing,
  publishSlot,
  RING_SLOTS,
  TRACE,
  TRACE_AT,
  TRACE_RING_BYTES,
  type TraceRing,
  takeLost,
  wordAt,
} from '../../../src/shared/trace-ring.ts'

const makeRing = (): TraceRing => mapTraceRing(new SharedArrayBuffer(TRACE_RING_BYTES))

/** Writes `value` into the first and last place of the next slot; false: there is none. */
const put = (ring: TraceRing, value: number): boolean => {
  const slot = claimSlot(ring)
  if (slot < 0) return false
  ring.words[wordAt(slot) + TRACE.IDS] = value
  ring.words[wordAt(slot) + TRACE.RUN_ROWS] = value
  ring.doubles[doubleAt(slot) + TRACE_AT.EPOCH] = value
  ring.doubles[doubleAt(slot) + TRACE_AT.ENDED] = value
  publishSlot(ring)
  return true
}

const drain = (ring: TraceRing): number[] => {
  const values: number[] = []
  drainRing(ring, (slot) => {
    const places = [
      ring.words[wordAt(slot) + TRACE.IDS],
      ring.words[wordAt(slot) + TRACE.RUN_ROWS],
      ring.doubles[doubleAt(slot) + TRACE_AT.EPOCH],
      ring.doubles[doubleAt(slot) + TRACE_AT.ENDED],
    ]
    expect(new Set(places).size).toBe(1)
    values.push(places[0]!)
  })
  return values
}

/** What a ring should be: a list of bounded length, and a count of what did not fit. */
interface Model {
  waiting: number[]
  lost: number
  next: number
}

const commands = [
  // Around the size of the ring, so that it fills and wraps in a few steps.
  fc.integer({ min: 1, max: RING_SLOTS + 8 }).map((count) => ({
    toString: () => `put ${count}`,
    check: () => true,
    run: (model: Model, ring: TraceRing) => {
      for (let i = 0; i < count; i++) {
        const fits = model.waiting.length < RING_SLOTS
        expect(put(ring, model.next)).toBe(fits)
        if (fits) model.waiting.push(model.next)
        else model.lost++
        model.next++
      }
    },
  })),
  fc.constant({
    toString: () => 'claim, and fill it without publishing',
    check: () => true,
    run: (model: Model, ring: TraceRing) => {
      const slot = claimSlot(ring)
      if (slot >= 0) ring.words[wordAt(slot) + TRACE.IDS] = -1
      else model.lost++
    },
  }),
  fc.constant({
    toString: () => 'drain',
    check: () => true,
    run: (model: Model, ring: TraceRing) => {
      expect(drain(ring)).toEqual(model.waiting)
      model.waiting = []
    },
  }),
  fc.constant({
    toString: () => 'take what is lost',
    check: () => true,
    run: (model: Model, ring: TraceRing) => {
      expect(takeLost(ring)).toBe(model.lost)
      model.lost = 0
    },
  }),
]

test('a ring gives back in order what fits, and counts what does not', () => {
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 20 }), (steps) => {
      fc.modelRun(() => ({ model: { waiting: [], lost: 0, next: 1 }, real: makeRing() }), steps)
    }),
  )
})

test('a ring goes on where its counts wrap', () => {
  const ring = makeRing()
  const start = 2 ** 31 - 2
  // Both counts of the head, each the first word of its cache line.
  ring.head[0] = start
  ring.head[16] = start
  for (let value = 1; value <= RING_SLOTS; value++) expect(put(ring, value)).toBe(true)
  expect(put(ring, 0)).toBe(false)
  expect(drain(ring)).toEqual(Array.from({ length: RING_SLOTS }, (_, i) => i + 1))
  expect(put(ring, 7)).toBe(true)
  expect(drain(ring)).toEqual([7])
})

test('mapTraceRing() gives writer and reader the same slots, one beside the other', () => {
  const buffer = new SharedArrayBuffer(2 * TRACE_RING_BYTES)
  const [first, second] = [mapTraceRing(buffer), mapTraceRing(buffer, TRACE_RING_BYTES)]
  for (let value = 1; value <= RING_SLOTS; value++) put(first, value)
  put(second, 9)
  expect(drain(mapTraceRing(buffer, TRACE_RING_BYTES))).toEqual([9])
  expect(drain(mapTraceRing(buffer)).at(-1)).toBe(RING_SLOTS)
})
