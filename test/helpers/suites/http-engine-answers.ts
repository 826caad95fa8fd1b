/** Answers, aborts and the end of an engine, for every HTTP engine. */

import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { atEnd } from '../clean-up.ts'
import { outcomeOn, RawClient, turns } from '../raw-client.ts'
import { until } from '../until.ts'
import {
  BODY_BYTES_MAX,
  type EngineKind,
  expectAlive,
  get,
  type Harness,
  post,
  startEngine,
} from './http-engine-harness.ts'

/** Sends a request and returns its exchange, which waits for an answer. */
const hold = async (harness: Harness, client: RawClient, message = post('/held', 'body')) => {
  await client.send(message)
  await until(() => harness.seen.length > 0, { what: 'the request to arrive' })
  return harness.seen.pop()!.exchange
}

/** An answer without body ends its connection on uWebSockets, and nowhere else. */
const expectNextAnswered = async (harness: Harness, client: RawClient) => {
  if (harness.engine.name === 'uws') {
    await client.closed
    expect(client.received).toBe('')
    return
  }
  await client.send(get('/fixed'))
  expect((await client.answer()).body).toBe('fixed')
}

const untilQuiet = (harness: Harness) =>
  until(() => harness.connections.open === 0 && harness.budget.takenBytes === 0, {
    what: 'the connections to be counted off and the budget given back',
  })

