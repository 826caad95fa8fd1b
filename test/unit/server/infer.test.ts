import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf, expandRuns } from '../../../src/routing/bucket-table.ts'
import { ROWS_AT } from '../../../src/shared/counters.ts'
import { refuse } from '../../../src/shared/errors.ts'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import type { HeldExchange } from '../../helpers/held-exchange.ts'
import { PREFIX, RequestPath } from '../../helpers/request-path.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const version = (number: number, model = 'm') => plannedVersion({ model, version: number })

const one = () => epochPlan(5, [version(1)])

const variant = (number: number, weightBp: number) => ({
  name: `v${number}`,
  version: number,
  weightBp,
})

const OIP = '/v2/models/m/infer'
const input = (data: readonly number[]) => ({
  name: 'x',
  shape: [data.length / 2, 2],
  datatype: 'FP32',
  data,
})

const sequenceOf = (exchange: HeldExchange): number => {
  const id = exchange.header('x-sluice-prediction-id')
  expect(id.startsWith(PREFIX)).toBe(true)
  return Number(id.slice(PREFIX.length))
}

test('onRequest() answers in the format of the path, with ids and labels', () => {
  const path = new RequestPath(one())
  const features = path.ask({ requestId: 'r-1' }, { features: [1, 2] })
  expect(features.answer?.status).toBe(200)
  expect(features.json()).toMatchObject({
    outputs: { y: [2, 4] },
    metadata: { request_id: 'r-1', prediction_id: `${PREFIX}1`, model: 'm', version: 1 },
  })
  expect(Object.fromEntries(features.answer!.headers)).toEqual({
    'content-type': 'application/json',
    'x-request-id': 'r-1',
    'x-sluice-prediction-id': `${PREFIX}1`,
    'x-sluice-model': 'm',
    'x-sluice-version': '1',
    'x-sluice-variant': 'v1',
    'x-sluice-epoch': '5',
  })
  const oip = path.ask({ path: OIP }, { id: 'theirs', inputs: [input([3, 4, 5, 6])] })
  expect(oip.json()).toEqual({
    model_name: 'm',
    model_version: '1',
    id: 'theirs',
    outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 2], data: [6, 8, 10, 12] }],
  })
  expect(path.counts(answerKey('m'))).toEqual({ 'features ok': 1, 'oip ok': 1 })
  expect(path.figure(answerKey('m'), ROWS_AT)).toBe(3)
})

test('onRequest() lets a page send what it asks to send, whatever it asks for', () => {
  const path = new RequestPath(one())
  for (const target of ['/predict', OIP, '/nosuch']) {
    const head = { method: 'OPTIONS', path: target, isPreflight: true, requestId: 'r' }
    const exchange = path.ask(head)
    expect(exchange.answer).toMatchObject({ status: 204, body: '' })
    expect(Object.fromEntries(exchange.answer!.headers)).toEqual({ 'x-request-id': 'r' })
  }
  expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'other ok': 3 })
  const tooLarge = path.ask(
    { method: 'OPTIONS', isPreflight: true },
    '',
    refuse('BODY_TOO_LARGE', 'too large'),
  )
  expect(tooLarge.answer?.status).toBe(413)
})

test('onRequest() gives every request of an endpoint one number, refused or not, without a gap', () => {
  const path = new RequestPath(one(), { queueRowsMax: 2 })
  const kinds: (() => HeldExchange)[] = [
    () => path.send({}, { features: [1, 2] }),
    () => path.send({ path: OIP }, { inputs: [input([1, 2])] }),
    () => path.send({}, { features: [1] }),
    () => path.send({}, 'garbage'),
    () => path.send({ contentEncoding: 'br' }, ''),
    () => path.send({}, '', refuse('BODY_TOO_LARGE', 'too large')),
    () => path.send({}, { features: [POISON, 2] }),
    () => path.send({}, { features: [3e38, 2] }),
    () =>
      path.send(
        {},
        {
          instances: [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        },
      ),
  ]
  const others = [
    () => path.send({ method: 'GET', path: '/livez' }),
    () => path.send({ path: '/nosuch' }),
    () => path.send({ method: 'GET' }),
  ]
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...kinds) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  )
  let last = 0
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const exchanges = steps.map((send) => send())
    path.turns.turn()
    path.turns.turn()
    const own = exchanges.filter((_, i) => kinds.includes(steps[i]!))
    expect(own.map(sequenceOf)).toEqual(own.map((_, i) => last + 1 + i))
    last += own.length
    for (const each of exchanges) {
      expect(each.header('x-request-id')).toMatch(/^[A-Za-z0-9._~-]+$/)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(50) })
})

