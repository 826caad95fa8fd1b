import { expect, test } from 'vitest'
import { engineThreadsOf } from '../../../src/control/engine-threads.ts'

test.each([
  [{ threads: 2, computeThreads: 2 }, 2, 1],
  [{ threads: 1, computeThreads: 1 }, 5, 3],
  [{ threads: 4, computeThreads: 2 }, 64, 4],
])('of %j on %i cores V8 has %i threads of its own', (settings, cores, wanted) => {
  expect(engineThreadsOf(settings, cores)).toBe(wanted)
})
