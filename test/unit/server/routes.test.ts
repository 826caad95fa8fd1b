import { expect, test } from 'vitest'
import { formatFor } from '../../../src/server/routes.ts'
import { FEATURES, OIP, OTHER, TFS } from '../../../src/server/wire-formats.ts'
import type { EpochPlan } from '../../../src/shared/epoch-plan.ts'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { collect } from '../../helpers/collect.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const names = (...models: string[]) =>
  models.flatMap((model) => [1, 2].map((version) => plannedVersion({ model, version })))

const plan = (more: Partial<EpochPlan> = {}): EpochPlan => ({
  ...epochPlan(3, names('flight-delay', 'clicks')),
  ...more,
})

const ask = (method: string, path: string, given = plan(), isReady = true) =>
  new RequestPath(given, { isReady: () => isReady }).ask({ method, path })

test.each([
  ['/livez', true, 200, { live: true }],
  ['/livez', false, 200, { live: true }],
  ['/readyz', true, 200, { ready: true }],
  ['/readyz', false, 503, { ready: false }],
  ['/v2/health/live', false, 200, { live: true }],
  ['/v2/health/ready', true, 200, { ready: true }],
  ['/v2/health/ready', false, 503, { ready: false }],
  ['/v2', false, 200, { name: 'sluice' }],
  ['/v2/models/clicks', true, 200, { name: 'clicks', versions: ['1', '2'] }],
  ['/v2/models/clicks/versions/1', true, 200, { name: 'clicks', versions: ['1'] }],
  ['/v2/models/clicks/ready', false, 200, { name: 'clicks', ready: true }],
  ['/v2/models/clicks/versions/2/ready', true, 200, { name: 'clicks', ready: true }],
  ['/v2/models/away/ready', true, 503, { name: 'away', ready: false }],
  ['/v2/models/away/versions/1/ready', true, 503, { name: 'away', ready: false }],
] as const)('resolveRoute() gives GET %s while ready is %s: %i', (path, isReady, status, body) => {
  for (const method of ['GET', 'HEAD']) {
    const exchange = ask(method, path, plan({ unavailable: ['away'] }), isReady)
    expect(exchange.answer?.status).toBe(status)
    expect(exchange.json()).toMatchObject(body)
    expect(exchange.header('content-type')).toBe('application/json')
    expect(exchange.header('x-request-id')).not.toBe('')
  }
})

test.each([
  ['GET', '/predict/clicks', 'POST'],
  ['PUT', '/predict', 'POST'],
  ['GET', '/v2/models/clicks/infer', 'POST'],
  ['GET', '/v2/models/clicks/versions/1/infer', 'POST'],
  ['POST', '/v2/models/clicks', 'GET, HEAD'],
  ['DELETE', '/v2/models/clicks/ready', 'GET, HEAD'],
  ['POST', '/readyz', 'GET, HEAD'],
  ['POST', '/v2', 'GET, HEAD'],
  ['PUT', '/v2/logging', 'GET, HEAD, POST'],
  ['GET', '/v2/repository/models/clicks/load', 'POST'],
  ['HEAD', '/predict', 'POST'],
])('resolveRoute() allows on %s %s only %s', (method, path, allow) => {
  const exchange = ask(method, path)
  expect([exchange.answer?.status, exchange.header('allow')]).toEqual([405, `${allow}, OPTIONS`])
  expect(exchange.header('x-sluice-error')).toBe('METHOD_NOT_ALLOWED')
  const shown = method === 'HEAD' ? 'GET' : method
  expect(exchange.answer?.body).toContain(`${shown} is not allowed here; use ${allow}`)
})

test.each([
  ['/predict', 'POST, OPTIONS'],
  ['/predict/clicks', 'POST, OPTIONS'],
  ['/v2/models/clicks/infer', 'POST, OPTIONS'],
  ['/v2/models/clicks/versions/2/infer', 'POST, OPTIONS'],
  ['/v2/models/clicks', 'GET, HEAD, OPTIONS'],
  ['/v2/models/clicks/ready', 'GET, HEAD, OPTIONS'],
  ['/v2', 'GET, HEAD, OPTIONS'],
  ['/livez', 'GET, HEAD, OPTIONS'],
  ['/v2/logging', 'GET, HEAD, POST, OPTIONS'],
  ['/v2/repository/models/clicks/load', 'POST, OPTIONS'],
])('resolveRoute() answers OPTIONS of %s with the methods that it has: %s', (path, allow) => {
  const requests = new RequestPath(plan())
  const exchange = requests.ask({ method: 'OPTIONS', path, requestId: 'r-1' })
  expect(exchange.answer).toMatchObject({ status: 204, body: '' })
  expect(Object.fromEntries(exchange.answer!.headers)).toEqual({ allow, 'x-request-id': 'r-1' })
  // Each of them has an answer of its own there, and another method has none.
  for (const method of [...allow.split(', '), 'PATCH']) {
    const isWrong = ask(method, path).answer?.status === 405
    expect([method, isWrong]).toEqual([method, method === 'PATCH'])
  }
})

test('resolveRoute() does not know of a path that nobody has for OPTIONS either', () => {
  for (const path of ['/nosuch', '/predict/nosuch', '/v2/models/nosuch/infer', '/v2/nosuch']) {
    expect(ask('OPTIONS', path).answer?.status).toBe(404)
  }
})

