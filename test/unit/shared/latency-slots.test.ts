import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  cumulativeAtBounds,
  LATENCY_BOUNDS_US,
  LATENCY_SLOTS,
  latencySlot,
  latencySlotEdgeUs,
  quantileUs,
} from '../../../src/shared/latency-slots.ts'

test('latencySlot() puts every duration between the edges of its slot', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2e8, noNaN: true }), (us) => {
      const slot = latencySlot(us)
      expect(us).toBeLessThanOrEqual(latencySlotEdgeUs(slot))
      if (slot > 0) expect(us).toBeGreaterThan(latencySlotEdgeUs(slot - 1))
    }),
  )
})

test('latencySlotEdgeUs() rises and every edge belongs to its own slot', () => {
  for (let slot = 0; slot < LATENCY_SLOTS - 1; slot++) {
    expect(latencySlot(latencySlotEdgeUs(slot))).toBe(slot)
    expect(latencySlotEdgeUs(slot + 1)).toBeGreaterThan(latencySlotEdgeUs(slot))
  }
  expect(latencySlotEdgeUs(LATENCY_SLOTS - 1)).toBe(Number.POSITIVE_INFINITY)
})

test('every exported bound is an edge', () => {
  expect(LATENCY_BOUNDS_US).toHaveLength(16)
  for (const bound of LATENCY_BOUNDS_US) expect(latencySlotEdgeUs(latencySlot(bound))).toBe(bound)
})

test('cumulativeAtBounds() and quantileUs() agree with an exact recording to one slot', () => {
  const durations = fc.array(fc.double({ min: 0.1, max: 2e7, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(durations, fc.constantFrom(0, 0.5, 0.9, 0.99, 1), (us, q) => {
      const counts = new Float64Array(LATENCY_SLOTS + 3)
      for (const value of us) counts[3 + latencySlot(value)]! += 1
      const exact = [...us].sort((a, b) => a - b)
      const rank = Math.max(1, Math.ceil(q * us.length))
      expect(quantileUs(counts, 3, q)).toBe(latencySlotEdgeUs(latencySlot(exact[rank - 1]!)))
      const wanted = LATENCY_BOUNDS_US.map((bound) => us.filter((value) => value <= bound).length)
      expect(cumulativeAtBounds(counts, 3)).toEqual(wanted)
    }),
  )
})
