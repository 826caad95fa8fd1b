import { expect, test } from 'vitest'
import { tritonStateOf } from '../../../../src/control/planning/version-state.ts'

test('tritonStateOf() calls READY what serves, and nothing else', () => {
  const states = ['loading', 'available', 'draining', 'unloaded', 'failed', 'poison'] as const
  expect(states.map(tritonStateOf)).toEqual([
    'LOADING',
    'READY',
    'UNLOADING',
    'UNAVAILABLE',
    'UNAVAILABLE',
    'UNAVAILABLE',
  ])
})
