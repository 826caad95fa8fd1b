import { METHODS } from 'node:http'
import { expect, test } from 'vitest'
import { type AdminSources, createAdminApi } from '../../../../src/control/api/admin-api.ts'
import { OPENAPI } from '../../../../src/control/api/admin-openapi.ts'
import { GatewayError } from '../../../../src/shared/errors.ts'
import {
  expectProblem,
  HOST,
  MODELS,
  RESTART,
  STATUS,
  startControlServer,
} from '../../../helpers/control-server.ts'
import { findFreePort } from '../../../helpers/ports.ts'
import { type RawAnswer, RawClient } from '../../../helpers/raw-client.ts'

const BODY_BYTES_MAX = 64 * 1024

const start = (more: Partial<AdminSources> = {}) => startControlServer(createAdminApi, more)

const TEXT = { 'content-type': 'text/plain' }
const JSON_TYPE = 'application/json; charset=utf-8'
const ROUTES: readonly [target: string, type: string, body: unknown][] = [
  ['/metrics', 'text/plain; version=0.0.4; charset=utf-8', '# in text\n'],
  ['/livez', 'text/plain', 'ok\n'],
  ['/readyz', 'text/plain', 'ok\n'],
  ['/readyz?verbose', 'text/plain', '[+]endpoints ok\nok\n'],
  ['/api/v1/status', JSON_TYPE, JSON.stringify(STATUS)],
  ['/api/v1/models?x=1', JSON_TYPE, JSON.stringify(MODELS)],
  ['/api/v1/openapi.json', JSON_TYPE, JSON.stringify(OPENAPI)],
  ['/', 'text/html', expect.stringMatching(/^<!doctype html>/)],
]
const POSTS = ['/api/v1/restart']
const PATHS = [...new Set(ROUTES.map(([target]) => target.split('?')[0]!))]

test.each(ROUTES)(
  'createAdminApi() answers GET and HEAD %s with type, uncached',
  async (...route) => {
    const [target, type, body] = route
    const { ask } = await start()
    const answer = await ask(target)
    expect(answer).toMatchObject({ status: 200, body })
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    const head = await ask(target, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '' })
    const lasting = (headers: RawAnswer['headers']) =>
      [...headers].filter(([name]) => name !== 'date')
    expect(lasting(head.headers)).toEqual(lasting(answer.headers))
  },
)

test('createAdminApi() answers /metrics in the format that accept asks for', async () => {
  const { ask } = await start()
  const headers = { accept: 'application/openmetrics-text;version=1.0.0' }
  const answer = await ask('/metrics', { headers })
  expect(answer.body).toBe('# in openmetrics\n')
  expect(answer.headers.get('vary')).toBe('accept')
  expect(answer.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
})

test('createAdminApi() answers /readyz with 503 while any check fails, and names it', async () => {
  const readiness = () => ({ disk: null, endpoints: 'draining' })
  const { ask } = await start({ readiness })
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'not ready\n' })
  const body = '[+]disk ok\n[-]endpoints failed: draining\nnot ready\n'
  expect(await ask('/readyz?verbose')).toMatchObject({ status: 503, body })
  expect(await ask('/livez')).toMatchObject({ status: 200, body: 'ok\n' })
})

test.each([
  ...['/metrics/', '//metrics', '/METRICS', '/metrics;a', '/api/v1', '/api/v1/status/x?y=1'],
  ...['/__proto__', '/*', '/../metrics', `/${'a'.repeat(2000)}`],
])('createAdminApi() answers 404 to %s by any method', async (target) => {
  const { ask } = await start()
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
    expectProblem(await ask(target, { method }), 'ROUTE_NOT_FOUND')
  }
  expect(await ask(target, { method: 'HEAD' })).toMatchObject({ status: 404, body: '' })
})

test.each(PATHS)('createAdminApi() answers 405 with Allow on %s', async (path) => {
  const { ask } = await start()
  const others = METHODS.filter((method) => !['GET', 'HEAD', 'CONNECT'].includes(method))
  for (const method of others) {
    // QUERY is malformed without a type.
    const answer = await ask(path, { method, headers: TEXT, body: '' })
    expectProblem(answer, 'METHOD_NOT_ALLOWED')
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
  }
})

