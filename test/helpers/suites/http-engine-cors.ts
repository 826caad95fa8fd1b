/** What pages of browsers are told, for every HTTP engine. */

import { describe, expect, test } from 'vitest'
import { createCors } from '../../../src/server/cors.ts'
import { type EngineKind, get, post, startEngine } from './http-engine-harness.ts'

const PAGE = 'https://a.example'
const FROM_PAGE = `Origin: ${PAGE}`
const options = (path: string, ...lines: string[]) => get(path, ...lines).replace('GET', 'OPTIONS')
const PREFLIGHT = [FROM_PAGE, 'Access-Control-Request-Method: POST']

export const corsSuite = (kind: EngineKind): void => {
  describe(`pages and the ${kind} engine`, () => {
    test('HttpEngine says nothing to pages where CORS is off', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      for (const message of [post('/x', 'a', FROM_PAGE), options('/x', ...PREFLIGHT)]) {
        await client.send(message)
        const { headers } = await client.answer()
        expect([...headers.keys()].filter((name) => /^(access-control|vary)/.test(name))).toEqual(
          [],
        )
        expect(harness.seen.pop()?.exchange.isPreflight).toBe(false)
      }
    })

    test('HttpEngine adds to every answer what its page may do', async () => {
      const harness = await startEngine(kind, { cors: createCors([PAGE]) })
      const client = await harness.client()
      await client.send(post('/x', 'a', FROM_PAGE))
      const good = await client.answer()
      expect(good).toMatchObject({ status: 200, body: 'a' })
      expect(good.headers.get('access-control-allow-origin')).toBe(PAGE)
      expect(good.headers.get('access-control-expose-headers')).toContain('x-request-id')
      expect(good.headers.get('vary')).toBe('origin')
      expect(good.headers.get('x-path')).toBe('/x')
      await client.send(post('/x', 'a', 'origin: https://b.example'))
      const other = await client.answer()
      expect(other.headers.get('access-control-allow-origin')).toBeUndefined()
      expect(other.headers.get('vary')).toBe('origin')
      await client.send(post('/x', 'x'.repeat(2000), FROM_PAGE))
      const refused = await client.answer()
      expect(refused.status).toBe(413)
      expect(refused.headers.get('access-control-allow-origin')).toBe(PAGE)
    })

    test('HttpEngine adds it to heads that are bytes', async () => {
      const harness = await startEngine(kind, { cors: createCors(['*']) })
      const client = await harness.client()
      await client.send(get('/held', FROM_PAGE))
      harness.seen[0]!.exchange.reply(Buffer.from('200 OK\r\nx-a: b'), 'text')
      const { headers, body } = await client.answer()
      expect([headers.get('x-a'), headers.get('access-control-allow-origin')]).toEqual(['b', '*'])
      expect(body).toBe('text')
    })

    test.each([
      ['a preflight request', options('/held', ...PREFLIGHT), true],
      ['OPTIONS that asks for nothing', options('/held', FROM_PAGE), false],
      ['another page', options('/held', PREFLIGHT[1]!, 'origin: https://b.example'), false],
      ['no page', options('/held', PREFLIGHT[1]!), false],
      ['another method', get('/held', ...PREFLIGHT), false],
    ])('HttpEngine tells a preflight request: %s', async (_name, message, isPreflight) => {
      const harness = await startEngine(kind, { cors: createCors([PAGE]) })
      const client = await harness.client()
      await client.send(message)
      const { exchange } = harness.seen[0]!
      expect(exchange.isPreflight).toBe(isPreflight)
      exchange.reply('204 No Content', null)
      const { headers } = await client.answer(true)
      expect(headers.get('access-control-allow-methods') !== undefined).toBe(isPreflight)
    })
  })
}
