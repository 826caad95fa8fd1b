import { expect, test } from 'vitest'
import {
  ALL_ENDPOINTS,
  DEFAULT_ENDPOINT,
  NO_KEY,
  neededFor,
  SOME_ENDPOINT,
} from '../../../src/server/key-rights.ts'

test.each(['/livez', '/readyz', '/v2/health/live', '/v2/health/ready'])(
  'neededFor() %s is nothing',
  (path) => {
    expect(neededFor(path)).toBe(NO_KEY)
  },
)

test.each([
  ['/predict/flights', 'flights'],
  ['/v2/models/flights', 'flights'],
  ['/v2/models/flights/infer', 'flights'],
  ['/v2/models/flights/versions/3/infer', 'flights'],
  ['/v2/models/flights/trace/setting', 'flights'],
  ['/v1/models/flights', 'flights'],
  ['/v1/models/flights:predict', 'flights'],
  ['/v1/models/flights/versions/3:predict', 'flights'],
  ['/v1/models/flights/labels/x:predict', 'flights'],
  ['/v2/models/sta/stats', 'sta'],
  // Names that no endpoint has, and that no key can have a right to.
  ['/predict/', ''],
  ['/predict/a/b', 'a/b'],
  ['/v2/models/', ''],
  ['/v2/models//infer', ''],
  ['/v2/models/%66lights', '%66lights'],
  ['/v2/models/*', '*'],
])('neededFor() %s is the endpoint %j', (path, name) => {
  expect(neededFor(path)).toBe(name)
})

test('neededFor() /feedback is any key: its body names endpoints', () => {
  expect(neededFor('/feedback')).toBe(SOME_ENDPOINT)
  for (const path of ['/feedback/', '/feedback/a', '/feedbacks', '/Feedback']) {
    expect(neededFor(path)).toBe(ALL_ENDPOINTS)
  }
})

test('neededFor() /predict is the default endpoint', () => {
  expect(neededFor('/predict')).toBe(DEFAULT_ENDPOINT)
})

test.each([
  ...['/', '/v2', '/v2/models', '/v2/models/stats', '/v2/repository/index', '/openapi.json'],
  ...['/v2/repository/models/flights/load', '/docs', '/v2/logging', '/v2/systemsharedmemory'],
  ...['/livez/', '/v2/health', '/v2/health/live/', '//livez', '/LIVEZ', '/unknown', '/predictor'],
])('neededFor() %s is a right to all endpoints', (path) => {
  expect(neededFor(path)).toBe(ALL_ENDPOINTS)
})