test('createAdminApi() takes POST /api/v1/restart, and no other method', async () => {
  const { ask } = await start()
  const restart = await ask('/api/v1/restart', { method: 'POST' })
  expect(restart).toMatchObject({ status: 202, body: JSON.stringify(RESTART) })
  const refused = await ask('/api/v1/restart')
  expectProblem(refused, 'METHOD_NOT_ALLOWED')
  expect(refused.headers.get('allow')).toBe('POST')
})

test('createAdminApi() changes nothing for pages of other origins, which browsers name', async () => {
  let restarts = 0
  const { ask, port } = await start({
    restart: () => {
      restarts++
      return RESTART
    },
  })
  for (const origin of ['http://evil.test', 'null', `http://${HOST}`, `https://${HOST}:${port}`]) {
    const question = { method: 'POST', headers: { origin } }
    expectProblem(await ask('/api/v1/restart', question), 'FORBIDDEN')
  }
  expect(restarts).toBe(0)
  const headers = { origin: `http://${HOST}:${port}` }
  expect((await ask('/api/v1/restart', { method: 'POST', headers })).status).toBe(202)
  expect((await ask('/livez', { headers: { origin: 'http://evil.test' } })).status).toBe(200)
})

const LARGE = 'x'.repeat(BODY_BYTES_MAX + 1)
const CHUNK = `${LARGE.length.toString(16)}\r\n${LARGE}\r\n0\r\n\r\n`

test.each([
  ['with its length', TEXT, LARGE],
  ['in chunks', { ...TEXT, 'transfer-encoding': 'chunked' }, CHUNK],
])('createAdminApi() answers 413 to a large body %s, and goes on', async (_, headers, body) => {
  const { ask } = await start()
  for (const target of ['/metrics', '/nothing']) {
    expectProblem(await ask(target, { method: 'POST', headers, body }), 'BODY_TOO_LARGE')
  }
  const most = { method: 'POST', headers: TEXT, body: LARGE.slice(1) }
  expectProblem(await ask('/metrics', most), 'METHOD_NOT_ALLOWED')
  expect((await ask('/livez')).status).toBe(200)
})

