import { expect, test } from 'vitest'
import { batchCap } from '../../../src/runtime/batch-cap.ts'

type Runs = Parameters<typeof batchCap>[0]

test.each<[string, Runs, number]>([
  ['nothing measured', [], 1],
  ['one size', [[1, 5]], 1],
  [
    'a cost per row that keeps falling',
    [
      [1, 100],
      [2, 110],
      [4, 130],
      [8, 160],
    ],
    8,
  ],
  [
    'a cost per row that has stopped falling',
    [
      [1, 100],
      [2, 150],
      [4, 250],
      [8, 490],
    ],
    4,
  ],
  [
    'a cost per row that rises',
    [
      [1, 10],
      [2, 25],
      [4, 60],
    ],
    1,
  ],
  [
    'a cost within 10 % of the best',
    [
      [1, 109],
      [2, 200],
    ],
    1,
  ],
  [
    'runs below the resolution of the clock',
    [
      [1, 0],
      [2, 0],
    ],
    1,
  ],
])('batchCap() of %s', (_what, runs, rows) => {
  expect(batchCap(runs)).toBe(rows)
})
