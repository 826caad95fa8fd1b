import { expect, test } from 'vitest'
import { type Due, nextAction } from '../../../../src/control/planning/next-action.ts'

const NEVER = Number.POSITIVE_INFINITY
const IDLE: Due = {
  ...{ scanAtMs: NEVER, lookAtMs: NEVER, retryAtMs: NEVER, pollAtMs: NEVER, planAtMs: NEVER },
  ...{ hasReplicas: true, fresh: 0, behind: 0 },
}

test('nextAction() does the first thing that is due, and waits when nothing is', () => {
  const due: [string, Partial<Due>][] = [
    ['scan', { scanAtMs: 5 }],
    ['look', { lookAtMs: 5 }],
    ['retry', { retryAtMs: 5 }],
    ['bring_fresh', { fresh: 1, behind: 2 }],
    ['plan', { planAtMs: 5 }],
    ['bring', { behind: 1 }],
    ['poll', { pollAtMs: 5 }],
  ]
  for (const [place, [action]] of due.entries()) {
    // Whatever comes later is due as well.
    const rest = Object.assign(
      {},
      IDLE,
      ...due
        .slice(place)
        .map(([, each]) => each)
        .reverse(),
    )
    if (place > 3) rest.fresh = 0
    expect(nextAction(rest, 5)).toBe(action)
  }
  expect(nextAction(IDLE, 5)).toBe('wait')
  expect(nextAction({ ...IDLE, scanAtMs: 6, planAtMs: 6 }, 5)).toBe('wait')
})

test('nextAction() makes no plan that nobody is there to prepare', () => {
  expect(nextAction({ ...IDLE, planAtMs: 0, hasReplicas: false }, 5)).toBe('wait')
})