test.each([
  ['/%zz', { method: 'GET' }],
  ['/metrics%', { method: 'HEAD' }],
  ['/metrics', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{x' }],
] as const)('createAdminApi() answers 400 to %s when it is malformed', async (target, question) => {
  const { ask, faults } = await start()
  const answer = await ask(target, question)
  if (question.method !== 'HEAD') expectProblem(answer, 'REQUEST_MALFORMED')
  expect(answer.status).toBe(400)
  expect(answer.body).not.toMatch(/FST_|fastify|zz/)
  expect(faults).toEqual([])
})

const MANY_HEADERS = Array.from({ length: 2000 }, (_, i) => `x-${i}: ${'v'.repeat(20)}\r\n`)

test.each([
  ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
  ['an unknown method', 'BREW / HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
  ['two lengths', `GET / HTTP/1.1\r\nhost: a\r\n${'content-length: 1\r\n'.repeat(2)}\r\n`, 400],
  ['headers without end', `GET / HTTP/1.1\r\nhost: localhost\r\n${MANY_HEADERS.join('')}\r\n`, 431],
])('createAdminApi() answers %s in its own form, closes, and goes on', async (_, bytes, status) => {
  const { port, ask, faults } = await start()
  const client = await RawClient.open(port)
  await client.send(Buffer.from(bytes, 'latin1'))
  const answer = await client.answer()
  expectProblem(answer, 'REQUEST_MALFORMED', status)
  expect(answer.headers.get('connection')).toBe('close')
  await client.closed
  expect((await ask('/livez')).status).toBe(200)
  expect(faults).toEqual([])
})

test.each([
  ...['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:8002'],
  ...['localhost@evil.example', 'localhost:8002.evil.example', '127.0.0.2', '0.0.0.0', '[::1', ''],
])('createAdminApi() refuses Host %j, whatever is asked, and asks no source', async (host) => {
  const asked: string[] = []
  const { ask } = await start({
    metrics: async () => `${asked.push('metrics')}`,
    readiness: () => ({ asked: `${asked.push('readiness')}` }),
  })
  for (const target of [...PATHS, '/nothing', '/%zz']) {
    expectProblem(await ask(target, { host }), 'FORBIDDEN')
    expectProblem(await ask(target, { host, method: 'POST', body: '' }), 'FORBIDDEN')
  }
  expect(asked).toEqual([])
})

test.each(['localhost', 'LocalHost:8002', '127.0.0.1', '127.0.0.1:1', '[::1]', '[::1]:65535'])(
  'createAdminApi() serves Host %s',
  async (host) => {
    const { ask } = await start()
    expect((await ask('/livez', { host })).status).toBe(200)
  },
)

const SECRET = 'the password is xyzzy'
const fail = (): never => {
  throw new Error(SECRET)
}

test.each([
  ['/api/v1/status?a=1', { status: async () => fail() }],
  ['/api/v1/models', { models: fail }],
  ['/metrics', { metrics: async () => fail() }],
  ['/readyz?verbose', { readiness: fail }],
  [
    '/api/v1/models',
    {
      models: () => {
        throw new GatewayError('PORT_IN_USE', SECRET)
      },
    },
  ],
])(
  'createAdminApi() answers %s with 500 and tells onFault when its source throws',
  async (target, source) => {
    const { ask, faults } = await start(source)
    const answer = await ask(target)
    expectProblem(answer, 'INTERNAL')
    expect(answer.body).not.toContain(SECRET)
    expect(faults).toMatchObject([{ thrown: { message: SECRET }, path: target.split('?')[0] }])
    expect((await ask('/livez')).status).toBe(200)
  },
)

test('OPENAPI lists exactly the routes that answer, with their types', async () => {
  const { ask } = await start()
  const { body: page } = await ask('/')
  const linked = [...page.matchAll(/href="([^"?]+)/g)].map(([, path]) => path!)
  const listed = Object.entries(OPENAPI.paths)
  const gets = listed.flatMap(([path, item]) => ('get' in item ? [{ path, get: item.get }] : []))
  const paths = gets.map(({ path }) => path)
  expect([...paths].sort()).toEqual([...linked].sort())
  // The page itself is for people.
  expect([...paths, '/'].sort()).toEqual([...PATHS].sort())
  expect(listed.map(([path]) => path).filter((path) => !paths.includes(path))).toEqual(POSTS)
  for (const { path, get } of gets) {
    const { status, headers } = await ask(path)
    const { content } = (get.responses as Record<number, { content: object }>)[status]!
    expect(Object.keys(content)).toContain(headers.get('content-type')!.split(';')[0])
  }
  const schemas = [...JSON.stringify(OPENAPI).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)]
  for (const [, name] of schemas) expect(Object.keys(OPENAPI.components.schemas)).toContain(name)
})

test('listen() says PORT_IN_USE when another program has the port, and which', async () => {
  const { port } = await start()
  const second = createAdminApi({ host: HOST, port }, {} as AdminSources)
  const failure = await second.listen().catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({ name: 'GatewayError', code: 'PORT_IN_USE' })
  const { message } = failure as GatewayError
  expect(message).toContain(`Port ${port} on ${HOST} is in use by node `)
  expect(message).toContain(
    `(pid ${process.pid}); stop it, or choose another port: --control-port 0`,
  )
})

test('listen() says CONFIG_INVALID for an address that is not of this machine', async () => {
  const api = createAdminApi({ host: '192.0.2.1', port: 0 }, {} as AdminSources)
  await expect(api.listen()).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('no such address'),
  })
})

test('listen() takes the port that it is given, and close() ends every connection', async () => {
  const port = await findFreePort()
  const api = createAdminApi({ host: HOST, port }, {} as AdminSources)
  expect(await api.listen()).toEqual({ host: HOST, port })
  const [idle, unfinished] = [await RawClient.open(port), await RawClient.open(port)]
  await idle.send('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
  expect(await idle.answer()).toMatchObject({ status: 200 })
  await unfinished.send('GET /livez HTTP/1.1\r\nhost:')
  await api.close()
  await Promise.all([idle.closed, unfinished.closed])
  const next = createAdminApi({ host: HOST, port }, {} as AdminSources)
  expect(await next.listen()).toEqual({ host: HOST, port })
  await next.close()
})
