/** Limits, and any bytes at all, for every HTTP engine; malformed requests: smuggling.test.ts. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BodyBudget } from '../body-budget.ts'
import { outcomeOn } from '../raw-client.ts'
import { propertyRuns } from '../seeds.ts'
import { FRAMING } from '../smuggling/framing.ts'
import { HEADS } from '../smuggling/heads.ts'
import { until } from '../until.ts'
import {
  BODY_BYTES_MAX,
  type EngineKind,
  expectAlive,
  get,
  HEADER_BYTES_MAX,
  post,
  postChunked,
  startEngine,
} from './http-engine-harness.ts'

/** What an engine may answer by itself; it may also close without an answer. */
const OWN_ANSWERS = [400, 408, 413, 431, 505]

const HEAD = 'POST /fixed HTTP/1.1\r\nhost: a\r\n'
export const refusalsSuite = (kind: EngineKind): void => {
  describe(`limits of the ${kind} engine`, () => {
    test('HttpEngine answers 431 to a header block over the limit that comes in pieces', async () => {
      const { client } = await startEngine(kind)
      const message = get('/fixed', `a: ${'x'.repeat(HEADER_BYTES_MAX)}`)
      const half = message.length / 2
      const { statuses } = await outcomeOn(
        await client(),
        message.slice(0, half),
        message.slice(half),
      )
      expect(statuses).toEqual([431])
    })

    const limit = 'x'.repeat(BODY_BYTES_MAX)
    test.each([
      ['declared', post('/x', limit)],
      ['chunked', postChunked('/x', limit)],
      ['chunked in many', postChunked('/x', ...limit)],
    ])('HttpEngine takes a body of exactly the limit, %s', async (_name, message) => {
      const harness = await startEngine(kind)
      for (const pieces of [[message], [message.slice(0, 300), message.slice(300)]]) {
        const client = await harness.client()
        await client.send(...pieces)
        expect(await client.answer()).toMatchObject({ status: 200, body: limit })
      }
      expect(harness.budget.takenBytes).toBe(0)
    })

    test.each([
      ['declared', post('/x', `${limit}x`)],
      ['chunked', postChunked('/x', `${limit}x`)],
      ['chunked in many', postChunked('/x', ...limit, 'x')],
    ])('HttpEngine refuses a body one over the limit, %s, and closes', async (_name, message) => {
      const harness = await startEngine(kind)
      for (const pieces of [[message], [message.slice(0, 300), message.slice(300)]]) {
        const client = await harness.client()
        await client.send(...pieces)
        const { status, headers } = await client.answer()
        expect([status, headers.get('connection')]).toEqual([413, 'close'])
        await client.closed
        expect(harness.seen.splice(0)).toMatchObject([
          { body: '', refusal: { code: 'BODY_TOO_LARGE' } },
        ])
      }
      expect(harness.budget.takenBytes).toBe(0)
      await expectAlive(harness)
    })

    test('HttpEngine keeps no more of chunks of one byte than of one piece', async () => {
      const count = 100_000
      const budget = new BodyBudget(count)
      const harness = await startEngine(kind, {
        bodyBytesMax: count,
        takeBodyBytes: budget.takeBodyBytes,
      })
      const client = await harness.client()
      client.socket.write(postChunked('/x', ...'x'.repeat(count)))
      expect(await client.answer()).toMatchObject({ status: 200, body: 'x'.repeat(count) })
      expect(budget.peakBytes).toBeLessThan(2 * count)
      expect(budget.takenBytes).toBe(0)
    })

    test('HttpEngine keeps nothing of a declared body over the limit', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const message = post('/x', 'x'.repeat(BODY_BYTES_MAX + 500))
      await client.send(message.slice(0, 500), message.slice(500))
      expect((await client.answer()).status).toBe(413)
      expect(harness.budget.peakBytes).toBe(0)
    })

    test('HttpEngine does not wait for the end of a body far over the limit', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(`${HEAD}content-length: 1000000000\r\n\r\n`, limit, limit, 'x')
      expect((await client.answer()).status).toBe(413)
      await client.closed
      expect(harness.seen).toHaveLength(1)
    })

    test('HttpEngine refuses a body for which the budget has no room, and closes', async () => {
      const harness = await startEngine(kind, { takeBodyBytes: (bytes) => bytes <= 0 })
      const client = await harness.client()
      const message = post('/x', limit)
      await client.send(message.slice(0, 500), message.slice(500))
      const { status, headers } = await client.answer()
      expect([status, headers.get('connection')]).toEqual([503, 'close'])
      await client.closed
      expect(harness.seen).toMatchObject([{ body: '', refusal: { code: 'BODY_BUDGET_EXHAUSTED' } }])
    })

    test('HttpEngine holds budget while a body arrives and gives it back', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      const message = post('/held', limit)
      await client.send(message.slice(0, 500))
      await until(() => harness.budget.takenBytes >= 400, { what: 'the body to be counted' })
      await client.send(message.slice(500))
      await until(() => harness.seen.length === 1, { what: 'the request' })
      expect(harness.budget.takenBytes).toBe(0)
    })

    test('HttpEngine answers only what is listed to random bytes', async () => {
      const harness = await startEngine(kind)
      await fc.assert(
        fc.asyncProperty(
          hostileBytes,
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
          async (bytes, cuts) => {
            const at = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b)
            const pieces = [0, ...at].map((from, i) => bytes.subarray(from, at[i]))
            const { statuses, text } = await outcomeOn(await harness.client(), ...pieces)
            expect(text === '' || text.startsWith('HTTP/1.1 ')).toBe(true)
            for (const status of statuses) expect([200, ...OWN_ANSWERS]).toContain(status)
          },
        ),
        { numRuns: propertyRuns(300) },
      )
      await until(() => harness.connections.open === 0, { what: 'all connections to be gone' })
      expect(harness.budget.takenBytes).toBe(0)
      await expectAlive(harness)
    })
  })
}

const GOOD = [
  post('/fixed', 'some body'),
  postChunked('/fixed', 'some', 'chunks'),
  get('/fixed', 'x-request-id: a', 'connection: keep-alive'),
]

const request: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    { weight: 2, arbitrary: fc.constantFrom(...GOOD) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...[...FRAMING, ...HEADS].map(([, message]) => message)),
    },
  )
  .map((text) => Buffer.from(text, 'latin1'))

const edit = fc.tuple(fc.noBias(fc.nat()), fc.nat(255), fc.nat(2))

const mutatedRequests: fc.Arbitrary<Uint8Array> = fc
  .tuple(request, request, fc.array(edit, { maxLength: 4 }))
  .map(([first, second, edits]) => {
    let bytes: Uint8Array = Buffer.concat([first, second])
    for (const [place, value, kind] of edits) {
      const at = place % bytes.length
      const dropped = kind === 0 ? 0 : 1
      const added = kind === 1 ? [] : [value]
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(added),
        bytes.subarray(at + dropped),
      ])
    }
    return bytes
  })

/** Noise, and good and bad requests of which bytes are changed, dropped, doubled and joined. */
const hostileBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }) },
  { weight: 4, arbitrary: mutatedRequests },
)
