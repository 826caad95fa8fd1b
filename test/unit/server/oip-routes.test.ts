import { describe, expect, test } from 'vitest'
import type { EpochPlan } from '../../../src/shared/epoch-plan.ts'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const PLAN = {
  ...epochPlan(3, [
    plannedVersion({ model: 'm', version: 1 }),
    plannedVersion({ model: 'm', version: 2 }),
  ]),
  unavailable: ['away'],
}

const ask = (method: string, path: string, body: unknown = '') =>
  new RequestPath(PLAN).ask({ method, path }, body)

const seen = (method: string, path: string) => {
  const exchange = ask(method, path)
  return [exchange.answer?.status, exchange.header('x-sluice-error')]
}

describe('calls that this server does not have', () => {
  const get = [
    ...['/v2/trace/setting', '/v2/models/m/trace/setting', '/v2/logging'],
    ...['/v2/systemsharedmemory/status', '/v2/systemsharedmemory/region/r/status'],
    ...['/v2/cudasharedmemory/status', '/v2/cudasharedmemory', '/v2/systemsharedmemory'],
    '/v2/systemsharedmemory/region/r',
  ]
  const post = [
    ...['/v2/models/m/generate', '/v2/models/m/generate_stream', '/v2/models/m/infer_stream'],
    '/v2/models/m/versions/1/generate',
    ...['/v2/systemsharedmemory/region/r/register', '/v2/systemsharedmemory/unregister'],
    ...['/v2/cudasharedmemory/region/r/register', '/v2/cudasharedmemory/region/r/unregister'],
  ]

  test.each([
    ...get.map((path) => ['GET', path] as const),
    ...post.map((path) => ['POST', path] as const),
  ])('oipRoute() answers %s %s with 501', (method, path) => {
    const exchange = ask(method, path)
    expect([exchange.answer?.status, exchange.header('x-sluice-error')]).toEqual([
      501,
      'NOT_IMPLEMENTED',
    ])
    expect(Object.keys(exchange.json())).toEqual(['error'])
    expect(exchange.json()['error']).toMatch(/^This server does not have /)
  })

  test.each([
    ...get.filter((path) => !/setting|logging/.test(path)).map((path) => ['POST', path] as const),
    ...post.map((path) => ['GET', path] as const),
    ['GE', '/v2/models/m/config'] as const,
    ['POST', '/v2/models/m/versions/2/config'] as const,
    ['POST', '/v2/models/stats'] as const,
    ['DELETE', '/v2/models/m/stats'] as const,
    ['DELETE', '/v2/logging'] as const,
  ])('oipRoute() answers %s %s with 405', (method, path) => {
    expect(seen(method, path)).toEqual([405, 'METHOD_NOT_ALLOWED'])
  })

  test('oipRoute() says first that there is no such model or version', () => {
    const actions = ['config', 'stats', 'generate', 'generate_stream', 'infer_stream']
    for (const action of actions) {
      for (const method of ['GET', 'POST']) {
        expect(seen(method, `/v2/models/x/${action}`)).toEqual([404, 'MODEL_NOT_FOUND'])
        const path = `/v2/models/m/versions/9/${action}`
        expect(seen(method, path)).toEqual([404, 'VERSION_NOT_FOUND'])
      }
    }
    expect(seen('GET', '/v2/models/x/trace/setting')).toEqual([404, 'MODEL_NOT_FOUND'])
  })
})

describe('calls that control answers', () => {
  test.each([
    ['/v2/models/m/config', 'model_config', { model: 'm', version: 2 }],
    ['/v2/models/m/versions/1/config', 'model_config', { model: 'm', version: 1 }],
    ['/v2/models/m/stats', 'model_statistics', { model: 'm', version: null }],
    ['/v2/models/m/versions/1/stats', 'model_statistics', { model: 'm', version: 1 }],
    ['/v2/models/stats', 'model_statistics', { model: null, version: null }],
  ])('oipRoute() has GET %s answered by control', (path, kind, payload) => {
    const server = new RequestPath(PLAN)
    const exchange = server.send({ method: 'GET', path })
    const [called] = server.called
    expect([called?.call.kind, JSON.parse(called!.call.payload)]).toEqual([kind, payload])
    server.calls.onAnswered({ type: 'answered', number: called!.number, answer: '{"a":1}' })
    expect([exchange.answer?.status, exchange.json()]).toEqual([200, { a: 1 }])
  })
})

