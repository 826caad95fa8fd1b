/** Whatever arrives, goes, expires and takes its time: see `QueueWorld`. */

import fc from 'fast-check'
import { test } from 'vitest'
import type { QueuePolicies, QueuePolicy } from '../../src/shared/queue-policy.ts'
import { QueueWorld, type Step } from '../helpers/queue-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const policies: fc.Arbitrary<QueuePolicy> = fc.record({
  timeoutAction: fc.constantFrom('reject', 'delay'),
  defaultTimeoutUs: fc.constant(0),
  allowTimeoutOverride: fc.constant(true),
  requestsMax: fc.constantFrom(0, 0, 3),
})

const queues: fc.Arbitrary<QueuePolicies> = fc
  .record({
    levels: fc.constantFrom(0, 0, 1, 2, 3),
    defaultLevel: fc.nat(2),
    base: policies,
    byLevel: fc.record({ 1: policies, 2: policies }, { requiredKeys: [] }),
  })
  .map((queue) => ({
    ...queue,
    defaultLevel: queue.levels === 0 ? 0 : 1 + (queue.defaultLevel % queue.levels),
  }))

const times = fc.constantFrom(Infinity, Infinity, Infinity, 0.5, 2, 5, 12, 40)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      rows: fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) },
        fc.integer({ min: 1, max: 30 }),
      ),
      level: fc.nat(3),
      deadlineMs: times,
      timeoutMs: times,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'turn' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0.3, 1, 2, 7) }),
  },
)

const setUps = fc.record({
  queue: queues,
  policy: fc.record({
    rowsMax: fc.integer({ min: 1, max: 10 }),
    mixesRequests: fc.boolean(),
    queueDelayUsMax: fc.constantFrom(0, 0, 3000, 20_000),
    preferredRows: fc.constantFrom([], [4], [2, 6], [100]),
    queueRowsMax: fc.constantFrom(8, 25, 1000),
    queueWorkMsMax: fc.constantFrom(3, 20, 1000),
  }),
  innerShape: fc.constantFrom([2], [-1]),
  us: fc.record({ a: fc.constantFrom(0, 300, 2500), b: fc.constantFrom(0, 50, 900) }),
  isProved: fc.boolean(),
})

test('a queue keeps what it promises, whatever arrives, goes, expires and takes its time', () => {
  const property = fc.property(
    setUps,
    fc.array(steps, { maxLength: 60 }),
    ({ us: { a, b }, isProved, ...options }, script) => {
      const usOfRun = (rows: number) => a + b * rows
      const runUsByRows = isProved ? [1, 2, 4, 8].map((rows) => [rows, usOfRun(rows)] as const) : []
      const world = new QueueWorld({ ...options, usOfRun, runUsByRows })
      for (const step of script) world.play(step)
      world.end()
    },
  )
  fc.assert(property, { numRuns: propertyRuns(400) })
})
