/** Requests that a version's queue is asked about before their body is read. */

import { expect, test } from 'vitest'
import { DEFAULT_QUEUE } from '../../../src/shared/queue-policy.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const PATH = '/v2/models/m/infer'
const bodyOf = (parameters: object) => ({
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }],
  parameters,
})

/** Two levels of which the second, that of most requests, is full. */
const fullPath = () => {
  const queue = { ...DEFAULT_QUEUE, levels: 2, defaultLevel: 2 }
  const plan = epochPlan(1, [plannedVersion({ model: 'm', version: 1, queue })])
  const path = new RequestPath(plan, { queueRowsMax: 1 })
  path.send({ path: PATH }, bodyOf({}))
  return path
}

test('a request whose body names a level with room is let in', () => {
  const path = fullPath()
  const exchange = path.ask({ path: PATH }, bodyOf({ priority: 1 }))
  expect(exchange.answer?.status).toBe(200)
})

test('a request whose body names a lower level with room is let in', () => {
  const byLevel = { 1: { ...DEFAULT_QUEUE.base, requestsMax: 1 } }
  const queue = { ...DEFAULT_QUEUE, levels: 2, defaultLevel: 1, byLevel }
  const path = new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1, queue })]))
  path.send({ path: PATH }, bodyOf({}))
  const refused = path.send({ path: PATH }, bodyOf({}))
  expect(refused.header('x-sluice-error')).toBe('QUEUE_FULL')
  expect(path.ask({ path: PATH }, bodyOf({ priority: 2 })).answer?.status).toBe(200)
})

test('a request that names none, or that its key does not let, is refused', () => {
  const path = fullPath()
  const grant = { endpoints: null, priority: 2 }
  const refused = [
    path.send({ path: PATH }, bodyOf({})),
    path.send({ path: PATH, grant }, bodyOf({ priority: 1 })),
    path.send({ path: '/v1/models/m:predict' }, 'is not read'),
  ]
  for (const exchange of refused) expect(exchange.header('x-sluice-error')).toBe('QUEUE_FULL')
})
