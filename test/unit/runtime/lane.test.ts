import { expect, test } from 'vitest'
import { lanesOf } from '../../../src/runtime/lane.ts'
import { DEFAULT_QUEUE } from '../../../src/shared/queue-policy.ts'

const { base } = DEFAULT_QUEUE
const few = { ...base, requestsMax: 3 }

test('lanesOf() has one lane for each level, with the policy of its own if there is one', () => {
  const queue = { levels: 3, defaultLevel: 2, base, byLevel: { 2: few, 9: few } }
  expect(lanesOf(queue).map(({ policy }) => policy)).toEqual([base, few, base])
})

test('lanesOf() has a single lane where there are no levels', () => {
  const queue = { levels: 0, defaultLevel: 0, base, byLevel: { 1: few } }
  expect(lanesOf(queue).map(({ policy }) => policy)).toEqual([base])
})
