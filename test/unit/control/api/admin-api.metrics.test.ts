import { METHODS } from 'node:http'
import { expect, test } from 'vitest'
import {
  type AdminSources,
  createAdminApi,
  createMetricsServer,
} from '../../../../src/control/api/admin-api.ts'
import { OPENAPI } from '../../../../src/control/api/admin-openapi.ts'
import type { GatewayError } from '../../../../src/shared/errors.ts'
import { expectProblem, HOST, startControlServer } from '../../../helpers/control-server.ts'
import { RawClient } from '../../../helpers/raw-client.ts'

const start = (more: Partial<AdminSources> = {}) => startControlServer(createMetricsServer, more)

const PATHS = ['/metrics', '/livez', '/readyz']

test.each([...['/metrics', '/livez', '/readyz', '/readyz?verbose']])(
  'createMetricsServer() answers GET and HEAD %s as the control port does',
  async (target) => {
    const readiness = () => ({ disk: null, endpoints: 'draining' })
    const [own, control] = [
      await start({ readiness }),
      await startControlServer(createAdminApi, { readiness }),
    ]
    for (const method of ['GET', 'HEAD']) {
      for (const accept of ['*/*', 'application/openmetrics-text']) {
        const question = { method, headers: { accept } }
        const [answer, wanted] = [
          await own.ask(target, question),
          await control.ask(target, question),
        ]
        const lasting = ({ headers }: typeof answer) =>
          [...headers].filter(([name]) => name !== 'date')
        expect({ ...answer, headers: lasting(answer) }).toEqual({
          ...wanted,
          headers: lasting(wanted),
        })
      }
    }
  },
)

test('createMetricsServer() answers 404 to all else of the control port, and asks no source', async () => {
  const asked: string[] = []
  const { ask } = await start({
    status: async () => asked.push('status') as never,
    models: () => asked.push('models') as never,
  })
  const others = Object.keys(OPENAPI.paths).filter((path) => !PATHS.includes(path))
  expect(others).toContain('/api/v1/status')
  for (const target of ['/', '/api', '/api/v1/other', '/metrics/', '/METRICS', ...others]) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      expectProblem(await ask(target, { method }), 'ROUTE_NOT_FOUND')
    }
  }
  const { hint } = JSON.parse((await ask('/api/v1/status')).body)
  expect(hint).toBe('Here are /metrics, /livez and /readyz; all else is on the control port')
  expect(asked).toEqual([])
})

test.each(PATHS)('createMetricsServer() takes %s by GET and HEAD only', async (path) => {
  const { ask } = await start()
  const others = METHODS.filter((method) => !['GET', 'HEAD', 'CONNECT'].includes(method))
  for (const method of others) {
    const answer = await ask(path, { method, headers: { 'content-type': 'text/plain' }, body: '' })
    expectProblem(answer, 'METHOD_NOT_ALLOWED')
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
  }
})

test.each(['prometheus.example:8003', '10.0.0.7', '[fe80::1]:8003', 'a b', ''])(
  'createMetricsServer() serves Host %j',
  async (host) => {
    const { ask } = await start()
    for (const path of PATHS) expect((await ask(path, { host })).status).toBe(200)
  },
)

test('createMetricsServer() refuses large bodies, large headers and what is malformed', async () => {
  const { ask, faults } = await start()
  const headers = { 'content-type': 'text/plain' }
  const body = 'x'.repeat(64 * 1024 + 1)
  expectProblem(await ask('/metrics', { method: 'POST', headers, body }), 'BODY_TOO_LARGE')
  const long = { 'x-long': 'v'.repeat(16 * 1024) }
  expectProblem(await ask('/metrics', { headers: long }), 'REQUEST_MALFORMED', 431)
  const malformed = await ask('/%zz')
  expectProblem(malformed, 'REQUEST_MALFORMED')
  expect(malformed.body).toContain('all else is on the control port')
  expect((await ask('/livez')).status).toBe(200)
  expect(faults).toEqual([])
})

test('createMetricsServer() tells onFault what a source threw, and the client nothing', async () => {
  const metrics = async () => {
    throw new Error('the password is xyzzy')
  }
  const { ask, faults } = await start({ metrics })
  const answer = await ask('/metrics?a=1')
  expectProblem(answer, 'INTERNAL')
  expect(answer.body).not.toContain('xyzzy')
  expect(faults).toMatchObject([{ thrown: { message: 'the password is xyzzy' }, path: '/metrics' }])
})

test('createMetricsServer() holds 128 connections, and takes another when one has gone', async () => {
  const { port, ask } = await start()
  const clients: RawClient[] = []
  for (let i = 0; i < 128; i++) clients.push(await RawClient.open(port))
  const [first, last] = [clients[0]!, clients[127]!]
  const question = `GET /livez HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`
  await last.send(question)
  expect((await last.answer()).status).toBe(200)
  const refused = await RawClient.open(port)
  await refused.closed
  expect(refused.received).toBe('')
  await first.send(question.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
  await first.closed
  expect((await ask('/livez')).status).toBe(200)
})

test('listen() of the metrics server names its own flag when the port is taken', async () => {
  const { port } = await startControlServer(createAdminApi)
  const second = createMetricsServer({ host: HOST, port }, {} as AdminSources)
  const failure: unknown = await second.listen().catch((thrown: unknown) => thrown)
  expect(failure).toMatchObject({ name: 'GatewayError', code: 'PORT_IN_USE' })
  const { message } = failure as GatewayError
  expect(message).toContain(`Port ${port} on ${HOST} is in use by node `)
  expect(message).toContain('stop it, or choose another port: --metrics-listen 127.0.0.1:0 takes')
  await second.close()
})

test('listen() takes an IPv6 address, and says which port it got', async () => {
  const server = createMetricsServer({ host: '::1', port: 0 }, {} as AdminSources)
  const { host, port } = await server.listen()
  expect([host, port > 0]).toEqual(['::1', true])
  const answer = await fetch(`http://[::1]:${port}/livez`)
  expect(await answer.text()).toBe('ok\n')
  await server.close()
  await expect(fetch(`http://[::1]:${port}/livez`)).rejects.toThrow()
})
