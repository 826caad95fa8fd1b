/**
 * The HTTP servers of control: on :8002, for this machine only, metrics, health and the admin API;
 * on `metrics.listen`, for others too, metrics and health alone.
 */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ListenAddress } from '../../config/config.ts'
import { ERRORS, type ErrorCode } from '../../shared/errors.ts'
import { PROBLEM_TYPE, problemJson } from '../../shared/problem.ts'
import { VERSION } from '../../shared/version.ts'
import { METRICS_TYPES, type MetricsFormat } from '../figures/metrics.ts'
import { metricsFormat } from '../figures/metrics-format.ts'
import { listenFailure } from '../replicas/port-guard.ts'
import type { RestartStatus } from '../replicas/rolling-restart.ts'
import { OPENAPI } from './admin-openapi.ts'
import type { ModelsDocument, StatusDocument } from './status-document.ts'

export interface AdminSources {
  status(): Promise<StatusDocument>
  models(): Promise<ModelsDocument>
  /** Begins a rolling restart, or joins the one that is under way. */
  restart(): RestartStatus
  metrics(format: MetricsFormat): Promise<string>
  /** Checks by name; null: fine, else why not. */
  readiness(): Readonly<Record<string, string | null>>
  /** A source threw; the client is told nothing but INTERNAL. */
  onFault(thrown: unknown, path: string): void
}

/** What the metrics server is asked for. */
export type MetricsSources = Pick<AdminSources, 'metrics' | 'readiness' | 'onFault'>

export interface ControlServer {
  /** Resolves with where it is. Rejects with PORT_IN_USE; CONFIG_INVALID: an impossible address. */
  listen(): Promise<ListenAddress>
  close(): Promise<void>
}

const BODY_BYTES_MAX = 64 * 1024
/** From its first byte to its last. */
const REQUEST_MS_MAX = 10_000
/** Each takes a descriptor, which control needs for its replicas. */
const CONNECTIONS_MAX = 128

/**
 * A browser page of another origin can reach loopback by a name of its own (DNS rebinding): only
 * names of loopback are served.
 */
const isLoopbackHost = (host: string): boolean =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host)

/**
 * A page of another origin can have a browser send a POST without asking first: what changes
 * something is refused to every page but our own. Clients that are no browsers send no Origin.
 */
const isForeignPage = ({ method, headers }: FastifyRequest): boolean => {
  const { origin, host = '' } = headers
  return !/^(?:GET|HEAD)$/.test(method) && origin !== undefined && origin !== `http://${host}`
}

type Hints = { readonly [Code in ErrorCode]?: string }

/** @param contents what to ask for instead of what is not here */
const hintsOf = (contents: string): Hints => ({
  FORBIDDEN: 'Use localhost, 127.0.0.1 or [::1] in the URL',
  ROUTE_NOT_FOUND: contents,
  REQUEST_MALFORMED: contents,
  BODY_TOO_LARGE: 'Nothing here takes a body',
})

/** What makes one server another than its neighbour. */
interface Server {
  readonly address: ListenAddress
  /** What the command line takes for a free port. */
  readonly freePort: string
  /** Whether a Host header must name loopback. */
  readonly isLoopbackOnly: boolean
  readonly hints: Hints
  readonly onFault: AdminSources['onFault']
}

type Refuse = (reply: FastifyReply, code: ErrorCode, detail: string) => FastifyReply

const refuserWith =
  (hints: Hints): Refuse =>
  (reply, code, detail) =>
    reply
      .code(ERRORS[code].http)
      .header('content-type', PROBLEM_TYPE)
      .header('x-sluice-error', code)
      .send(problemJson({ code, detail }, { hint: hints[code] }))

/** What Node's parser refuses, by its error code; everything else is 400. */
const PARSER_REFUSALS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come to its end'],
}

/** Answers what is no request: no hook and no handler sees it. */
const refuseBytes = (
  { code = '' }: NodeJS.ErrnoException,
  socket: Socket,
  { REQUEST_MALFORMED: hint }: Hints,
): void => {
  if (!socket.writable || code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, detail] = PARSER_REFUSALS[code] ?? [400, 'This is no HTTP request']
  const refusal = { code: 'REQUEST_MALFORMED', detail } as const
  const body = problemJson(refusal, { status, hint })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_TYPE}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-sluice-error: ${refusal.code}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Kubernetes' form: one line a check with `?verbose`, else one word. */