describe('calls that change something', () => {
  test.each<readonly [string, string, RegExp]>([
    ['/v2/repository/models/m/load', 'FORBIDDEN', /on the machine of this server only/],
    ['/v2/repository/mine/models/m/load', 'FORBIDDEN', /on the machine of this server only/],
    ['/v2/repository/models/m/unload', 'FORBIDDEN', /on the machine of this server only/],
    ['/v2/repository/models/../unload', 'FORBIDDEN', /on the machine of this server only/],
    ['/v2/logging', 'FORBIDDEN', /does not change/],
    ['/v2/trace/setting', 'FORBIDDEN', /does not change/],
    ['/v2/models/m/trace/setting', 'FORBIDDEN', /does not change/],
    // Texts of Triton (core, model_repository_manager.cc), as qa/L0_input_validation has them.
    ['/v2/repository/models//load', 'REQUEST_MALFORMED', /^Model name cannot be empty\. Please/],
    ['/v2/repository/models/%20%09%0A/load', 'REQUEST_MALFORMED', /^Model name cannot be empty/],
    ...['..', '%2e%2e', '../../etc', 'a/b', 'a%2Fb', '/etc/passwd', '%20..%20'].map(
      (name) =>
        [
          `/v2/repository/models/${name}/load`,
          'REQUEST_MALFORMED',
          /^invalid model name '.*', model name must not contain path traversal characters$/,
        ] as const,
    ),
  ])('oipRoute() refuses POST %s with %s', (path, code, message) => {
    const exchange = ask('POST', path)
    expect(exchange.header('x-sluice-error')).toBe(code)
    expect(exchange.json()['error']).toMatch(message)
  })

  test('oipRoute() takes them by POST only', () => {
    expect(seen('GET', '/v2/repository/models/m/load')).toEqual([405, 'METHOD_NOT_ALLOWED'])
  })
})

describe('loads and unloads', () => {
  const post = (path: RequestPath, what: string, body: unknown = '') =>
    path.ask({ method: 'POST', path: `/v2/repository/models/${what}`, isLocal: true }, body)

  test('oipRoute() puts them to control for who is on this machine', () => {
    const path = new RequestPath(PLAN)
    const dependents = { parameters: { unload_dependents: true } }
    const asked = [post(path, 'm/load'), post(path, '%6e/unload', dependents)]
    expect(path.called.map(({ call }) => [call.kind, call.payload])).toEqual([
      ['model_load', '{"model":"m"}'],
      ['model_unload', '{"model":"n"}'],
    ])
    for (const { number } of path.called) {
      path.calls.onAnswered({ type: 'answered', number, answer: '' })
    }
    expect(asked.map(({ answer }) => [answer?.status, answer?.body])).toEqual([
      [200, ''],
      [200, ''],
    ])
  })

  test.each<readonly [string, unknown, string]>([
    ['m/load', { parameters: { config: '{}' } }, 'NOT_IMPLEMENTED'],
    ['m/load', { parameters: { 'file:1/model.onnx': 'AA==' } }, 'NOT_IMPLEMENTED'],
    ['m/load', { parameters: { confg: '{}' } }, 'REQUEST_MALFORMED'],
    ['m/load', { parameters: [] }, 'REQUEST_MALFORMED'],
    ['m/load', '{"parameters":', 'REQUEST_MALFORMED'],
    ['m/load', '[]', 'REQUEST_MALFORMED'],
    ['m/load', ' '.repeat(70_000), 'BODY_TOO_LARGE'],
    ['m/unload', { parameters: { unload_dependents: 1 } }, 'REQUEST_MALFORMED'],
    ['m/unload', { parameters: { config: '' } }, 'REQUEST_MALFORMED'],
  ])('oipRoute() refuses %s with %j: %s', (what, body, code) => {
    const path = new RequestPath(PLAN)
    expect(post(path, what, body).header('x-sluice-error')).toBe(code)
    expect(path.called).toEqual([])
  })
})