/** method, path, status, code, detail */
const REFUSED: readonly (readonly [string, string, number, string, RegExp])[] = [
  ['POST', '/nosuch', 404, 'ROUTE_NOT_FOUND', /^No such path: '\/nosuch'$/],
  ['POST', '/a%20b', 404, 'ROUTE_NOT_FOUND', /'\/a b'/],
  ['POST', '/a%zz', 404, 'ROUTE_NOT_FOUND', /'\/a%zz'/],
  ['POST', '/predicted', 404, 'ROUTE_NOT_FOUND', /predicted/],
  ['POST', '/v2/nosuch', 404, 'ROUTE_NOT_FOUND', /nosuch/],
  ['POST', '/predict', 404, 'ENDPOINT_NOT_FOUND', /\. Endpoints: flight-delay, clicks$/],
  [
    'POST',
    '/predict/flightdelay',
    404,
    'ENDPOINT_NOT_FOUND',
    /^Unknown endpoint 'flightdelay'; did you mean 'flight-delay'\? Endpoints: flight-delay, clicks$/,
  ],
  [
    'POST',
    '/predict/z%C3%BCrich%20%2F..',
    404,
    'ENDPOINT_NOT_FOUND',
    /^Unknown endpoint 'zürich \/\.\.'\. Endpoints: flight-delay, clicks$/,
  ],
  ['POST', '/v2/models/click/infer', 404, 'MODEL_NOT_FOUND', /did you mean 'clicks'\?/],
  [
    'GET',
    '/v2/models/nosuch/ready',
    404,
    'MODEL_NOT_FOUND',
    /^Request for unknown model: 'nosuch' is not found\. End/,
  ],
  ['POST', '/v2/models/clicks/versions/9/infer', 404, 'VERSION_NOT_FOUND', /Served: 1, 2$/],
  ['POST', '/v2/models/clicks/versions/0/infer', 404, 'VERSION_NOT_FOUND', /integers from 1/],
  ['GET', '/v2/models/clicks/versions/%31', 404, 'VERSION_NOT_FOUND', /^'1' is no version/],
  ['POST', '/predict/away', 503, 'VERSION_NOT_READY', /^'away' has no available versions$/],
  ['POST', '/v2/models/away/infer', 503, 'VERSION_NOT_READY', /'away'/],
  ['GET', '/v2/models/away', 503, 'VERSION_NOT_READY', /'away'/],
  ['POST', '/v2/models/away/ready', 503, 'VERSION_NOT_READY', /'away'/],
  ['POST', '/v2/repository/models/clicks/load', 403, 'FORBIDDEN', /on the machine of this/],
  ['POST', '/v2/repository/models/clicks/unload', 403, 'FORBIDDEN', /on the machine of this/],
  ['POST', '/v2/logging', 403, 'FORBIDDEN', /does not change/],
  ['POST', '/v2/models/clicks/trace/setting', 403, 'FORBIDDEN', /does not change/],
]

test.each(REFUSED)('resolveRoute() refuses %s %s', (method, path, status, code, detail) => {
  const route = new RequestPath(plan({ unavailable: ['away'] }))
  const exchange = route.ask({ method, path })
  expect([exchange.answer?.status, exchange.header('x-sluice-error')]).toEqual([status, code])
  const isOip = path.startsWith('/v2')
  const body = exchange.json()
  expect(body[isOip ? 'error' : 'detail']).toMatch(detail)
  expect(exchange.header('content-type')).toBe(
    isOip ? 'application/json' : 'application/problem+json',
  )
  expect(exchange.header('x-sluice-prediction-id')).toBe('')
  expect(Object.values(route.counts(NO_ENDPOINT_KEY))).toEqual([1])
})

test('resolveRoute() says that the default endpoint is not ready, and not that there is none', () => {
  for (const defaultEndpoint of ['away', 'clicks']) {
    const given = plan({ unavailable: ['away'], defaultEndpoint })
    const code = ask('POST', '/predict', given).header('x-sluice-error')
    expect(code).toBe(defaultEndpoint === 'away' ? 'VERSION_NOT_READY' : 'REQUEST_MALFORMED')
  }
})

test('resolveRoute() says so where nothing is served', () => {
  const exchange = ask('POST', '/predict/a', epochPlan(1, []))
  expect(exchange.json()).toMatchObject({
    detail: "Unknown endpoint 'a'. Endpoints: none is served",
  })
})

test('RouteTable finds a path again, and keeps no epoch alive that is over', async () => {
  const path = new RequestPath(epochPlan(1, names('clicks')))
  const over = new WeakRef(path.epochs.current().epoch.endpoints.get('clicks')!)
  const post = (at: string) => path.ask({ path: at }, { features: [1, 2] }).answer?.status
  expect(['/predict', '/predict', '/nosuch', '/nosuch', '/predict'].map(post)).toEqual([
    200, 200, 404, 404, 200,
  ])
  path.commit(epochPlan(2, names('clicks')))
  path.ask({ method: 'GET', path: '/livez' })
  await collect()
  expect(over.deref()).toBe(undefined)
  expect(path.ask({}, { features: [1, 2] }).header('x-sluice-epoch')).toBe('2')
})

test('compileRoutes() takes the default endpoint by its own path too', () => {
  const path = new RequestPath(plan({ defaultEndpoint: 'clicks' }))
  const models = ['/predict', '/predict/clicks', '/predict/flight-delay'].map((each) =>
    path.ask({ path: each }, { features: [1, 2] }).header('x-sluice-model'),
  )
  expect(models).toEqual(['clicks', 'clicks', 'flight-delay'])
})

test.each([
  ['/v2', OIP],
  ['/v2/nosuch', OIP],
  ['/v2x', OTHER],
  ['/v1', TFS],
  ['/v1/models/a:predict', TFS],
  ['/v10', OTHER],
  ['/predict', FEATURES],
  ['/predict/a/b', FEATURES],
  ['/predictions', OTHER],
  ['/feedback', FEATURES],
  ['/feedback/', OTHER],
  ['/', OTHER],
])('formatFor() %s', (path, format) => {
  expect(formatFor({ format: null, path })).toBe(format)
})