const healthText = (checks: Readonly<Record<string, string | null>>, isVerbose: boolean) => {
  const failed = Object.values(checks).some((why) => why !== null)
  if (!isVerbose) return failed ? 'not ready\n' : 'ok\n'
  const lines = Object.entries(checks).map(([name, why]) =>
    why === null ? `[+]${name} ok` : `[-]${name} failed: ${why}`,
  )
  return `${lines.join('\n')}\n${failed ? 'not ready' : 'ok'}\n`
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sluice</title>
<h1>Sluice ${VERSION}</h1><p>The console comes with a later release. What is here:</p><ul>
<li><a href="/api/v1/status">/api/v1/status</a> <li><a href="/api/v1/models">/api/v1/models</a>
<li><a href="/metrics">/metrics</a> <li><a href="/livez">/livez</a>
<li><a href="/readyz?verbose">/readyz?verbose</a>
<li><a href="/api/v1/openapi.json">/api/v1/openapi.json</a></ul></html>
`

/** What a scraper and a probe ask. */
const addMetricsRoutes = (app: FastifyInstance, sources: MetricsSources): void => {
  app.get('/metrics', async (request, reply) => {
    const format = metricsFormat(request.headers.accept)
    reply.header('content-type', METRICS_TYPES[format]).header('vary', 'accept')
    return sources.metrics(format)
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
}

const addAdminRoutes = (app: FastifyInstance, sources: AdminSources): void => {
  app.get('/api/v1/status', async () => sources.status())
  app.get('/api/v1/models', async () => sources.models())
  app.post('/api/v1/restart', async (_, reply) => reply.code(202).send(sources.restart()))
  app.get('/api/v1/openapi.json', async () => OPENAPI)
  app.get('/', async (_, reply) => reply.type('text/html').send(PAGE))
}

const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] ?? ''

/** What comes first, whatever is asked: headers of every answer; foreign hosts are refused. */
const admit = (
  request: FastifyRequest,
  reply: FastifyReply,
  { isLoopbackOnly }: Server,
  refuse: Refuse,
): FastifyReply | undefined => {
  // Figures of a moment: no cache may answer for us, and no browser may guess another type.
  reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
  if (!isLoopbackOnly) return undefined
  if (!isLoopbackHost(request.headers.host ?? '')) {
    return refuse(reply, 'FORBIDDEN', 'The Host header names no loopback address')
  }
  if (!isForeignPage(request)) return undefined
  return refuse(reply, 'FORBIDDEN', 'Pages of other origins may change nothing here')
}

const MALFORMED = 'The request is malformed'

/** Everything that is no answer of a route. */
const addRefusals = (app: FastifyInstance, server: Server, refuse: Refuse): void => {
  app.addHook('onRequest', async (request, reply) => admit(request, reply, server, refuse))
  app.setNotFoundHandler((request, reply) => {
    const url = pathOf(request)
    const method = ['GET', 'POST'].find((each) => app.hasRoute({ url, method: each }))
    if (method === undefined) return refuse(reply, 'ROUTE_NOT_FOUND', 'No such path')
    reply.header('allow', method === 'GET' ? 'GET, HEAD' : method)
    return refuse(reply, 'METHOD_NOT_ALLOWED', `This path takes no such method; use ${method}`)
  })
  app.setErrorHandler((error: { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500
    if (status === 413) return refuse(reply, 'BODY_TOO_LARGE', 'The body is too large')
    if (status >= 400 && status < 500) return refuse(reply, 'REQUEST_MALFORMED', MALFORMED)
    server.onFault(error, pathOf(request))
    return refuse(reply, 'INTERNAL', 'Internal error')
  })
}

const listen = async (
  app: FastifyInstance,
  { address, freePort }: Server,
): Promise<ListenAddress> => {
  try {
    await app.listen({ ...address, exclusive: true })
  } catch (thrown) {
    throw listenFailure(thrown, { ...address, freePort }) ?? thrown
  }
  const bound = app.server.address()
  const isBound = typeof bound === 'object' && bound !== null
  return { host: address.host, port: isBound ? bound.port : address.port }
}

/** Builds a server; nothing listens before `listen`. */
const createServer = (server: Server, addRoutes: (app: FastifyInstance) => void): ControlServer => {
  const refuse = refuserWith(server.hints)
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    http: { headersTimeout: REQUEST_MS_MAX },
    logger: false,
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => refuseBytes(error, socket, server.hints),
    // A path that cannot be decoded: no hook and no handler sees it.
    frameworkErrors: (_, request, reply) => {
      if (admit(request, reply, server, refuse) !== undefined) return
      refuse(reply, 'REQUEST_MALFORMED', MALFORMED)
    },
  })
  app.server.maxConnections = CONNECTIONS_MAX
  addRefusals(app, server, refuse)
  addRoutes(app)
  return { listen: () => listen(app, server), close: () => app.close() }
}

/** The server of the control port. `host` must be an address of loopback; port 0: a free one. */
export const createAdminApi = (address: ListenAddress, sources: AdminSources): ControlServer =>
  createServer(
    {
      ...{ address, freePort: '--control-port 0', isLoopbackOnly: true, onFault: sources.onFault },
      hints: hintsOf('GET /api/v1/openapi.json lists what is here'),
    },
    (app) => {
      addMetricsRoutes(app, sources)
      addAdminRoutes(app, sources)
    },
  )

/**
 * The server of `metrics.listen`, on any address: `/metrics`, `/livez` and `/readyz`, whatever the
 * Host header says. Nothing that it serves changes anything. Port 0: a free one.
 */
export const createMetricsServer = (
  address: ListenAddress,
  sources: MetricsSources,
): ControlServer => {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const freePort = `--metrics-listen ${host}:0`
  return createServer(
    {
      ...{ address, freePort, isLoopbackOnly: false, onFault: sources.onFault },
      hints: hintsOf('Here are /metrics, /livez and /readyz; all else is on the control port'),
    },
    (app) => addMetricsRoutes(app, sources),
  )
}