export const answersSuite = (kind: EngineKind): void => {
  describe(`answers of the ${kind} engine`, () => {
    test('reply() sends status, header lines and body as given', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      exchange.reply('418 I am a Teapot\r\ncontent-type: a/b\r\nx-two: c: d\r\nx-three: ', 'text')
      const { status, headers, body } = await client.answer()
      expect([status, body]).toEqual([418, 'text'])
      expect(headers.get('content-type')).toBe('a/b')
      expect(headers.get('x-two')).toBe('c: d')
      expect(headers.get('x-three')).toBe('')
      expect(headers.get('content-length')).toBe('4')
    })

    test('reply() takes an answer without header lines and without body', async () => {
      const harness = await startEngine(kind)
      for (const empty of ['', new Uint8Array(0)]) {
        const client = await harness.client()
        const exchange = await hold(harness, client)
        exchange.reply('200 OK', empty)
        const { status, headers } = await client.answer()
        expect([status, headers.get('content-length')]).toEqual([200, '0'])
      }
    })

    test('reply() counts the length of text in bytes and takes parts of buffers', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const first = await hold(harness, client)
      first.reply('200 OK', 'ä€😀')
      expect((await client.answer()).body).toBe('ä€😀')
      const second = await hold(harness, client)
      second.reply('200 OK', Buffer.from('..part..').subarray(2, 6))
      expect((await client.answer()).body).toBe('part')
    })

    test('reply() sends a large answer whole to a client that reads it late', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      client.socket.pause()
      const body = 'abcdefgh'.repeat(1024 * 1024)
      exchange.reply('200 OK', body)
      await turns(10)
      client.socket.resume()
      expect((await client.answer()).body === body).toBe(true)
      await expectAlive(harness)
    })

    test('reply() sends the bytes that it was given, whatever is written to them next', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      client.socket.pause()
      const head = Buffer.from('200 OK\r\nx-a: before')
      const body = Buffer.alloc(8 * 1024 * 1024, 'b')
      exchange.reply(head, body)
      head.fill('!')
      body.fill('!')
      await turns(10)
      client.socket.resume()
      const { status, headers, body: received } = await client.answer()
      expect([status, headers.get('x-a')]).toEqual([200, 'before'])
      expect(received === 'b'.repeat(body.length)).toBe(true)
    })

    test('reply() answers HEAD with the headers of GET and no body', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client, get('/held').replace('GET', 'HEAD'))
      exchange.reply('200 OK\r\nx-a: b', 'ä12')
      const { headers } = await client.answer(true)
      expect(headers.get('content-length')).toBe('4')
      await expectNextAnswered(harness, client)
    })

    test('reply() sends a status without content as such, and stays in step', async () => {
      const harness = await startEngine(kind)
      for (const method of ['OPTIONS', 'POST', 'HEAD']) {
        const client = await harness.client()
        const exchange = await hold(harness, client, get('/held').replace('GET', method))
        exchange.reply('204 No Content\r\nallow: GET', null)
        const { status, headers } = await client.answer(true)
        expect([status, headers.get('allow')]).toEqual([204, 'GET'])
        expect(headers.get('content-length')).toBeUndefined()
        expect(headers.get('transfer-encoding')).toBeUndefined()
        expect(headers.get('date')).toMatch(/GMT$/)
        await expectNextAnswered(harness, client)
      }
      const client = await harness.client()
      const last = await hold(harness, client)
      harness.engine.stopAccepting()
      last.reply('204 No Content', null)
      const { headers } = await client.answer(true)
      expect(headers.get('connection')).toBe('close')
      expect(headers.get('content-length')).toBeUndefined()
      await client.closed
      expect(client.received).toBe('')
    })

    test('reply() does nothing the second time', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      exchange.reply('200 OK', 'first')
      exchange.reply('500 Internal Server Error', 'second')
      expect((await client.answer()).body).toBe('first')
      const next = await hold(harness, client)
      exchange.reply('500 Internal Server Error', 'third')
      next.reply('200 OK', 'next')
      expect((await client.answer()).body).toBe('next')
      expect(client.received).toBe('')
    })

    test('reply() does nothing after the client has gone', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      expect(exchange.isAborted).toBe(false)
      client.socket.destroy()
      await until(() => exchange.isAborted, { what: 'the abort to be seen' })
      exchange.reply('200 OK', 'too late')
      await untilQuiet(harness)
      await expectAlive(harness)
    })

    test('underWay counts requests from their head to their answer or abort', async () => {
      const harness = await startEngine(kind)
      const { engine } = harness
      const [first, second] = [await harness.client(), await harness.client()]
      await first.send(post('/held', 'body').slice(0, -2))
      await until(() => engine.underWay === 1, { what: 'the head to be seen' })
      const exchange = await hold(harness, second)
      expect(engine.underWay).toBe(2)
      exchange.reply('200 OK', 'text')
      exchange.reply('200 OK', 'text')
      await until(() => engine.underWay === 1, { what: 'the answer to have left' })
      first.reset()
      await until(() => engine.underWay === 0, { what: 'the abort to be seen' })
      await second.answer()
      await second.send(post('/x', 'x'.repeat(BODY_BYTES_MAX + 1)))
      await second.answer()
      await until(() => engine.underWay === 0, { what: 'the refusal to have left' })
    })

    test('onAborted() is not called for a request that was complete', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      client.reset()
      await until(() => exchange.isAborted, { what: 'the abort to be seen' })
      expect([harness.aborted.count, harness.engine.underWay]).toEqual([0, 0])
    })

    test('HttpEngine takes a client that closes its side for one that has gone', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      client.socket.end()
      await client.closed
      expect(exchange.isAborted).toBe(true)
      await untilQuiet(harness)
    })

    const message = post('/x', 'x'.repeat(100))
    const tooLarge = post('/x', 'x'.repeat(BODY_BYTES_MAX + 100))
    test.each([
      ['before its first byte', '', false],
      ['in the request line', message.slice(0, 5), false],
      ['in the head', message.slice(0, 30), false],
      ['after the head', message.slice(0, -100), true],
      ['in the body', message.slice(0, -50), true],
      ['in a body that is refused', tooLarge.slice(0, -200), true],
    ])('HttpEngine forgets a client that goes %s', async (_phase, sent, hasHead) => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await until(() => harness.connections.open === 1, { what: 'the connection to be counted' })
      if (sent !== '') await client.send(sent)
      client.reset()
      await untilQuiet(harness)
      expect(harness.seen).toEqual([])
      expect([harness.aborted.count, harness.engine.underWay]).toEqual([hasHead ? 1 : 0, 0])
      await expectAlive(harness)
    })

    test('listen() shares a port among engines', async () => {
      const first = await startEngine(kind)
      const second = await startEngine(kind, {}, first.port)
      expect(second.port).toBe(first.port)
      await until(
        async () => {
          await outcomeOn(await first.client(), get('/fixed'))
          return first.seen.length > 0 && second.seen.length > 0
        },
        { what: 'both to get connections', everyMs: 0 },
      )
    })

    test('listen() refuses a port that somebody else owns', async () => {
      const owner = createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true })
      atEnd(() => void owner.close())
      await new Promise((resolve) => owner.once('listening', resolve))
      const { port } = owner.address() as { port: number }
      await expect(startEngine(kind, {}, port)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    })

    test('stopAccepting() answers what is open, closes it, and takes nothing new', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const idle = await harness.client()
      const exchange = await hold(harness, client)
      harness.engine.stopAccepting()
      harness.engine.stopAccepting()
      exchange.reply('200 OK', 'the last')
      const { headers, body } = await client.answer()
      expect([headers.get('connection'), body]).toEqual(['close', 'the last'])
      await client.closed
      await expect(RawClient.open(harness.port)).rejects.toThrow('ECONNREFUSED')
      harness.engine.close()
      await idle.closed
      await untilQuiet(harness)
    })

    test('close() ends everything at once', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const exchange = await hold(harness, client)
      const half = await harness.client()
      await half.send('POST /x HTTP/1.1\r\ncontent-length: 10\r\nhost: a\r\n\r\nhalf')
      harness.engine.close()
      await Promise.all([client.closed, half.closed])
      await until(() => exchange.isAborted, { what: 'the abort to be seen' })
      exchange.reply('200 OK', 'too late')
      await untilQuiet(harness)
      harness.engine.close()
    })
  })
}
