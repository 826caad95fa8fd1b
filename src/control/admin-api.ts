/** The control server on :8002: metrics, health and the read-only part of the admin API. */

import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { GatewayError } from '../shared/errors.ts'
import { VERSION } from '../shared/version.ts'
import type { ModelsDocument, StatusDocument } from './status-document.ts'

export interface AdminSources {
  status(): Promise<StatusDocument>
  models(): ModelsDocument
  metrics(): Promise<string>
  /** Checks by name; null: fine, else why not. */
  readiness(): Readonly<Record<string, string | null>>
}

export interface AdminApi {
  /** Resolves with the port. Rejects with PORT_IN_USE. */
  listen(): Promise<number>
  close(): Promise<void>
}

const BODY_BYTES_MAX = 1024 * 1024
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * A browser page of another origin can reach loopback by a name of its own (DNS rebinding): only
 * names of loopback are served.
 */
const isLoopbackHost = (host: string): boolean =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host)

const PROBLEM_TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
}

const problem = (reply: FastifyReply, status: number, code: string, detail: string) =>
  reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .header('x-sluice-error', code)
    .send({
      type: `docs/reference/errors.md#${code}`,
      title: PROBLEM_TITLES[status] ?? 'Internal Server Error',
      status,
      detail,
      code,
      retryable: false,
    })

/** Kubernetes' form: one line a check with `?verbose`, else one word. */
const healthText = (checks: Readonly<Record<string, string | null>>, isVerbose: boolean) => {
  const failed = Object.values(checks).some((why) => why !== null)
  if (!isVerbose) return failed ? 'not ready\n' : 'ok\n'
  const lines = Object.entries(checks).map(([name, why]) =>
    why === null ? `[+]${name} ok` : `[-]${name} failed: ${why}`,
  )
  return `${lines.join('\n')}\n${failed ? 'not ready' : 'ok'}\n`
}

const OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'Sluice control API', version: VERSION },
  paths: {
    '/metrics': { get: { summary: 'Metrics in Prometheus text format', responses: { 200: {} } } },
    '/livez': { get: { summary: 'Control answers', responses: { 200: {} } } },
    '/readyz': {
      get: {
        summary: 'Every endpoint with traffic can be answered; `?verbose` lists the checks',
        responses: { 200: {}, 503: {} },
      },
    },
    '/api/v1/status': { get: { summary: 'Replicas, endpoints, warnings', responses: { 200: {} } } },
    '/api/v1/models': {
      get: { summary: 'Models, versions and their states', responses: { 200: {} } },
    },
  },
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sluice</title>
<h1>Sluice ${VERSION}</h1><p>The console comes with a later release. What is here:</p><ul>
<li><a href="/api/v1/status">/api/v1/status</a> <li><a href="/api/v1/models">/api/v1/models</a>
<li><a href="/metrics">/metrics</a> <li><a href="/readyz?verbose">/readyz?verbose</a>
<li><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></ul></html>
`

const addRoutes = (app: FastifyInstance, sources: AdminSources): void => {
  app.get('/metrics', async (_, reply) => {
    reply.header('content-type', METRICS_TYPE)
    return sources.metrics()
  })
  app.get('/livez', async (_, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/readyz', async (request, reply) => {
    const checks = sources.readiness()
    const isReady = Object.values(checks).every((why) => why === null)
    const isVerbose = Object.hasOwn(request.query as object, 'verbose')
    return reply
      .code(isReady ? 200 : 503)
      .type('text/plain')
      .send(healthText(checks, isVerbose))
  })
  app.get('/api/v1/status', async () => sources.status())
  app.get('/api/v1/models', async () => sources.models())
  app.get('/api/v1/openapi.json', async () => OPENAPI)
  app.get('/', async (_, reply) => reply.type('text/html').send(PAGE))
}

/** Builds the server; nothing listens before `listen`. Only loopback addresses are accepted. */
export const createAdminApi = (
  address: { host: string; port: number },
  sources: AdminSources,
): AdminApi => {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false, forceCloseConnections: true })
  app.addHook('onRequest', async (request, reply) => {
    if (isLoopbackHost(request.headers.host ?? '')) return undefined
    return problem(reply, 403, 'FORBIDDEN', 'The Host header names no loopback address')
  })
  app.setNotFoundHandler((request, reply) => {
    const known = app.hasRoute({ url: request.url.split('?')[0]!, method: 'GET' })
    return known
      ? problem(reply.header('allow', 'GET, HEAD'), 405, 'METHOD_NOT_ALLOWED', 'Use GET')
      : problem(reply, 404, 'ROUTE_NOT_FOUND', 'No such path')
  })
  app.setErrorHandler((error: { statusCode?: number }, _, reply) => {
    const status = error.statusCode ?? 500
    const isTheirs = status >= 400 && status < 500
    return isTheirs
      ? problem(reply, status, 'REQUEST_MALFORMED', 'The request is malformed')
      : problem(reply, 500, 'INTERNAL', 'Internal error')
  })
  addRoutes(app, sources)
  return {
    listen: async () => {
      try {
        await app.listen({ host: address.host, port: address.port, exclusive: true })
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw thrown
        const detail = `Another program listens on ${address.host}:${address.port} (--control-port)`
        throw new GatewayError('PORT_IN_USE', detail, { cause: thrown })
      }
      const bound = app.server.address()
      return typeof bound === 'object' && bound !== null ? bound.port : address.port
    },
    close: () => app.close(),
  }
}
