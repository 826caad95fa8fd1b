/** Requests and answers as they should be, for every HTTP engine. */

import { describe, expect, test } from 'vitest'
import { outcomeOn } from '../raw-client.ts'
import { until } from '../until.ts'
import { type EngineKind, get, post, postChunked, startEngine } from './http-engine-harness.ts'

export const requestsSuite = (kind: EngineKind): void => {
  describe(`requests to the ${kind} engine`, () => {
    test('HttpEngine fills the exchange from the head', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const lines = ['X-Request-Id: r-1', 'x-sluice-explain: 1', 'content-encoding: gzip']
      await client.send(post('/predict/a%20b?c=d', 'text', ...lines))
      expect(await client.answer()).toMatchObject({ status: 200, body: 'text' })
      const { exchange, body, refusal } = harness.seen[0]!
      expect(exchange).toMatchObject({
        method: 'POST',
        path: '/predict/a%20b',
        requestId: 'r-1',
        isExplained: true,
        contentEncoding: 'gzip',
        isAborted: false,
      })
      expect(exchange.headMs).toBeGreaterThan(0)
      expect(exchange.startedMs).toBeGreaterThanOrEqual(exchange.headMs)
      expect(exchange.startedMs).toBeLessThanOrEqual(performance.now())
      expect([body, refusal]).toEqual(['text', null])
    })

    test.each([
      ['/v2/models/m/infer', 'gzip, deflate', '17'],
      ['/v1/models/m:predict', 'gzip, deflate', '17'],
      ['/predict', '', ''],
    ])('HttpEngine reads the headers of a protocol on its paths only: %s', async (...wanted) => {
      const [path, acceptEncoding, inferenceHeaderLength] = wanted
      const harness = await startEngine(kind)
      const client = await harness.client()
      const lines = ['Accept-Encoding: gzip, deflate', 'Inference-Header-Content-Length: 17']
      await client.send(post(path, 'text', ...lines))
      await client.answer()
      expect(harness.seen[0]).toMatchObject({ exchange: { acceptEncoding, inferenceHeaderLength } })
    })

    test.each([
      [
        ['content-encoding: gzip', 'Content-Encoding: gzip'],
        ['gzip, gzip', ''],
      ],
      [
        ['inference-header-content-length: 88', 'inference-header-content-length: 5'],
        ['', '88, 5'],
      ],
    ])('HttpEngine gives all of what was sent twice: %j', async (lines, wanted) => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(post('/v2/models/m/infer', 'text', ...lines))
      await client.answer()
      const { exchange } = harness.seen[0]!
      expect([exchange.contentEncoding, exchange.inferenceHeaderLength]).toEqual(wanted)
    })

    test('HttpEngine gives empty strings for headers that were not sent', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(get('/x'))
      await client.answer()
      expect(harness.seen[0]).toMatchObject({
        exchange: {
          method: 'GET',
          requestId: '',
          isExplained: false,
          contentEncoding: '',
          acceptEncoding: '',
          inferenceHeaderLength: '',
          headMs: 0,
        },
        body: '',
      })
    })

    test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
      'HttpEngine leaves it to the handler what %s means',
      async (method) => {
        const harness = await startEngine(kind)
        const client = await harness.client()
        await client.send(get('/x').replace('GET', method))
        expect((await client.answer(method === 'HEAD')).status).toBe(200)
        expect(harness.seen[0]?.exchange.method).toBe(method)
      },
    )

    test('HttpEngine gives the same request wherever its bytes are split', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const message = post('/x', '{"a": [1, 2]}', 'x-request-id: r-1')
      for (let at = 1; at < message.length; at++) {
        await client.send(message.slice(0, at), message.slice(at))
        expect(await client.answer(), `split at ${at}`).toMatchObject({ status: 200 })
        expect(harness.seen.pop(), `split at ${at}`).toMatchObject({
          exchange: { path: '/x', requestId: 'r-1' },
          body: '{"a": [1, 2]}',
        })
      }
      expect(harness.budget.takenBytes).toBe(0)
    })

    test('HttpEngine gives the same chunked request wherever its bytes are split', async () => {
      const harness = await startEngine(kind)
      const message = postChunked('/x', 'one', 'two, three and four', '5')
      for (let at = 1; at < message.length; at++) {
        const client = await harness.client()
        await client.send(message.slice(0, at), message.slice(at))
        expect(await client.answer(), `split at ${at}`).toMatchObject({ status: 200 })
        expect(harness.seen.pop()?.body, `split at ${at}`).toBe('onetwo, three and four5')
      }
      expect(harness.budget.takenBytes).toBe(0)
    })

    test('HttpEngine waits for a body that trickles in byte by byte', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const body = 'x'.repeat(200)
      await client.send(post('/x', body).slice(0, -body.length), ...body)
      expect(await client.answer()).toMatchObject({ status: 200, body })
      expect(harness.seen).toHaveLength(1)
    })

    test('startedMs is when the last byte of the body came, not the first', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const message = post('/x', 'body', 'x-sluice-explain: 1')
      await client.send(message.slice(0, -2))
      await until(() => harness.engine.underWay === 1, { what: 'the head to be seen' })
      const beforeEndMs = performance.now()
      await client.send(message.slice(-2))
      await client.answer()
      const { exchange } = harness.seen[0]!
      expect(exchange.startedMs).toBeGreaterThanOrEqual(beforeEndMs)
      expect(exchange.headMs).toBeLessThan(beforeEndMs)
    })

    test('startedMs is one and the same for all that is read in one turn', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(post('/x', 'a') + post('/x', 'b') + post('/x', 'c'))
      await until(() => harness.seen.length === 3, { what: 'three requests to be seen' })
      expect(new Set(harness.seen.map(({ exchange }) => exchange.startedMs)).size).toBe(1)
    })

    test('HttpEngine lets the client send on when it expects 100-continue', async () => {
      const client = await (await startEngine(kind)).client()
      const message = post('/x', 'hi', 'expect: 100-continue')
      await client.send(message.slice(0, -2))
      expect((await client.answer()).status).toBe(100)
      await client.send('hi')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'hi' })
    })

    test('HttpEngine answers pipelined requests in order when each is answered at once', async () => {
      const { client } = await startEngine(kind)
      const { statuses, text } = await outcomeOn(
        await client(),
        post('/x', 'first') + post('/x', 'second'),
      )
      expect(statuses).toEqual([200, 200])
      expect(text.indexOf('first')).toBeLessThan(text.indexOf('second'))
    })

    test('HttpEngine never mixes up requests that are answered later', async () => {
      const harness = await startEngine(kind)
      const clients = await Promise.all(Array.from({ length: 20 }, () => harness.client()))
      for (let round = 0; round < 10; round++) {
        const idOf = (index: number) => `r-${round}-${index}`
        for (const [index, client] of clients.entries()) {
          client.socket.write(post('/held', `body ${index}`, `x-request-id: ${idOf(index)}`))
        }
        await until(() => harness.seen.length === clients.length, { what: 'all requests' })
        // Another order than that of arrival: last first, evens before odds.
        const held = harness.seen.splice(0).reverse()
        const shuffled = held.filter((_, i) => i % 2 === 0).concat(held.filter((_, i) => i % 2))
        for (const { exchange, body } of shuffled) {
          exchange.reply(`200 OK\r\nx-request-id: ${exchange.requestId}`, body)
        }
        for (const [index, client] of clients.entries()) {
          const answer = await client.answer()
          expect(answer.body).toBe(`body ${index}`)
          expect(answer.headers.get('x-request-id')).toBe(idOf(index))
        }
      }
      expect(harness.connections.open).toBe(20)
    })
  })
}
