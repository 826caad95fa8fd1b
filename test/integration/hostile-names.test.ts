/**
 * Names, ids and paths that mean something to somebody: to headers, to logs, to terminals, to
 * JavaScript. After L0_http_fuzz of Triton: every method on every path.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { outcomeOf, RawClient } from '../helpers/raw-client.ts'

const METHODS = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'],
]

const MODELS = ['flight-delay', 'nosuch', '__proto__', 'constructor', 'toString', '%00', '..%2f..']
const VERSIONS = [
  '',
  '/versions/1',
  '/versions/0',
  '/versions/-1',
  '/versions/99999999999999999999',
]
const ACTIONS = [
  '',
  '/ready',
  '/infer',
  '/config',
  '/stats',
  '/generate',
  '/trace/setting',
  '/nosuch',
]

const PATHS = [
  ...['/', '//', '/v2', '/v2/', '/v2/health/live', '/v2/health/ready', '/v2/models', '/v2/models/'],
  ...['/v2/models/stats', '/v2/repository/index', '/v2/logging', '/v2/trace/setting', '/v2/nosuch'],
  ...['/v2/systemsharedmemory/status', '/v2/cudasharedmemory/region/a/register'],
  ...[
    '/predict',
    '/predict/',
    '/feedback',
    '/livez',
    '/readyz',
    '/openapi.json',
    '/docs',
    '/metrics',
  ],
  ...['/v1', '/v1/models', '/v1/models/', '/%', '/%zz', '/%2e%2e/%2e%2e/etc/passwd', '/..;/'],
  ...['/predict?x=%00', '/v2/models/flight-delay/infer/../ready', `/${'a/'.repeat(2000)}`],
  ...MODELS.flatMap((model) => [
    ...VERSIONS.flatMap((version) => {
      return ACTIONS.map((action) => `/v2/models/${model}${version}${action}`)
    }),
    ...[`/v1/models/${model}`, `/v1/models/${model}:predict`, `/v1/models/${model}:nosuch`],
    ...[`/predict/${model}`, `/v2/repository/models/${model}/load`],
    `/v1/models/${model}/versions/1:predict`,
  ]),
]

/** What is documented: docs/reference/errors.md. */
const STATUSES: readonly number[] = [
  ...[200, 204, 304, 400, 403, 404, 405, 411, 413, 415, 422, 501, 503],
]

/** Paths of files, stacks and addresses. */
const INTERNAL =
  /\/home|\/tmp|\/src\/|node_modules|\.ts\b|\bat \S+ \(|:\d+:\d+\)|127\.0\.0\.1|0x[0-9a-f]{6}/

