/** Clients that read late or never, for every HTTP engine. */

import { describe, expect, test } from 'vitest'
import { createNodeEngine } from '../../../src/server/http-node.ts'
import { type RawClient, turns } from '../raw-client.ts'
import { until } from '../until.ts'
import {
  type EngineKind,
  expectAlive,
  get,
  type Harness,
  post,
  postChunked,
  startEngine,
} from './http-engine-harness.ts'

const MIB = 1024 * 1024
/** More than what kernels buffer for a connection. */
const LONG = 'abcdefgh'.repeat(2 * MIB)

/** Sends a request whose answer its client does not read yet. */
const holdUnread = async (harness: Harness, client: RawClient, message = post('/held', 'body')) => {
  client.socket.pause()
  const before = harness.seen.length
  client.socket.write(message)
  await until(() => harness.seen.length > before, { what: 'the request to arrive' })
  return harness.seen.at(-1)!.exchange
}

const expectWhole = async (client: RawClient): Promise<ReadonlyMap<string, string>> => {
  client.socket.resume()
  const { headers, body } = await client.answer()
  expect(body === LONG).toBe(true)
  return headers
}

export const slowReadersSuite = (kind: EngineKind): void => {
  describe(`clients of the ${kind} engine that do not read`, () => {
    test.each([
      ['small', 'x'.repeat(2000)],
      ['long', 'x'.repeat(MIB)],
    ])('get a bounded number of %s answers', async (_, body) => {
      let givenBytes = 0
      const harness = await startEngine(kind, {
        onRequest: (exchange) => {
          givenBytes += body.length
          exchange.reply('200 OK', exchange.path === '/x' ? body : 'yes')
        },
      })
      const client = await harness.client()
      client.socket.pause()
      const requests = get('/x').repeat(500)
      const wantedBytes = 128 * MIB
      for (let sent = 0; sent < wantedBytes && !client.isClosed; sent += body.length * 500) {
        client.socket.write(requests)
        await turns()
      }
      expect(givenBytes).toBeLessThan(wantedBytes / 4)
      await expectAlive(harness)
    })

    test('underWay counts an answer until it has left', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await holdUnread(harness, client)
      exchange.reply('200 OK', LONG)
      exchange.reply('200 OK', 'second')
      await turns(20)
      expect(harness.engine.underWay).toBe(1)
      await expectWhole(client)
      await until(() => harness.engine.underWay === 0, { what: 'the answer to have left' })
      await client.send(get('/fixed'))
      expect((await client.answer()).body).toBe('fixed')
    })

    test('underWay forgets an answer whose client has gone', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await holdUnread(harness, client)
      exchange.reply('200 OK', LONG)
      client.reset()
      await until(() => harness.engine.underWay === 0, { what: 'the client to be missed' })
      expect(harness.aborted.count).toBe(0)
    })

    test('stopAccepting() lets answers leave whole, and closes behind them', async () => {
      const harness = await startEngine(kind)
      const [early, late] = [await harness.client(), await harness.client()]
      const exchanges = [await holdUnread(harness, early), await holdUnread(harness, late)]
      exchanges[0]!.reply('200 OK', LONG)
      harness.engine.stopAccepting()
      exchanges[1]!.reply('200 OK', LONG)
      await turns(20)
      expect(harness.engine.underWay).toBe(2)
      await expectWhole(early)
      expect((await expectWhole(late)).get('connection')).toBe('close')
      await late.closed
      await until(() => harness.engine.underWay === 0, { what: 'the answers to have left' })
    })

    test('what waits for all of them is bounded: the oldest has to go', async () => {
      const harness = await startEngine(kind, { unsentBytesMax: LONG.length + 100 })
      const clients = [await harness.client(), await harness.client(), await harness.client()]
      for (const client of clients) {
        const exchange = await holdUnread(harness, client)
        exchange.reply('200 OK', LONG)
      }
      await until(() => harness.engine.underWay === 1, { what: 'two to be dropped' })
      await expectWhole(clients[2]!)
      for (const client of clients.slice(0, 2)) {
        client.socket.resume()
        await client.closed
        expect(client.received.length).toBeLessThan(LONG.length)
      }
      await expectAlive(harness)
    })

    test('answers that the kernel takes at once are not bounded', async () => {
      // Node keeps what TLS has not encrypted yet, and cannot tell it from what no kernel takes.
      if (kind === 'node over TLS') return
      const harness = await startEngine(kind, { unsentBytesMax: 1000 })
      const clients = await Promise.all(Array.from({ length: 8 }, () => harness.client()))
      const exchanges = []
      for (const client of clients) exchanges.push(await holdUnread(harness, client))
      for (const exchange of exchanges) exchange.reply('200 OK', 'x'.repeat(100_000))
      for (const client of clients) {
        client.socket.resume()
        expect((await client.answer()).body.length).toBe(100_000)
        await client.send(get('/fixed'))
        expect((await client.answer()).body).toBe('fixed')
      }
    })

    test.each(['a', 'ab', 'x'.repeat(900)])('a last answer of few bytes is whole', async (body) => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await holdUnread(harness, client)
      harness.engine.stopAccepting()
      exchange.reply('200 OK', body)
      client.socket.resume()
      await client.closed
      const [head = '', ...rest] = client.received.split('\r\n\r\n')
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close/i)
      const isChunked = head.includes('transfer-encoding: chunked')
      expect(rest).toEqual(isChunked ? [`1\r\n${body}\r\n0`, ''] : [body])
    })
  })
}

