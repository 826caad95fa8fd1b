/** Bodies and answers that are compressed, through the request path. */

import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { BodyLimits } from '../../../src/server/body-buffer.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { BodyBudget } from '../../helpers/body-budget.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const MIB = 1024 * 1024
const OIP = '/v2/models/m/infer'

const startPath = (bodies: BodyLimits = new BodyBudget(MIB), queueRowsMax = 1000) => {
  const plan = epochPlan(1, [plannedVersion({ model: 'm', version: 1 })])
  return new RequestPath(plan, { bodies, queueRowsMax })
}

const oipBody = (rows: number) =>
  JSON.stringify({
    inputs: [
      {
        name: 'x',
        shape: [rows, 2],
        datatype: 'FP32',
        data: Array.from({ length: 2 * rows }, (_, i) => i / 8),
      },
    ],
  })

const CODINGS = [
  ['gzip', gzipSync],
  ['X-GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
] as const

test.each(CODINGS)('onRequest() answers a body in %s as the plain one', (name, compress) => {
  const budget = new BodyBudget(MIB)
  const path = startPath(budget)
  for (const [target, body] of [
    ['/predict', '{"features": [1, 2]}'],
    [OIP, oipBody(1)],
    [OIP, oipBody(900)],
  ] as const) {
    const plain = path.ask({ path: target, requestId: 'same' }, body)
    const coded = path.ask(
      { path: target, requestId: 'same', contentEncoding: name },
      compress(body),
    )
    expect(coded.answer?.status).toBe(200)
    const { metadata: _, ...answer } = coded.json()
    const { metadata: __, ...wanted } = plain.json()
    expect(answer).toEqual(wanted)
    expect(budget.takenBytes).toBe(0)
  }
})

test('onRequest() takes the bytes of a request for what its content-encoding says', () => {
  const path = startPath()
  const text = '{"features": [1, 2]}'
  const statusOf = (contentEncoding: string, body: string | Uint8Array) =>
    path.ask({ contentEncoding }, body).answer?.status
  expect(statusOf('identity', text)).toBe(200)
  expect(statusOf('gzip', text)).toBe(400)
  expect(statusOf('identity', gzipSync(text))).toBe(400)
  expect(statusOf('gzip', gzipSync('{"features": [1, '))).toBe(400)
  expect(statusOf('gzip, gzip', gzipSync(gzipSync(text)))).toBe(415)
})

test('onRequest() refuses what inflates to too much, and answers on', () => {
  const budget = new BodyBudget(MIB)
  const path = startPath(budget)
  const codeOf = (body: Uint8Array) =>
    path.ask({ contentEncoding: 'gzip' }, body).header('x-sluice-error')
  expect(codeOf(gzipSync(new Uint8Array(MIB)))).toBe('ENCODING_RATIO_EXCEEDED')
  expect(codeOf(gzipSync(oipBody(200_000)))).toBe('BODY_TOO_LARGE')
  expect(codeOf(gzipSync('{"features": [1, 2]}'))).toBe('')
  expect(budget.takenBytes).toBe(0)
})

test('onRequest() inflates nothing where no row may wait', () => {
  const budget = new BodyBudget(MIB)
  const path = startPath(budget, 1)
  const waiting = path.send({}, { features: [1, 2] })
  const shed = path.send({ contentEncoding: 'gzip' }, gzipSync('{"features": [1, 2]}'))
  expect(shed.header('x-sluice-error')).toBe('QUEUE_FULL')
  expect(budget.peakBytes).toBe(0)
  path.turns.turn()
  expect(waiting.answer?.status).toBe(200)
})

test('onRequest() publishes that it works while it inflates, and no longer', () => {
  const states: number[] = []
  const budget = {
    bodyBytesMax: MIB,
    takeBodyBytes: () => states.push(words[THREAD_WORDS.STATE]!) > 0,
  }
  const path = startPath(budget)
  const { words } = path.memory.threads[0]!
  path.send({ contentEncoding: 'gzip' }, gzipSync('{"features": [1, 2]}'))
  expect(states).toEqual([THREAD_STATE.DECODE, THREAD_STATE.DECODE])
  expect(words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.IDLE)
})

test.each([
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
] as const)('onRequest() answers in %s whoever accepts that alone', (name, inflate) => {
  const path = startPath()
  const head = { path: OIP, requestId: 'same' }
  const plain = path.ask(head, oipBody(900))
  const coded = path.ask({ ...head, acceptEncoding: name }, oipBody(900))
  expect(coded.header('content-encoding')).toBe(name)
  expect(coded.header('vary')).toBe('accept-encoding')
  expect(inflate(coded.answer!.bytes).toString()).toBe(plain.answer!.body)
  const { 'content-encoding': _, vary: __, ...others } = Object.fromEntries(coded.answer!.headers)
  expect({ ...others, 'x-sluice-prediction-id': '' }).toEqual({
    ...Object.fromEntries(plain.answer!.headers),
    'x-sluice-prediction-id': '',
  })
})

test('onRequest() compresses no short answer, no refusal and no document', () => {
  const path = startPath()
  const accept = { acceptEncoding: 'gzip' }
  const answers = [
    path.ask({ ...accept, path: OIP }, oipBody(1)),
    path.ask({ ...accept, path: OIP }, 'garbage'.repeat(1000)),
    path.ask({ ...accept, path: `/v2/models/${'x'.repeat(2000)}/infer` }, oipBody(1)),
    path.ask({ ...accept, method: 'GET', path: '/v2/models/m' }),
  ]
  for (const exchange of answers) expect(exchange.header('content-encoding')).toBe('')
})

test('onRequest() names the encodings that it reads where it refuses one', () => {
  const refused = startPath().ask({ contentEncoding: 'br' }, '{}')
  expect(refused.answer?.status).toBe(415)
  expect(refused.header('accept-encoding')).toBe('gzip, deflate')
})
