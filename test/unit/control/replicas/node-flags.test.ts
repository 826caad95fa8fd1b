import { expect, test } from 'vitest'
import { nodeFlags } from '../../../../src/control/replicas/node-flags.ts'

test.each([
  [{ threads: 2, computeThreads: 2 }, 2, 1],
  [{ threads: 1, computeThreads: 1 }, 5, 3],
  [{ threads: 4, computeThreads: 2 }, 64, 4],
])('with %j on %i cores V8 gets %i threads of its own', (settings, cores, wanted) => {
  expect(nodeFlags(settings, cores)).toEqual([
    `--v8-pool-size=${wanted}`,
    '--max-semi-space-size=8',
  ])
})