/** One line of header: visible ASCII and blanks. */
const HEADER_LINE = /^[!#$%&'*+.^_`|~0-9a-z-]+: [\x20-\x7e]*$/i

/** Text that ends lines, moves cursors, or is half a character. */
const ODD_TEXTS: readonly string[] = [
  ...[
    'a\r\nx-injected: 1',
    'a\nx-injected: 1',
    'a\rx-injected: 1',
    '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  ],
  ...['\u001b[31mred\u001b[0m', '\u2028', '\u2029', '\u0085', '\0', '\ufeff', '\u202ereversed'],
  ...['\ud800', '\udfff', '😀', '%0d%0ax-injected:%201', '"}\n{"level":60'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' ', 'x'.repeat(500)],
]

const json = (value: unknown): string => JSON.stringify(value)

const { origin: _, ...REST } = FLIGHT

/** Requests that carry a text in every place that there is for one. */
const carriers = (text: string): string[] => {
  const name = json(text)
  const encoded = encodeURIComponent(text.toWellFormed())
  const numeric = json({ name: 'numeric', datatype: 'FP32', shape: [1, 13], data: [] })
  const bodies: [path: string, body: string][] = [
    ['/predict', `{"features":${json(FLIGHT)},"request_id":${name}}`],
    ['/predict', `{"features":{${name}:1}}`],
    ['/predict', `{${name}:1}`],
    ['/predict', `{"features":{"origin":${name},${json(REST).slice(1)}}`],
    ['/v2/models/flight-delay/infer', `{"id":${name},"inputs":[${numeric}]}`],
    ['/v2/models/flight-delay/infer', `{"inputs":[{"name":${name}}]}`],
    ['/v2/models/flight-delay/infer', `{"outputs":[{"name":${name}}],"inputs":[]}`],
    ['/v2/models/flight-delay/infer', `{"parameters":{${name}:1},"inputs":[]}`],
    ['/v1/models/flight-delay:predict', `{"signature_name":${name},"instances":[]}`],
    [`/predict/${encoded}`, '{}'],
    [`/v2/models/${encoded}/infer`, '{}'],
    [`/v2/models/flight-delay/versions/${encoded}/infer`, '{}'],
  ]
  return bodies.map(([path, body]) => {
    const length = Buffer.byteLength(body)
    return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n${body}`
  })
}

/** The same text as a header and in a path as it is, where a parser may refuse it. */
const rawCarriers = (text: string): string[] => [
  `POST /predict HTTP/1.1\r\nhost: a\r\nx-request-id: ${text}\r\ncontent-length: 2\r\n\r\n{}`,
  `POST /predict HTTP/1.1\r\nhost: a\r\n${text}: a\r\ncontent-length: 2\r\n\r\n{}`,
  `POST /v2/models/${text}/infer HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`,
  `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-encoding: ${text}\r\ncontent-length: 2\r\n\r\n{}`,
]

const RAW = rawCarriers('').length

/** Sends a request; all that comes back, as latin1. */
const received = async (port: number, message: string): Promise<string> => {
  const client = await RawClient.open(port)
  await client.send(message)
  await Promise.race([client.closed, client.answer(message.startsWith('HEAD')).catch(() => {})])
  client.socket.destroy()
  await client.closed
  return client.everything
}

describe.each(['uws', 'node'])('on %s', (engine) => {
  let gateway: TestGateway
  beforeAll(async () => {
    const flags = ['--http', engine]
    gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, flags })
  })

  const expectGood = async () => {
    const good = await gateway.post('/predict', { features: FLIGHT })
    expect(good.status).toBe(200)
    await good.arrayBuffer()
  }

  test.each(METHODS)('%s has a documented answer on every path', async (method) => {
    for (const path of PATHS) {
      const head = `${method} ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`
      const text = await received(gateway.httpPort, head)
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1])
      expect(STATUSES, `${method} ${path}: ${text}`).toContain(status)
      expect(text).not.toMatch(INTERNAL)
    }
    await expectGood()
  })

  test('no text becomes a header, a second answer or a word about ourselves', async () => {
    for (const text of ODD_TEXTS) {
      const messages = [...carriers(text), ...rawCarriers(text)]
      for (const [i, message] of messages.entries()) {
        // What a parser may wait for more of is told that there is none.
        const isRaw = i >= messages.length - RAW
        const answer = isRaw
          ? (await outcomeOf(gateway.httpPort, message)).text
          : await received(gateway.httpPort, message)
        if (answer === '') continue // closed as malformed
        const [head = ''] = answer.split('\r\n\r\n', 1)
        const [statusLine, ...lines] = head.split('\r\n')
        expect(statusLine, message).toMatch(/^HTTP\/1\.1 (200|4\d\d|505) /)
        for (const line of lines) expect(line, message).toMatch(HEADER_LINE)
        expect(head.toLowerCase(), message).not.toContain('x-injected')
        expect(answer.slice(head.length), message).not.toMatch(INTERNAL)
      }
      await expectGood()
    }
  })

  test('every line of the logs is JSON without control characters', () => {
    const folder = join(gateway.stateDir, 'logs')
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    const lines = [gateway.stderr, ...texts]
      .join('\n')
      .split('\n')
      .filter((line) => line !== '')
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      expect(() => JSON.parse(line), line).not.toThrow()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are looked for
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
    }
  })
})
