import { expect, test } from 'vitest'
import {
  type Ahead,
  EXPIRED,
  nothingAhead,
  refuseFull,
  refuseLate,
  refuseMany,
  spreadOf,
  unmeetable,
} from '../../../src/runtime/queue-admission.ts'

const BOUNDS = { queueRowsMax: 10, queueWorkMsMax: 20 }

const ahead = (given: Partial<Ahead>): Ahead => ({
  ...nothingAhead(),
  heldRows: given.rows ?? 0,
  heldUs: given.workUs ?? 0,
  ...given,
})

test('refuseFull() says how much waits, and when it will be less', () => {
  const waiting = ahead({ rows: 4, workUs: 18_000, stretch: 2 })
  expect(refuseFull(waiting, 1, 2000, BOUNDS, 0)).toBe(null)
  expect(refuseFull(waiting, 1, 5000, BOUNDS, 0)).toEqual({
    code: 'QUEUE_FULL',
    detail: '18 ms of work are waiting, and this would be 5.0 ms more; the limit is 20 ms',
    retryAfterMs: 6,
  })
  // Whoever else is refused comes back later, up to when all of it will be done.
  expect(refuseFull(waiting, 1, 5000, BOUNDS, 0.5)?.retryAfterMs).toBe(6 + 18)
})

test('refuseFull() lets one in that is more than the bound when nothing waits before it', () => {
  expect(refuseFull(ahead({}), 99, 1, BOUNDS, 0)).toBe(null)
  expect(refuseFull(ahead({}), 1, 99_000, BOUNDS, 0)).toBe(null)
  expect(refuseFull(ahead({ rows: 1 }), 99, 1, BOUNDS, 0)).not.toBe(null)
  const oversized = { rows: 50, workUs: 80_000, oversizedRows: 50, oversizedUs: 80_000 }
  expect(refuseFull(ahead({ ...oversized, heldRows: 0 }), 10, 20_000, BOUNDS, 0)).toBe(null)
})

test('refuseFull() bounds the rows of all levels together, but for the first', () => {
  const below = ahead({ isFirst: false, heldRows: 20, heldUs: 40_000, stretch: 2 })
  expect(refuseFull(below, 1, 1, BOUNDS, 0)).toEqual({
    code: 'QUEUE_FULL',
    detail: '20 rows are waiting; the limit is 20',
    retryAfterMs: 4,
  })
  expect(refuseFull({ ...below, heldRows: 19 }, 1, 1, BOUNDS, 0)).toBe(null)
  expect(refuseFull({ ...below, isFirst: true }, 1, 1, BOUNDS, 0)).toBe(null)
})

test("refuseMany() has Triton's words", () => {
  const waiting = ahead({ workUs: 50_000, stretch: 2 })
  expect([refuseMany(waiting, 3, 4, 0), refuseMany(waiting, 9, 0, 0)]).toEqual([null, null])
  expect(refuseMany(waiting, 4, 4, 0.25)).toEqual({
    code: 'QUEUE_FULL',
    detail: 'Exceeds maximum queue size: 4 requests are waiting',
    retryAfterMs: 50,
  })
})

test('refuseLate() gives its reason with the figures', () => {
  expect(refuseLate(50, 61.4, 1.25, false, 0)).toEqual({
    code: 'DEADLINE_UNMEETABLE',
    detail: 'Its deadline is in 50 ms: 61 ms of waiting and 1.3 ms of its own are expected',
    retryAfterMs: 13,
  })
  expect(unmeetable(3).detail).toBe('Its deadline is in 3.0 ms, and a run takes longer')
})

test('refuseLate() lets in what may be in time, and what is kept out by a guess alone', () => {
  expect(refuseLate(5, 4, 1, false, 0)).toBe(null)
  expect(refuseLate(5, 4, 2, false, 0)).not.toBe(null)
  expect(refuseLate(5, 0, 6, true, 0)).toBe(null)
  expect(refuseLate(0, 0, 0, true, 0)).toBe(EXPIRED)
})

test('spreadOf() spreads those refused one after the other evenly', () => {
  for (const count of [5, 50, 500]) {
    const spreads = Array.from({ length: count }, (_, i) => spreadOf(i + 77)).sort((a, b) => a - b)
    const gaps = spreads.map((each, i) => (spreads[i + 1] ?? 1) - each)
    expect(Math.max(...gaps, spreads[0]!) * count).toBeLessThan(3)
  }
})
