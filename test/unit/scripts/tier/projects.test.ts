import { expect, test } from 'vitest'
import { PROJECTS, timeoutMsOf } from '../../../../scripts/tier/projects.ts'
import { MINUTES_MAX } from '../../../../scripts/tier/steps.ts'

test('timeoutMsOf() grows with the number of runs of a property, and never shrinks', () => {
  expect(timeoutMsOf(PROJECTS.unit, 20)).toBe(20 * timeoutMsOf(PROJECTS.unit, 1))
  expect(timeoutMsOf(PROJECTS.unit, 0.1)).toBe(timeoutMsOf(PROJECTS.unit, 1))
})

test('timeoutMsOf() is at most the longest tier, which a timer can hold', () => {
  const longest = Math.max(...Object.values(MINUTES_MAX)) * 60_000
  for (const project of Object.values(PROJECTS)) {
    expect(timeoutMsOf(project, 1_000_000)).toBe(longest)
  }
  expect(longest).toBeLessThan(2 ** 31)
})
