import { expect, test } from 'vitest'
import {
  BATCH_AT,
  BATCH_SIZE_SLOTS,
  PROTOCOLS,
  REASON_ABORTED,
  REASON_OK,
  RUNS_AT,
  reasonIndex,
  requestsIndex,
  SLOT_DOUBLES,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import { countRequest, countRun, observe } from '../../../src/shared/counting.ts'
import { ERROR_CODES } from '../../../src/shared/errors.ts'
import { LATENCY_SLOTS, latencySlot } from '../../../src/shared/latency-slots.ts'

/** What is not zero, as [index, value]. */
const marks = (counters: Float64Array): [number, number][] =>
  [...counters].flatMap((value, i) => (value === 0 ? [] : [[i, value] as [number, number]]))

const BASE = SLOT_DOUBLES
const threeSlots = () => new Float64Array(3 * SLOT_DOUBLES)

test('countRequest() raises one counter of one slot', () => {
  const reasons = [REASON_OK, REASON_ABORTED, ...ERROR_CODES.map(reasonIndex)]
  const counters = threeSlots()
  for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
    for (const reason of reasons) countRequest(counters, BASE, protocol, reason)
  }
  const wanted = PROTOCOLS.flatMap((_, protocol) =>
    reasons.map((reason) => BASE + requestsIndex(protocol, reason)),
  )
  expect(marks(counters)).toEqual(wanted.sort((a, b) => a - b).map((index) => [index, 1]))
  expect(new Set(wanted).size).toBe(PROTOCOLS.length * reasons.length)
})

test('observe() counts in the slot of the duration and adds seconds', () => {
  const counters = threeSlots()
  const at = BASE + TOTAL_AT
  for (const us of [1, 4, 5, 250, 1e9]) observe(counters, at, us)
  expect(marks(counters)).toEqual([
    [at, 2],
    [at + latencySlot(5), 1],
    [at + latencySlot(250), 1],
    [at + LATENCY_SLOTS - 1, 1],
    [at + LATENCY_SLOTS, expect.closeTo(1000.00026, 9)],
  ])
})

test('countRun() counts a run, its size and its rows', () => {
  const counters = threeSlots()
  for (const rows of [1, 3, 4, 70_000]) countRun(counters, BASE, rows)
  expect(marks(counters)).toEqual([
    [BASE + RUNS_AT, 4],
    [BASE + BATCH_AT, 1],
    [BASE + BATCH_AT + 2, 2],
    [BASE + BATCH_AT + BATCH_SIZE_SLOTS - 1, 1],
    [BASE + BATCH_AT + BATCH_SIZE_SLOTS, 70_008],
  ])
})

test('no increment leaves its slot', () => {
  const counters = threeSlots()
  const lastReason = reasonIndex(ERROR_CODES.at(-1)!)
  countRequest(counters, BASE, PROTOCOLS.length - 1, lastReason)
  countRun(counters, BASE, 2 ** 31)
  observe(counters, BASE + TOTAL_AT, Number.POSITIVE_INFINITY)
  for (const [index] of marks(counters)) {
    expect(index).toBeGreaterThanOrEqual(BASE)
    expect(index).toBeLessThan(BASE + SLOT_DOUBLES)
  }
})
