/** Requests that an engine refuses for their key. */

import { expect, test } from 'vitest'
import { refuse } from '../../../src/shared/errors.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const KEY_REQUIRED = refuse('KEY_REQUIRED', 'no key')
const path = () =>
  new RequestPath(epochPlan(3, [plannedVersion({ model: 'm', version: 1 })]), {
    isReady: () => true,
  })

test.each([
  ['/predict/m', 'application/problem+json'],
  ['/v2/models/m/infer', 'application/json'],
  ['/v1/models/m:predict', 'application/json'],
  ['/openapi.json', 'application/problem+json'],
])('a request of %s without key is answered as that path answers errors', (asked, type) => {
  const exchange = path().ask({ path: asked }, '{}', KEY_REQUIRED)
  expect(exchange.answer?.status).toBe(401)
  expect(exchange.header('content-type')).toBe(type)
  expect(exchange.header('www-authenticate')).toBe('Bearer')
  expect(exchange.header('x-sluice-error')).toBe('KEY_REQUIRED')
  expect(exchange.header('retry-after')).toBe('')
})

test('a request that is refused for its key is none of its endpoint', () => {
  const world = path()
  const there = world.ask({ path: '/predict/m', requestId: 'r' }, '{}', KEY_REQUIRED)
  const nowhere = world.ask({ path: '/predict/x', requestId: 'r' }, '{}', KEY_REQUIRED)
  expect(there.answer).toEqual(nowhere.answer)
  expect(there.header('x-sluice-prediction-id')).toBe('')
})

test('a request that is too many is told when to come again', () => {
  const refusal = { ...refuse('RATE_LIMITED', 'too many'), retryAfterMs: 16_100 }
  const exchange = path().ask({ path: '/predict/m' }, '{}', refusal)
  expect(exchange.answer?.status).toBe(429)
  expect(exchange.header('retry-after')).toBe('17')
})

test('a key is looked at once more when its endpoint is known', () => {
  const grant = { endpoints: new Set(['other']), priority: 0 }
  const exchange = path().ask({ path: '/predict', grant }, '{"features": {}}')
  expect(exchange.answer?.status).toBe(403)
})
