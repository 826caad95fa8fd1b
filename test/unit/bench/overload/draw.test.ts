import { expect, test } from 'vitest'
import { drawOverload, smoothed } from '../../../../bench/overload/draw.ts'

const NONE = { p50: 0, p99: 0, highest: 0 }

test('smoothed() takes means of whole groups', () => {
  expect(smoothed([1, 3, 5, 7, 9], 2)).toEqual([2, 6])
})

test('drawOverload() draws a line for each server in both charts', () => {
  const names = ['pooled', 'no shedding']
  const svg = drawOverload({
    levels: names.flatMap((name) =>
      [1, 10].map((load) => ({
        ...{ name, load, goodPerSecond: 900, loopPerSecond: 1000, firstFailure: null },
        ...{ due: 1, good: 1, late: 0, refused: 0, failed: 0, missed: 0 },
        ...{ goodMs: NONE, refusedMs: NONE, lagMs: NONE },
      })),
    ),
    recoveries: names.map((name) => ({
      ...{ name, recoveryMs: null, discarded: [], binMs: 50, overloadMs: [1000, 2000] },
      goodPerSecond: Array.from({ length: 80 }, () => 800),
    })),
    spikes: [],
    capped: [],
  })
  expect(svg.match(/class="line" d="M[\d.]+ [\d.]+L/g)).toHaveLength(4)
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
})
