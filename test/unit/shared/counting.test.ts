import { expect, test } from 'vitest'
import {
  batchIndex,
  INPUT_SECONDS_AT,
  LAST_AT,
  OUTPUT_SECONDS_AT,
  PROTOCOLS,
  REASON_ABORTED,
  REASON_OK,
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  reasonIndex,
  requestsIndex,
  SLOT_DOUBLES,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import {
  countParts,
  countRequest,
  countRun,
  noteEnd,
  observe,
} from '../../../src/shared/counting.ts'
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

test('countRun() counts a run, its size and its times', () => {
  const counters = threeSlots()
  for (const rows of [1, 3, 3, 70_000]) countRun(counters, BASE, rows, 0.25, 2)
  const ofSize = (rows: number, runs: number) =>
    [runs, runs * 0.25, runs * 2].map((value, i) => [BASE + batchIndex(rows) + i, value])
  expect(marks(counters)).toEqual([
    [BASE + RUNS_AT, 4],
    [BASE + RUN_ROWS_AT, 70_007],
    [BASE + RUN_SECONDS_AT, 8],
    ...ofSize(1, 1),
    ...ofSize(3, 2),
    ...ofSize(70_000, 1),
  ])
})

test('noteEnd() keeps the last end when the wall clock is set back', () => {
  const counters = threeSlots()
  for (const endedAtMs of [5000, 4000]) noteEnd(counters, BASE, endedAtMs)
  expect(counters[BASE + LAST_AT]).toBe(5000)
})

test('countParts() adds input and output of a request, output to the size of its run as well', () => {
  const counters = threeSlots()
  for (const runRows of [2, 2, 300]) countParts(counters, BASE, runRows, 0.5, 0.25)
  expect(marks(counters)).toEqual([
    [BASE + INPUT_SECONDS_AT, 1.5],
    [BASE + OUTPUT_SECONDS_AT, 0.75],
    [BASE + batchIndex(2) + 3, 0.5],
    [BASE + batchIndex(300) + 3, 0.25],
  ])
})

test('no increment leaves its slot', () => {
  const counters = threeSlots()
  const lastReason = reasonIndex(ERROR_CODES.at(-1)!)
  countRequest(counters, BASE, PROTOCOLS.length - 1, lastReason)
  countRun(counters, BASE, 2 ** 31, 1, 1)
  countParts(counters, BASE, 2 ** 31, 1, 1)
  observe(counters, BASE + TOTAL_AT, Number.POSITIVE_INFINITY)
  for (const [index] of marks(counters)) {
    expect(index).toBeGreaterThanOrEqual(BASE)
    expect(index).toBeLessThan(BASE + SLOT_DOUBLES)
  }
})
