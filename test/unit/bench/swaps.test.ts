import { expect, test } from 'vitest'
import { memorySlope, type SwapTrial, swapGates } from '../../../bench/swaps.ts'

const trial = (p99Us: number, failures = 0): SwapTrial => ({
  ...{ swaps: 10, swapMs: [300], requests: 1000, perSecond: 1000 },
  ...{ p99Us, failures },
})

/** Two megabytes a swap until the tenth, then `slope`. */
const memoryOf = (slope: number, pids: readonly number[] = [1]) =>
  Array.from({ length: 20 }, (_, i) => ({
    swaps: 5 * i,
    megabytes: 100 + 2 * Math.min(10, 5 * i) + slope * Math.max(0, 5 * i - 10),
    pid: pids[i % pids.length]!,
  }))

const met = (quietUs: number, swappingUs: number, failures = 0, slope = 0.5) =>
  swapGates({
    quiet: [trial(quietUs)],
    swapping: [trial(swappingUs, failures)],
    quietAgain: [trial(quietUs)],
    memory: memoryOf(slope),
  }).map(({ isMet }) => isMet)

test('memorySlope() leaves the first fifth out', () => {
  expect(memorySlope(memoryOf(0.25))).toBeCloseTo(0.25)
})

test('memorySlope() of a single look is no number, and meets nothing', () => {
  expect(memorySlope(memoryOf(1).slice(0, 1))).toBeNaN()
})

test('memorySlope() is null when the replica was replaced', () => {
  expect(memorySlope(memoryOf(5, [1, 2]))).toBeNull()
})

test('p99 may be 1.5 times that without swaps, or 2 ms more', () => {
  expect(met(1_000, 3_000)).toEqual([true, true, true])
  expect(met(1_000, 3_001)).toEqual([true, false, true])
  expect(met(10_000, 15_000)).toEqual([true, true, true])
  expect(met(10_000, 15_001)).toEqual([true, false, true])
})

test('no request may fail, and a swap leaves 1 MB at most', () => {
  expect(met(1_000, 1_000, 1)).toEqual([false, true, true])
  expect(met(1_000, 1_000, 0, 1.1)).toEqual([true, true, false])
})

test('where the replica was recycled its memory is bounded, and not judged', () => {
  const gates = swapGates({
    ...{ quiet: [trial(1)], swapping: [trial(1)], quietAgain: [trial(1)] },
    memory: memoryOf(5, [1, 2]),
  })
  expect(gates.map(({ name }) => name)).toEqual(['failed requests', 'p99 while swapping, us'])
})
