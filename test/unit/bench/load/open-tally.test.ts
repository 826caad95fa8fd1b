import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bin, StreamPlan } from '../../../../bench/load/open-plan.ts'
import {
  goodPerSecond,
  goodShare,
  latenciesOf,
  recoveryMs,
  type Sent,
  streamResult,
} from '../../../../bench/load/open-tally.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const PLAN: StreamPlan = {
  name: 'a',
  target: { port: 1, path: '/', body: '', headers: [] },
  phases: [],
  deadlineMs: 50,
}

const sent = (dueMs: number, answeredMs: number, status = 200, sentMs = dueMs): Sent => ({
  ...{ dueMs, answeredMs, status, sentMs },
})

const unsent = (dueMs: number): Sent => sent(dueMs, Number.NaN, 0, Number.NaN)

test('streamResult() counts each request as one thing', () => {
  const all = [
    sent(0, 50), // at the deadline
    sent(10, 60.1),
    sent(20, 21, 503),
    sent(30, 31, 429),
    sent(40, 41, 500),
    sent(41, Number.NaN, -1),
    sent(42, Number.NaN, 0),
    unsent(43),
  ]
  const result = streamResult(PLAN, all, 0.1, 50)
  expect(result).toMatchObject({ due: 8, good: 1, late: 2, refused: 2, failed: 2, missed: 1 })
  expect(result.goodMs).toEqual({ p50: 50, p99: 50, highest: 50 })
  expect(result.refusedMs.highest).toBe(1)
})

test('latency counts from when a request was due, not from when it was sent', () => {
  const result = streamResult(PLAN, [sent(0, 51, 200, 20)], 0.1, 50)
  expect(result).toMatchObject({ good: 0, late: 1 })
})

test('bins hold requests by when they were due, and good answers by when they came', () => {
  const { bins } = streamResult(PLAN, [sent(49, 70), sent(60, 61), sent(99, 120)], 0.1, 50)
  expect(bins).toEqual([
    { due: 1, dueGood: 1, good: 0 },
    { due: 2, dueGood: 2, good: 2 }, // what came behind the end is in no bin
  ])
})

const status = fc.constantFrom(-1, 0, 200, 200, 200, 429, 500, 503)
const request = fc
  .tuple(fc.double({ min: 0, max: 999, noNaN: true }), fc.integer({ min: 0, max: 200 }), status)
  .map(([dueMs, waitMs, answer]) => sent(dueMs, answer > 0 ? dueMs + waitMs : Number.NaN, answer))

test('every request is in exactly one count, and in one bin', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(request, request, fc.constant(unsent(5)))), (all) => {
      const { due, good, late, refused, failed, missed, bins } = streamResult(PLAN, all, 1, 100)
      expect(good + late + refused + failed + missed).toBe(due)
      expect(bins.reduce((sum, bin) => sum + bin.due, 0)).toBe(due)
      expect(bins.reduce((sum, bin) => sum + bin.dueGood, 0)).toBe(good)
    }),
    { numRuns: propertyRuns() },
  )
})

test('latenciesOf() nothing is zero', () => {
  expect(latenciesOf([])).toEqual({ p50: 0, p99: 0, highest: 0 })
})

const bin = (due: number, dueGood: number, good = dueGood): Bin => ({ due, dueGood, good })

test('goodPerSecond() counts the whole bins between two moments', () => {
  const bins = [bin(9, 9), bin(10, 5, 7), bin(10, 5, 3), bin(9, 9)]
  expect(goodPerSecond(bins, 50, [50, 150])).toBe(100)
  expect(goodPerSecond(bins, 50, [20, 170])).toBe(100)
  expect(() => goodPerSecond(bins, 50, [10, 60])).toThrow(RangeError)
})

test('goodShare() is of the requests due between two moments', () => {
  const bins = [bin(100, 0), bin(10, 5), bin(30, 30), bin(0, 0)]
  expect(goodShare(bins, 50, [50, 150])).toBe(35 / 40)
  expect(goodShare(bins, 50, [150, 200])).toBe(1)
})

test('recoveryMs() is when a whole span is good again', () => {
  const good = bin(10, 10)
  const bad = bin(10, 2)
  const of = (bins: readonly Bin[]) =>
    recoveryMs(bins, 100, { endMs: 100, spanMs: 200, share: 0.9 })
  expect(of([bad, good, good])).toBe(0)
  expect(of([bad, bad, good, good])).toBe(100)
  expect(of([bad, good, bad, good, good])).toBe(200)
  expect(of([bad, bad, good])).toBe(Number.POSITIVE_INFINITY)
})