describe('names and paths', () => {
  test('oipRoute() lists all endpoints, those that cannot answer included', () => {
    expect(ask('GET', '/v2/models').json()).toEqual({ models: ['away', 'm'] })
  })

  test('oipRoute() has a model called stats show its metadata', () => {
    const path = new RequestPath(epochPlan(1, [plannedVersion({ model: 'stats', version: 1 })]))
    const exchange = path.ask({ method: 'GET', path: '/v2/models/stats' })
    expect(exchange.json()).toMatchObject({ name: 'stats' })
  })

  test.each([
    ...['/v2/', '/v2//models/m', '/v2/models/', '/v2/models//ready', '/v2/models/m/'],
    ...['/v2/models/m/ready/', '/v2/models/m//ready', '/v2/models/m/versions//ready'],
    ...['/v2/models/m/versions/1/', '/v2/%6dodels/m', '/v2/models/m/%72eady', '/v2/./models/m'],
    ...['/v2/../v2/models/m', '/v2/repository/index/', '/v2/repository//index', '/v2/nosuch'],
  ])('oipRoute() has no path %s: they are compared as they were sent', (path) => {
    expect(seen('GET', path)).toEqual([404, 'ROUTE_NOT_FOUND'])
  })

  test.each(['%6d', 'm%20', '%20', '..', '%2e%2e', '%2E', 'M', 'm%00'])(
    'oipRoute() knows no model %s',
    (name) => {
      expect(seen('GET', `/v2/models/${name}`)).toEqual([404, 'MODEL_NOT_FOUND'])
      expect(seen('POST', `/v2/models/${name}/infer`)).toEqual([404, 'MODEL_NOT_FOUND'])
    },
  )

  test('oipRoute() finds an unknown name unknown in the words of Triton', () => {
    const textOf = (path: string) => ask('POST', path).json()['error']
    expect(textOf('/v2/models/%6d/infer')).toMatch(/'m' is not found; send it without percent-/)
    expect(textOf('/v2/models/x/infer')).toMatch(/^Request for unknown model: 'x' is not found/)
    expect(textOf('/v2/models/m/versions/9/infer')).toMatch(
      /^Request for unknown model: 'm' version 9 is not found\. Served: 1, 2$/,
    )
    expect(textOf('/v2/models/m/versions/one/infer')).toMatch(/^'one' is no version/)
  })

  test('oipRoute() names 20 of many endpoints or versions', () => {
    const manyOf = (naming: (n: number) => { model: string; version: number }) =>
      epochPlan(
        1,
        Array.from({ length: 40 }, (_, i) => plannedVersion(naming(i + 1))),
      )
    const textOf = (plan: EpochPlan, path: string) =>
      new RequestPath(plan).ask({ method: 'GET', path }).json()['error']
    const versions = manyOf((version) => ({ model: 'm', version }))
    const end = 'and 20 more'
    expect(textOf(versions, '/v2/models/m/versions/41')).toMatch(
      new RegExp(`Served: 1, 2, .*, 20 ${end}$`),
    )
    const models = manyOf((n) => ({ model: `m${n}`, version: 1 }))
    expect(textOf(models, '/v2/models/x')).toMatch(new RegExp(`Endpoints: m1, .*, m20 ${end}$`))
  })
})

describe('the repository index', () => {
  const INDEX = '/v2/repository/index'
  const post = (path: RequestPath, body: unknown = '', more: object = {}) =>
    path.ask({ method: 'POST', path: INDEX, ...more }, body)
  const answer = (path: RequestPath, place: number, text: string) =>
    path.calls.onAnswered({ type: 'answered', number: path.called[place]!.number, answer: text })

  test('oipRoute() puts it to control, and its answer is given as it is', () => {
    const path = new RequestPath(PLAN)
    const asked = [post(path), post(path, { ready: true }, { requestId: 'mine' })]
    expect(asked.map((exchange) => exchange.answer)).toEqual([null, null])
    expect(path.called.map(({ call }) => call.payload)).toEqual([
      '{"ready":false}',
      '{"ready":true}',
    ])
    answer(path, 1, '[{"name":"m"}]')
    answer(path, 0, '[]')
    expect(asked.map((exchange) => exchange.json())).toEqual([[], [{ name: 'm' }]])
    expect(asked[1]!.header('x-request-id')).toBe('mine')
    expect(asked[0]!.header('content-type')).toBe('application/json')
    expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'oip ok': 2 })
    expect([path.inFlight, path.epochs.current().epoch.inFlight, path.calls.size]).toEqual([
      0, 0, 0,
    ])
  })

  test('oipRoute() answers what control refuses, and counts a client that has gone', () => {
    const path = new RequestPath(PLAN)
    const [refused, gone] = [post(path), post(path)]
    gone!.isAborted = true
    answer(path, 1, '[]')
    path.calls.onAnswered({
      ...{ type: 'answered', number: path.called[0]!.number },
      answer: { code: 'CONTROL_BUSY', detail: 'too many' },
    })
    expect(refused!.answer).toMatchObject({ status: 503, body: '{"error":"too many"}' })
    expect(gone!.answer).toBeNull()
    expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'oip CONTROL_BUSY': 1, 'oip aborted': 1 })
  })

  test('oipRoute() asks control nothing where the request is wrong', () => {
    const path = new RequestPath(PLAN)
    expect(post(path, '{').header('x-sluice-error')).toBe('REQUEST_MALFORMED')
    expect(post(path, '', { contentEncoding: 'br' }).header('x-sluice-error')).toBe(
      'ENCODING_UNSUPPORTED',
    )
    for (const method of ['GET', 'HEAD', 'PUT']) {
      const exchange = path.ask({ method, path: INDEX })
      expect([exchange.answer?.status, exchange.header('allow')]).toEqual([405, 'POST, OPTIONS'])
    }
    expect(path.called).toEqual([])
  })

  test('an epoch that ends while control is asked is let go of', () => {
    const path = new RequestPath(PLAN)
    const exchange = post(path)
    path.commit({ ...PLAN, epoch: 4 })
    path.ask({ method: 'GET', path: '/livez' })
    answer(path, 0, '[]')
    expect(exchange.answer?.status).toBe(200)
  })
})
