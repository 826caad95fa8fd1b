import { expect, test } from 'vitest'
import { idleLevels, queueFaults } from '../../../../src/config/schemas/queue-rules.ts'

test('queueFaults() finds what Triton refuses, and nothing where there are no levels', () => {
  const wanted = 'wanted a level 1 to 2, the number of priority_levels'
  expect(queueFaults({ levels: 2, defaultLevel: 0, policyLevels: [0, 1, 2, 3] })).toEqual([
    { key: 'default_priority_level', message: `is missing; ${wanted}` },
    { key: 'priority_queue_policy', level: 0, message: `got 0; ${wanted}` },
    { key: 'priority_queue_policy', level: 3, message: `got 3; ${wanted}` },
  ])
  expect(queueFaults({ levels: 2, defaultLevel: 2, policyLevels: [1] })).toEqual([])
  expect(queueFaults({ levels: 0, defaultLevel: 5, policyLevels: [7] })).toEqual([])
})

test('idleLevels() names what is written for levels that there are not', () => {
  expect(idleLevels({ levels: 0, defaultLevel: 1, policyLevels: [1] })).toEqual([
    'default_priority_level',
    'priority_queue_policy',
  ])
  expect(idleLevels({ levels: 0, defaultLevel: 0, policyLevels: [] })).toEqual([])
  expect(idleLevels({ levels: 1, defaultLevel: 1, policyLevels: [1] })).toEqual([])
})
