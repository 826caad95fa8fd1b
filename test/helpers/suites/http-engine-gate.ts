/** Requests that are refused for their key, for every HTTP engine. */

import { describe, expect, test } from 'vitest'
import type { Gate } from '../../../src/server/access.ts'
import { refuse } from '../../../src/shared/errors.ts'
import type { RawClient } from '../raw-client.ts'
import { until } from '../until.ts'
import {
  BODY_BYTES_MAX,
  type EngineKind,
  expectAlive,
  get,
  post,
  postChunked,
  startEngine,
} from './http-engine-harness.ts'

const DENIED = refuse('KEY_REQUIRED', 'no')
const GRANT = { endpoints: new Set(['m']), priority: 3 }

/** Lets in who has the key `good`, and notes what it was asked. */
const makeGate = () => {
  const asked: string[][] = []
  const gate: Gate = {
    isClosed: true,
    admit: (...given) => {
      asked.push(given)
      return given[0] === '/alive' ? null : given.includes('good') ? GRANT : DENIED
    },
  }
  return { gate, asked }
}

const start = async (kind: EngineKind) => {
  const { gate, asked } = makeGate()
  return { asked, harness: await startEngine(kind, { gate }) }
}

/** Of the whole suite: what was refused was looked at no further. */
const expectDenied = async (client: RawClient) => {
  const { status, headers } = await client.answer()
  expect([status, headers.get('x-sluice-error')]).toEqual([503, 'KEY_REQUIRED'])
}

export const gateSuite = (kind: EngineKind): void => {
  describe(`keys and the ${kind} engine`, () => {
    test('a gate is asked with what was sent, by the head alone', async () => {
      const { asked, harness } = await start(kind)
      const client = await harness.client()
      const head = post('/predict/a?b=c', 'body', 'Authorization: Bearer x', 'X-Api-Key: y')
      await client.send(head.slice(0, -4))
      await until(() => asked.length > 0, { what: 'the gate to be asked' })
      expect(asked).toEqual([['/predict/a', 'Bearer x', 'y']])
      expect(harness.seen).toEqual([])
      await client.send('body')
      await expectDenied(client)
      expect(harness.seen).toMatchObject([{ body: '', refusal: DENIED, exchange: { grant: null } }])
    })

    test('an exchange has what its key allows', async () => {
      const { harness } = await start(kind)
      const client = await harness.client()
      await client.send(post('/x', 'text', 'x-api-key: good'))
      expect((await client.answer()).body).toBe('text')
      await client.send(get('/alive'))
      await client.answer()
      expect(harness.seen.map(({ exchange }) => exchange.grant)).toEqual([GRANT, null])
    })

    test.each([
      ['a body', [post('/x', 'body')]],
      ['no body', [get('/x')]],
      ['a body in pieces', [post('/x', 'body').slice(0, -2), 'dy']],
      ['a large body in pieces', [post('/x', 'x'.repeat(900)).slice(0, -800), 'x'.repeat(800)]],
    ])('who is refused with %s may send the key on the same connection', async (_what, pieces) => {
      const { harness } = await start(kind)
      const client = await harness.client()
      await client.send(...pieces)
      await expectDenied(client)
      expect(harness.budget.peakBytes).toBe(0)
      await client.send(post('/x', 'again', 'x-api-key: good'))
      expect(await client.answer()).toMatchObject({ status: 200, body: 'again' })
    })

    test('a body that is too large is refused for its key, and not waited for', async () => {
      const { harness } = await start(kind)
      const client = await harness.client()
      const long = post('/x', 'x'.repeat(BODY_BYTES_MAX * 3))
      await client.send(long.slice(0, -10))
      await expectDenied(client)
      await client.closed
      expect(harness.budget.peakBytes).toBe(0)
      await expectAlive(harness)
    })

    test('a chunked body is refused for its key', async () => {
      const { harness } = await start(kind)
      const client = await harness.client()
      await client.send(postChunked('/x', 'one', 'two'))
      await expectDenied(client)
      await expectAlive(harness)
    })

    test('a client that goes before its refusal is counted as any other', async () => {
      const { harness } = await start(kind)
      const client = await harness.client()
      await client.send(post('/x', 'body').slice(0, -2))
      await until(() => harness.engine.underWay === 1, { what: 'the head to be seen' })
      client.reset()
      await until(() => harness.aborted.count === 1, { what: 'the abort to be seen' })
      expect([harness.engine.underWay, harness.seen.length]).toEqual([0, 0])
    })
  })
}
