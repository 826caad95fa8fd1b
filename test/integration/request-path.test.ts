/** The request path of whole gateways on both HTTP engines: values, counts, bytes of any kind. */

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { labelsOf, nameOf, parseExposition } from '../helpers/exposition.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity, slow } from '../helpers/models.ts'
import { outcomeOf, RawClient } from '../helpers/raw-client.ts'
import { makeRepository } from '../helpers/repository.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { get, post } from '../helpers/suites/http-engine-harness.ts'
import { until } from '../helpers/until.ts'

const BODY_BYTES_MAX = 4096
const BUDGET_BYTES = 65_536

const env = {
  SLUICE_LIMITS__BODY_BYTES_MAX: String(BODY_BYTES_MAX),
  SLUICE_LIMITS__BODY_BYTES_IN_FLIGHT_MAX: String(BUDGET_BYTES),
}

const infer = (model: string) => `/v2/models/${model}/infer`

const oip = (datatype: string, data: string) =>
  `{"inputs":[{"name":"x","shape":[1,2],"datatype":"${datatype}","data":[${data}]}]}`

/** What a gateway may say: ours, and what an engine says by itself. */
const LISTED = [200, 400, 403, 404, 405, 408, 413, 415, 431, 503, 505]

describe.each([
  ['uws', 'inline'],
  ['node', 'inline'],
  ['uws', 'pooled'],
])('on %s, placed %s', (engine, placement) => {
  let gateway: TestGateway
  beforeAll(async () => {
    const repository = makeRepository({
      'longs/1/model.onnx': identity('INT64'),
      'longs/model.yaml': `placement: ${placement}\n`,
      'unsigned/1/model.onnx': identity('UINT64'),
      'unsigned/model.yaml': `placement: ${placement}\n`,
      'slow/1/model.onnx': slow(4),
      'slow/model.yaml': `placement: ${placement}
dynamic_batching:
  max_queue_delay_microseconds: 20000
`,
    })
    const computeThreads = { SLUICE_SERVER__COMPUTE_THREADS: '2' }
    const flags = ['--http', engine]
    gateway = await startGateway({ repository, flags, env: { ...env, ...computeThreads } })
  })

  const expectGood = async () => {
    const response = await gateway.post(infer('longs'), oip('INT64', '1,2'))
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('"data":[1,2]'),
    ])
  }

  test.each([
    ['longs', 'INT64', '-9223372036854775808,9223372036854775807'],
    ['longs', 'INT64', '9007199254740993,-9007199254740993'],
    ['unsigned', 'UINT64', '18446744073709551615,0'],
  ])('64 bits go in and out of %s (%s) as they are: %s', async (model, datatype, data) => {
    const response = await gateway.post(infer(model), oip(datatype, data))
    expect(await response.text()).toContain(`"data":[${data}]`)
    const features = await gateway.post(`/predict/${model}`, `{"features":[${data}]}`)
    expect(await features.text()).toContain(`"outputs":{"y":[${data}]}`)
    const rows = await gateway.post(`/v1/models/${model}:predict`, `{"instances":[[${data}]]}`)
    expect(await rows.text()).toBe(`{"predictions":[[${data}]]}`)
    const pinned = `/v1/models/${model}/versions/1:predict`
    const columns = await gateway.post(pinned, `{"inputs":{"x":[[${data}]]}}`)
    expect(await columns.text()).toBe(`{"outputs":[[${data}]]}`)
  })

  test.each([
    ['longs', 'INT64', '9223372036854775808,0', "Element 0 of input 'x' is beyond the range"],
    ['longs', 'INT64', '0,9007199254740990.6', "Element 1 of input 'x' wants an integer"],
    ['unsigned', 'UINT64', '0,-1', "Element 1 of input 'x' is beyond the range"],
  ])('%s (%s) refuses %s, by name and place', async (model, datatype, data, detail) => {
    const response = await gateway.post(infer(model), oip(datatype, data))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.stringContaining(detail) })
  })

  test('bodies that together exceed the budget are refused, and it is given back', async () => {
    const body = oip('INT64', '1,2').padEnd(BODY_BYTES_MAX)
    const message = post(infer('longs'), body)
    const half = message.length - BODY_BYTES_MAX / 2
    // One replica of two gets at least half of them, and has room for 16.
    const clients = await Promise.all(
      Array.from({ length: 40 }, () => RawClient.open(gateway.httpPort)),
    )
    for (const client of clients) await client.send(message.slice(0, half))
    // A thread has read what it was sent once it answers somebody who came later.
    for (let i = 0; i < 20; i++) await outcomeOf(gateway.httpPort, get('/livez'))
    for (const client of clients) await client.send(message.slice(half))
    const answers = await Promise.all(clients.map((client) => client.answer()))
    const codes = answers.map(({ headers }) => headers.get('x-sluice-error') ?? 'ok')
    expect(codes.filter((code) => code === 'BODY_BUDGET_EXHAUSTED').length).toBeGreaterThan(0)
    expect(new Set(codes)).toEqual(new Set(['ok', 'BODY_BUDGET_EXHAUSTED']))
    for (const client of clients) client.socket.destroy()
    for (let i = 0; i < 40; i++) {
      const response = await gateway.post(infer('longs'), body)
      expect([response.status, await response.json()]).toEqual([200, expect.anything()])
    }
  })

  const countsOf = async (endpoint: string): Promise<Record<string, number>> => {
    const found: Record<string, number> = {}
    for (const [series, value] of parseExposition(await gateway.metrics()).series) {
      const labels = labelsOf(series)
      if (nameOf(series) !== 'sluice_requests_total' || labels.get('endpoint') !== endpoint)
        continue
      const reason = labels.get('reason') || labels.get('outcome')!
      found[reason] = (found[reason] ?? 0) + value
    }
    return found
  }

  const sumOf = async (metric: string): Promise<number> => {
    const { series } = parseExposition(await gateway.metrics())
    return [...series].reduce(
      (sum, [name, value]) => sum + (nameOf(name) === metric ? value : 0),
      0,
    )
  }

  test('what is answered, refused and aborted adds up to what was sent', async () => {
    const good = post('/predict/slow', '{"features":[1,2]}')
    const bad = post('/predict/slow', '{"features":[1]}')
    const before = await countsOf('')
    const send = async (text: string, isLeaving: boolean) => {
      const client = await RawClient.open(gateway.httpPort)
      client.socket.write(text)
      // What was sent before the end is read before it: a reset would throw it away.
      if (isLeaving) client.socket.end()
      return client
    }
    const waiting = await Promise.all(Array.from({ length: 20 }, () => send(good, false)))
    const refused = await Promise.all(Array.from({ length: 5 }, () => send(bad, false)))
    const leaving = await Promise.all(Array.from({ length: 20 }, () => send(good, true)))
    const halves = await Promise.all(Array.from({ length: 7 }, () => send(good.slice(0, -3), true)))
    for (const client of waiting) expect((await client.answer()).status).toBe(200)
    for (const client of refused) expect((await client.answer()).status).toBe(400)
    await Promise.all([...leaving, ...halves].map((client) => client.closed))
    await until(
      async () => {
        const counts = await countsOf('slow')
        return Object.values(counts).reduce((sum, count) => sum + count, 0) === 45
      },
      { what: 'all requests to be counted' },
    )
    const counts = await countsOf('slow')
    expect(counts['TENSOR_SHAPE_MISMATCH']).toBe(5)
    expect((counts['ok'] ?? 0) + (counts['aborted'] ?? 0)).toBe(40)
    expect(counts['ok']).toBeGreaterThanOrEqual(20)
    const after = await countsOf('')
    expect((after['aborted'] ?? 0) - (before['aborted'] ?? 0)).toBe(7)
    expect(await sumOf('sluice_requests_in_flight')).toBe(0)
    expect(await sumOf('sluice_queue_rows')).toBe(0)
  })

  const WORDS = [
    ...['GET', 'POST', 'PUT', ' ', '\r\n', '\r\n\r\n', 'HTTP/1.1', 'HTTP/1.0', ': ', '\0', 'ä'],
    ...['/predict', '/predict/longs', infer('longs'), '/v2', '/livez', '/v2/models/longs', '/%zz'],
    ...['host: a', 'content-length: 18', 'content-length: 5000', 'transfer-encoding: chunked'],
    ...[
      'expect: 100-continue',
      'x-request-id: \x01',
      'content-encoding: gzip',
      '0\r\n\r\n',
      '5\r\n',
    ],
    ...[
      '{"features":[1,2]}',
      '{"features":',
      '[[',
      oip('INT64', '1,2'),
      '\xff\xfe',
      '{"id":"\\ud800"}',
    ],
  ]
  const requests = fc.oneof(
    fc
      .array(fc.constantFrom(...WORDS), { maxLength: 14 })
      .map((words) => Buffer.from(words.join(''), 'latin1')),
    fc
      .tuple(fc.constantFrom('/predict/longs', infer('longs'), '/nosuch'), fc.string())
      .map(([path, body]) => Buffer.from(post(path, body))),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  )

  test('bytes of any kind are answered with what is listed, or not at all', async () => {
    const property = fc.asyncProperty(requests, fc.nat(), async (bytes, cut) => {
      const at = cut % (bytes.length + 1)
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
      const { statuses, text } = await outcomeOf(gateway.httpPort, ...pieces)
      for (const status of statuses) expect(LISTED).toContain(status)
      expect(text).not.toMatch(/INTERNAL|\.ts:|node_modules/)
    })
    await fc.assert(property, { numRuns: propertyRuns(150) })
    await expectGood()
    expect(await gateway.replicaPids()).toHaveProperty('size', 2)
  })
})
