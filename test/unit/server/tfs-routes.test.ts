import { expect, test } from 'vitest'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const PLAN = {
  ...epochPlan(3, [
    plannedVersion({ model: 'm', version: 1 }),
    plannedVersion({ model: 'm', version: 10 }),
  ]),
  unavailable: ['away'],
}

const ROWS = [
  [1, 2],
  [3, 4],
]
const PREDICTED = [
  [2, 4],
  [6, 8],
]

test('compileRoutes() routes a name and pins a version', () => {
  const path = new RequestPath(PLAN)
  const routed = path.ask({ path: '/v1/models/m:predict' }, { instances: ROWS })
  expect(routed.answer?.status).toBe(200)
  expect(routed.header('x-sluice-version')).toBe('10')
  expect(routed.json()).toEqual({ predictions: PREDICTED })
  const pinned = path.ask({ path: '/v1/models/m/versions/1:predict' }, { inputs: ROWS })
  expect(pinned.header('x-sluice-version')).toBe('1')
  expect(pinned.json()).toEqual({ outputs: PREDICTED })
  expect(path.counts(answerKey('m', '1'))).toEqual({ 'tfs ok': 1 })
  expect(path.counts(answerKey('m', '10'))).toEqual({ 'tfs ok': 1 })
})

test.each(['instances', 'inputs'])('a row of %s that fails is named', (key) => {
  const path = new RequestPath(PLAN)
  const bad = path.ask(
    { path: '/v1/models/m:predict' },
    {
      [key]: [
        [1, 2],
        [POISON, 4],
      ],
    },
  )
  expect(bad.answer?.status).toBe(500)
  expect(bad.header('x-sluice-error')).toBe('INFERENCE_FAILED')
  expect(bad.json()).toEqual({ error: expect.stringMatching(/ \(row 1\)$/) })
})

const status = { error_code: 'OK', error_message: '' }
const available = (version: string) => ({ version, state: 'AVAILABLE', status })

test.each([
  ['/v1/models/m', [available('10'), available('1')]],
  ['/v1/models/m/versions/1', [available('1')]],
])('tfsRoute() gives the status of versions at %s', (path, versions) => {
  for (const method of ['GET', 'HEAD']) {
    const exchange = new RequestPath(PLAN).ask({ method, path })
    expect(exchange.answer?.status).toBe(200)
    const both = { name: 'm', ready: true, model_version_status: versions }
    expect(exchange.json()).toEqual(both)
  }
})

test.each([
  ['GET', '/v1/models/m:predict', 'POST'],
  ['PUT', '/v1/models/m/versions/1:predict', 'POST'],
  ['POST', '/v1/models/m', 'GET, HEAD'],
  ['POST', '/v1/models/m/versions/1', 'GET, HEAD'],
  ['POST', '/v1/models/m/metadata', 'GET, HEAD'],
  ['GET', '/v1/models/m:classify', 'POST'],
])('tfsRoute() allows on %s %s only %s', (method, path, allow) => {
  const exchange = new RequestPath(PLAN).ask({ method, path })
  expect([exchange.answer?.status, exchange.header('allow')]).toEqual([405, `${allow}, OPTIONS`])
  expect(exchange.json()).toEqual({ error: `${method} is not allowed here; use ${allow}` })
})

/** method, path, status, code */
const REFUSED: readonly (readonly [string, string, number, string])[] = [
  ['POST', '/v1/models/m:classify', 501, 'NOT_IMPLEMENTED'],
  ['POST', '/v1/models/m/versions/1:regress', 501, 'NOT_IMPLEMENTED'],
  ['GET', '/v1/models/m/metadata', 501, 'NOT_IMPLEMENTED'],
  ['POST', '/v1/models/m:explain', 501, 'NOT_IMPLEMENTED'],
  ['POST', '/v1/models/m/versions/1:explain', 501, 'NOT_IMPLEMENTED'],
  ['POST', '/v1/models/m/labels/stable:predict', 501, 'NOT_IMPLEMENTED'],
  ['POST', '/v1/models/m/labels/stable:classify', 501, 'NOT_IMPLEMENTED'],
  ['GET', '/v1/models/m/labels/stable', 501, 'NOT_IMPLEMENTED'],
  ['GET', '/v1/models/m/labels/stable/metadata', 501, 'NOT_IMPLEMENTED'],
  ['GET', '/v1/models/m/labels/stable:predict', 405, 'METHOD_NOT_ALLOWED'],
  ['POST', '/v1/models/n/labels/stable:predict', 404, 'MODEL_NOT_FOUND'],
  ['GET', '/v1/models/m/versions/1/labels/stable', 404, 'ROUTE_NOT_FOUND'],
  ['POST', '/v1/models/n:predict', 404, 'MODEL_NOT_FOUND'],
  ['POST', '/v1/models/n:classify', 404, 'MODEL_NOT_FOUND'],
  ['POST', '/v1/models/%6d:predict', 404, 'MODEL_NOT_FOUND'],
  ['GET', '/v1/models/n', 404, 'MODEL_NOT_FOUND'],
  ['POST', '/v1/models/m/versions/9:predict', 404, 'VERSION_NOT_FOUND'],
  ['POST', '/v1/models/m/versions/one:predict', 404, 'VERSION_NOT_FOUND'],
  ['GET', '/v1/models/m/versions/9', 404, 'VERSION_NOT_FOUND'],
  ['POST', '/v1/models/away:predict', 503, 'VERSION_NOT_READY'],
  ['GET', '/v1/models/away', 503, 'VERSION_NOT_READY'],
  ['POST', '/v1/models/m/predict', 404, 'ROUTE_NOT_FOUND'],
  ['POST', '/v1/models/m:predict/', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/v1/models', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/v1', 404, 'ROUTE_NOT_FOUND'],
]

test.each(REFUSED)('tfsRoute() refuses %s %s', (method, path, code, error) => {
  const route = new RequestPath(PLAN)
  const exchange = route.ask({ method, path })
  expect([exchange.answer?.status, exchange.header('x-sluice-error')]).toEqual([code, error])
  expect(exchange.header('content-type')).toBe('application/json')
  expect(Object.keys(exchange.json())).toEqual(['error'])
  expect(route.counts(NO_ENDPOINT_KEY)).toEqual({ [`tfs ${error}`]: 1 })
})
