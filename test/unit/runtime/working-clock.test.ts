import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { workingClock } from '../../../src/runtime/working-clock.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../src/shared/session-settings.ts'

const OTHERS_MS = 100
const OTHERS = `const end = Date.now() + ${OTHERS_MS}; while (Date.now() < end);`

/** Another process works, and this one waits for it. */
const letOthersWork = (): void => {
  execFileSync(process.execPath, ['-e', OTHERS])
}

/** What the clock says of that time. */
const waitedMs = (settings: Partial<SessionSettings>): number => {
  const clock = workingClock({ ...DEFAULT_SESSION, ...settings })
  const fromMs = clock()
  letOthersWork()
  return clock() - fromMs
}

test('workingClock() stands still for a session of one thread while others work', () => {
  expect(waitedMs({})).toBeLessThan(OTHERS_MS / 2)
})

test('workingClock() runs while a session of one thread works', () => {
  const clock = workingClock(DEFAULT_SESSION)
  const fromMs = clock()
  while (clock() - fromMs < 2);
  expect(clock() - fromMs).toBeGreaterThanOrEqual(2)
})

test.each<Partial<SessionSettings>>([
  { intraOpThreads: 0 },
  { intraOpThreads: 2 },
  { executionMode: 'parallel' },
  { providers: ['cuda', 'cpu'] },
])('workingClock() is a clock of time for %j', (settings) => {
  expect(waitedMs(settings)).toBeGreaterThanOrEqual(OTHERS_MS)
})
