import { expect, test } from 'vitest'
import { batchCap, hasSettled } from '../../../src/runtime/batch-cap.ts'

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

test.each<[string, readonly number[], boolean]>([
  ['nothing', [], false],
  ['two sizes that cost the same a row', [1, 2], false],
  ['three sizes that cost the same a row', [1, 2, 4], true],
  ['a cost per row that falls', [100, 110, 130], false],
  ['a cost per row that falls by 8 % in two doublings', [100, 190, 368], true],
  ['a cost per row that falls by 12 % in two doublings', [100, 190, 352], false],
  ['a cost per row that falls once more', [10, 20, 40, 40], false],
  ['one size that was disturbed', [10, 11, 400, 15], false],
])('hasSettled() after %s', (_what, us, verdict) => {
  expect(hasSettled(us.map((each, i) => [2 ** i, each] as const))).toBe(verdict)
})