const split = [variant(1, 2500), variant(2, 0), variant(3, 7500)]
const splitPlan = () => epochPlan(1, [version(1), version(2), version(3)], { m: split })

/** What the published rule says, from the key alone. */
const variantFor = (key: string): string => {
  const { salt, bucketRuns } = splitPlan().endpoints[0]!
  return split[expandRuns(bucketRuns)[bucketOf(salt, key)]!]!.name
}

test('onRequest() routes by the id of the head, and always alike', () => {
  const path = new RequestPath(splitPlan())
  const property = fc.property(fc.stringMatching(/^[a-z0-9-]{1,20}$/), (requestId) => {
    const answers = [1, 2].map(() => path.ask({ requestId }, { features: [1, 2] }))
    for (const each of answers) {
      expect(each.header('x-sluice-variant')).toBe(variantFor(requestId))
    }
  })
  fc.assert(property, { numRuns: propertyRuns(100) })
})

test('onRequest() routes a request without an id by its own prediction id, also while it waits', () => {
  const path = new RequestPath(splitPlan())
  const exchanges = Array.from({ length: 400 }, () => path.send({}, { features: [1, 2] }))
  for (let i = 0; i < 200; i++) path.turns.turn()
  const names = exchanges.map((each) => each.header('x-sluice-variant'))
  for (const [i, each] of exchanges.entries()) {
    expect(names[i]).toBe(variantFor(each.header('x-sluice-prediction-id')))
  }
  // 400 draws at 2,500 of 10,000: no clumps, and nothing for the variant without weight.
  const first = names.filter((name) => name === 'v1').length
  expect([first > 60 && first < 140, names.includes('v2')]).toEqual([true, false])
})

test('onRequest() sends all to the one variant with weight, and a pinned version what asks for it', () => {
  const variants = [variant(1, 0), variant(2, 10_000)]
  const path = new RequestPath(epochPlan(1, [version(1), version(2)], { m: variants }))
  const asked = [0, 1, 2].map(() => path.ask({}, { features: [1, 2] }).header('x-sluice-version'))
  expect(asked).toEqual(['2', '2', '2'])
  const pinned = path.ask({ path: '/v2/models/m/versions/1/infer' }, { inputs: [input([1, 2])] })
  expect(pinned.header('x-sluice-version')).toBe('1')
  expect(path.counts(answerKey('m', '1'))).toEqual({ 'oip ok': 1 })
  expect(path.counts(answerKey('m', '2'))).toEqual({ 'features ok': 3 })
})

test('onRequest() keeps a request on the epoch that it began under', () => {
  const path = new RequestPath(one())
  const before = path.send({}, { features: [1, 2] })
  path.commit(epochPlan(6, [version(2)]))
  const after = path.ask({}, { features: [1, 2] })
  expect([before, after].map((each) => each.header('x-sluice-epoch'))).toEqual(['5', '6'])
  expect([before, after].map((each) => each.header('x-sluice-version'))).toEqual(['1', '2'])
})

const instances = (rows: number) => ({ instances: Array.from({ length: rows }, () => [1, 2]) })

test('onRequest() refuses rows beyond the queue, with a time to come again', () => {
  const path = new RequestPath(one(), { queueRowsMax: 3 })
  const first = path.send({}, instances(3))
  const refused = path.send({}, { features: [1, 2] })
  expect(refused.answer?.status).toBe(503)
  expect(refused.header('x-sluice-error')).toBe('QUEUE_FULL')
  expect(refused.header('retry-after')).toBe('1')
  path.turns.turn()
  expect(first.answer?.status).toBe(200)
  expect(path.ask({}, { features: [1, 2] }).answer?.status).toBe(200)
  expect(path.counts(answerKey('m'))).toEqual({ 'features ok': 2, 'features QUEUE_FULL': 1 })
})

