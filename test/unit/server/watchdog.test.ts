import { expect, test } from 'vitest'
import { judgeBeat } from '../../../src/server/watchdog.ts'
import { THREAD_STATE } from '../../../src/shared/shared-memory.ts'

const LIMITS = { reportMs: 2000, idleMsMax: 10_000, runMsMax: 30_000, loadMsMax: 60_000 }
const seen = { beat: 7, sinceMs: 1000 }

test.each([
  ['IDLE', 2_000, 'alive'],
  ['IDLE', 2_001, 'silent'],
  ['IDLE', 10_001, 'dead'],
  ['DECODE', 10_001, 'dead'],
  ['RUN', 10_001, 'silent'],
  ['RUN', 30_001, 'dead'],
  ['LOAD', 59_000, 'alive'],
  ['LOAD', 60_001, 'dead'],
] as const)('judgeBeat() of a thread in %s silent for %i ms is %s', (state, silentMs, verdict) => {
  expect(judgeBeat(seen, THREAD_STATE[state], 1000 + silentMs, LIMITS)).toBe(verdict)
})

test('judgeBeat() never gives a run less than an idle thread', () => {
  const limits = { ...LIMITS, runMsMax: 1000 }
  expect(judgeBeat(seen, THREAD_STATE.RUN, 9_000, limits)).toBe('silent')
})