/** Where a connection has to end, nothing that follows is taken for a request (0002). */
export const lastAnswersSuite = (): void => {
  const tooLarge = post('/held', 'x'.repeat(2000))
  test.each([
    ['a chunked request', postChunked('/held', 'body')],
    ['a refused body', tooLarge],
    ['HEAD', get('/held').replace('GET', 'HEAD')],
  ])('the uws engine reads nothing behind %s whose answer waits', async (_, message) => {
    const harness = await startEngine('uws')
    const client = await harness.client()
    const exchange = await holdUnread(harness, client, message)
    exchange.reply('200 OK', LONG)
    client.socket.write(get('/hidden'))
    await until(() => harness.connections.open === 0, { what: 'the connection to be closed' })
    expect(harness.seen.map(({ exchange: { path } }) => path)).toEqual(['/held'])
    await expectAlive(harness)
  })

  test('the uws engine ends a chunked request when all of its answer has left', async () => {
    const harness = await startEngine('uws')
    const client = await harness.client()
    const exchange = await holdUnread(harness, client, postChunked('/held', 'body'))
    exchange.reply('200 OK', LONG)
    await turns(20)
    expect((await expectWhole(client)).get('connection')).toBe('close')
    await client.closed
    expect(client.received).toBe('')
  })
}

/** How long the engine on node:http waits for the reader of an answer. */
export const nodeReadersSuite = (): void => {
  /** Waits shorter than documented, as long for each connection; `/long` is answered at once. */
  const startHasty = () =>
    startEngine('node', {}, 0, (options) =>
      createNodeEngine(
        {
          ...options,
          onRequest: (exchange, body, refusal) => {
            if (exchange.path === '/long') exchange.reply('200 OK', LONG)
            options.onRequest(exchange, body, refusal)
          },
        },
        200,
      ),
    )

  /** Sends requests, of which the last is for `/long`, and reads when it has been given up. */
  const expectGivenUp = async (harness: Harness, requests: string): Promise<void> => {
    const client = await harness.client()
    client.socket.pause()
    const { underWay } = harness.engine
    client.socket.write(requests)
    const hasCome = () => harness.seen.some(({ exchange: { path } }) => path === '/long')
    await until(hasCome, { what: 'the requests to arrive' })
    await until(() => harness.engine.underWay === underWay, { what: 'the client to be given up' })
    client.socket.resume()
    await client.closed
    expect(client.received.length).toBeLessThan(LONG.length)
  }

  test('the node engine waits for no reader while the answer before is being computed', async () => {
    const harness = await startHasty()
    const client = await harness.client()
    client.socket.write(get('/held') + get('/fixed'))
    await until(() => harness.seen.length === 2, { what: 'both requests' })
    // Its clock started later.
    await expectGivenUp(harness, get('/long'))
    expect(client.isClosed).toBe(false)
    harness.seen[0]!.exchange.reply('200 OK', 'slow')
    expect((await client.answer()).body).toBe('slow')
    expect((await client.answer()).body).toBe('fixed')
  })

  test('the node engine gives up who does not read the second of two answers', async () => {
    await expectGivenUp(await startHasty(), get('/fixed') + get('/long'))
  })
}