test('onRequest() does not look at a body where not even one row may wait', () => {
  const path = new RequestPath(one(), { queueRowsMax: 3 })
  path.send({}, instances(3))
  for (const head of [{}, { path: OIP }]) {
    expect(path.send(head, 'garbage').header('x-sluice-error')).toBe('QUEUE_FULL')
  }
  path.turns.turn()
  expect(path.send({}, 'garbage').header('x-sluice-error')).toBe('REQUEST_MALFORMED')
})

test('onRequest() lets others in beside a request of more rows than may wait', () => {
  const clock = { path: null as RequestPath | null }
  class SlowSession extends CountingSession {
    override run(inputs: Parameters<CountingSession['run']>[0]) {
      if (clock.path !== null) clock.path.turns.nowMs += 1.5
      return super.run(inputs)
    }
  }
  const path = new RequestPath(one(), { queueRowsMax: 10, session: () => new SlowSession() })
  clock.path = path
  const large = path.send({}, instances(100))
  expect(path.queueRows).toBe(100)
  const others: HeldExchange[] = []
  while (large.answer === null) others.push(path.ask({}, { features: [1, 2] }))
  expect(others.length).toBeGreaterThan(10)
  expect(path.send({}, instances(100)).answer?.status).toBe(503) // the last other still waits
  while (path.inFlight > 0) path.turns.turn()
  expect(large.answer.status).toBe(200)
  expect(new Set(others.map((each) => each.answer?.status))).toEqual(new Set([200]))
  expect(path.queueRows).toBe(0)
})

test('onRequest() fails a bad row alone and says which it is', () => {
  const path = new RequestPath(one())
  const good = path.send({}, { features: [1, 2] })
  const bad = path.send(
    {},
    {
      instances: [
        [1, 2],
        [3, 4],
        [POISON, 6],
      ],
    },
  )
  const oip = path.send({ path: OIP }, { inputs: [input([1, 2, POISON, 2])] })
  path.turns.turn()
  expect(good.json()).toMatchObject({ outputs: { y: [2, 4] } })
  expect(bad.json()).toMatchObject({
    status: 500,
    code: 'INFERENCE_FAILED',
    detail: expect.stringMatching(/ \(row 2\)$/),
    errors: [{ pointer: '/instances/2' }],
  })
  expect(oip.json()).toEqual({
    error: expect.stringMatching(/^The model failed on this input: .* \(row 1\)$/),
  })
  expect(path.counts(answerKey('m'))).toMatchObject({
    'features INFERENCE_FAILED': 1,
    'oip INFERENCE_FAILED': 1,
  })
})

/** Gives no output at all: what follows is a fault of ours. */
class EmptySession extends CountingSession {
  override run() {
    return []
  }
}

test('onRequest() answers a fault of ours in the form of the path, under the id that is logged', () => {
  const path = new RequestPath(one(), { session: () => new EmptySession() })
  const named = path.ask({ requestId: 'r-1' }, { features: [1, 2] })
  const nameless = path.ask({ path: OIP }, { id: 'a b', inputs: [input([1, 2])] })
  expect(named.json()).toMatchObject({ status: 500, code: 'INTERNAL', request_id: 'r-1' })
  expect(named.header('x-request-id')).toBe('r-1')
  expect(nameless.json()).toEqual({ error: 'Internal error' })
  expect(nameless.header('x-request-id')).toBe(`${PREFIX}2`)
  expect(path.faults.map(([id]) => id)).toEqual(['r-1', `${PREFIX}2`])
  expect(path.faults[0]![1]).toBeInstanceOf(TypeError)
  expect(path.counts(answerKey('m'))).toEqual({ 'features INTERNAL': 1, 'oip INTERNAL': 1 })
  expect([path.inFlight, path.queueRows]).toEqual([0, 0])
})

test('onRequest() throws nothing where a document cannot be made', () => {
  const isReady = () => {
    throw new Error('no memory')
  }
  const path = new RequestPath(one(), { isReady })
  const exchange = path.ask({ method: 'GET', path: '/v2/health/ready' })
  expect(exchange.json()).toEqual({ error: 'Internal error' })
  expect(path.faults).toEqual([[exchange.header('x-request-id'), new Error('no memory')]])
  expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'oip INTERNAL': 1 })
})
