import { expect, test } from 'vitest'
import { GAP_REASON } from '../../../../src/records/reasons.ts'
import { GapRuns } from '../../../../src/records/ring/gap-runs.ts'

const { SAMPLED, RING_FULL, SEVERAL } = GAP_REASON

const runsOf = (runs: GapRuns): number[][] =>
  Array.from({ length: runs.length }, (_, i) => [runs.from(i), runs.to(i), runs.reason(i)])

test('numbers that follow each other for one reason are one run', () => {
  const runs = new GapRuns(8)
  for (const sequence of [1, 2, 3, 5]) runs.add(sequence, SAMPLED)
  runs.add(6, RING_FULL)
  expect(runsOf(runs)).toEqual([
    [1, 3, SAMPLED],
    [5, 5, SAMPLED],
    [6, 6, RING_FULL],
  ])
  expect(runs.lowest()).toBe(1)
})

test('a full list widens its last run, upwards and downwards', () => {
  const runs = new GapRuns(2)
  runs.add(10, SAMPLED)
  runs.add(20, SAMPLED)
  expect(runs.isFull).toBe(true)
  runs.add(21, SAMPLED)
  expect(runsOf(runs).at(-1)).toEqual([20, 21, SAMPLED])
  runs.add(30, SAMPLED)
  expect(runsOf(runs).at(-1)).toEqual([20, 30, SEVERAL])
  runs.add(4, RING_FULL)
  expect(runsOf(runs).at(-1)).toEqual([4, 30, SEVERAL])
  expect(runs.lowest()).toBe(4)
})

test('what is taken makes room at the end', () => {
  const runs = new GapRuns(3)
  for (const sequence of [1, 3, 5]) runs.add(sequence, SAMPLED)
  runs.take(2)
  for (const sequence of [7, 9]) runs.add(sequence, RING_FULL)
  expect(runsOf(runs)).toEqual([
    [5, 5, SAMPLED],
    [7, 7, RING_FULL],
    [9, 9, RING_FULL],
  ])
  runs.take(3)
  expect([runs.length, runs.lowest()]).toEqual([0, Number.POSITIVE_INFINITY])
})

test('shorten() takes numbers off the first run', () => {
  const runs = new GapRuns(3)
  for (const sequence of [4, 5, 6]) runs.add(sequence, SAMPLED)
  runs.shorten(2)
  expect(runsOf(runs)).toEqual([[6, 6, SAMPLED]])
})
