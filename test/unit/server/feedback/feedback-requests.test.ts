import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { FEEDBACK_BYTES_MAX } from '../../../../src/server/feedback/feedback-request.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { NO_ENDPOINT_KEY } from '../../../../src/shared/slot-keys.ts'
import { epochPlan, plannedVersion } from '../../../helpers/epoch-plans.ts'
import type { Head } from '../../../helpers/held-exchange.ts'
import { PuppetSink } from '../../../helpers/puppet-sink.ts'
import { RequestPath } from '../../../helpers/request-path.ts'

const ID = 'k3x9ab.1.0-7-42'
const WALL_MS = 1_700_000_000_000

const plan = (models: readonly string[], more: object = {}) => ({
  ...epochPlan(
    3,
    models.map((model) => plannedVersion({ model, version: 1 })),
  ),
  ...more,
})

/** A data thread of these models. `post` sends feedback. */
const makeWorld = (models: readonly string[] = ['m', 'n'], more: object = {}) => {
  const sink = new PuppetSink()
  const path = new RequestPath(plan(models, more), { feedback: sink })
  const post = (body: unknown, head: Head = {}) => path.send({ path: '/feedback', ...head }, body)
  return { sink, path, post }
}

const kept = (endpoint: string | null, more: object) => ({
  endpoint,
  feedback: {
    ...{ ofPredictionId: null, ofRequestId: null, row: -1, observedAtMs: WALL_MS },
    ...more,
  },
})

const oneFault = (code: string, pointer: string) => ({
  code,
  errors: [{ pointer, detail: expect.any(String) }],
})

test('POST /feedback records an item, and says so when it is released', () => {
  const { sink, path, post } = makeWorld()
  sink.isAtOnce = false
  const exchange = post({ prediction_id: ID, label: 1 }, { requestId: 'r-1' })
  expect(sink.kept).toEqual([kept(null, { ofPredictionId: ID, label: 1 })])
  expect([exchange.answer, path.counts()]).toEqual([null, {}])
  sink.release()
  expect(exchange.answer?.status).toBe(202)
  expect(exchange.json()).toEqual({ accepted: 1 })
  expect(exchange.header('x-request-id')).toBe('r-1')
  expect(exchange.header('content-type')).toBe('application/json')
  expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'features ok': 1 })
})

test('POST /feedback records the items of a list in their order', () => {
  const { sink, post } = makeWorld()
  const items = [
    { prediction_id: ID, row: 2, label: 'late', endpoint: 'n' },
    { request_id: 'a b', label: [true, null], endpoint: 'm', observed_at: '2023-11-14T22:13:20Z' },
  ]
  expect(post(items).json()).toEqual({ accepted: 2 })
  expect(sink.kept).toEqual([
    kept('n', { ofPredictionId: ID, row: 2, label: 'late' }),
    kept('m', { ofRequestId: 'a b', label: [true, null] }),
  ])
  expect(post([{ prediction_id: ID, label: 0 }]).json()).toEqual({ accepted: 1 })
})

test('POST /feedback records nothing of a list of which one item is wrong', () => {
  const { sink, post } = makeWorld()
  const good = { prediction_id: ID, label: 1 }
  const exchange = post([good, { ...good, endpoint: 'o' }, { ...good, row: -1 }])
  expect(exchange.answer?.status).toBe(400)
  expect(exchange.json()).toMatchObject(oneFault('FEEDBACK_INVALID', '/2/row'))
  const late = post([good, { ...good, endpoint: 'o' }])
  expect(late.answer?.status).toBe(404)
  expect(late.json()).toMatchObject(oneFault('ENDPOINT_NOT_FOUND', '/1/endpoint'))
  expect(sink.kept).toEqual([])
})

describe('the endpoint of feedback', () => {
  const item = (more: object) => ({ label: 1, ...more })

  test('is none where only a prediction is named, though there is a default one', () => {
    const { sink, post } = makeWorld(['m'])
    for (const more of [{ prediction_id: ID }, { request_id: ID }]) post(item(more))
    expect(sink.kept).toEqual([
      kept(null, { label: 1, ofPredictionId: ID }),
      // A request without an id has that of its prediction.
      kept(null, { label: 1, ofPredictionId: ID, ofRequestId: ID }),
    ])
  })

  test('is the default one beside a request id', () => {
    const { sink, post } = makeWorld(['m'])
    post(item({ request_id: 'r' }))
    expect(sink.kept).toEqual([kept('m', { label: 1, ofRequestId: 'r' })])
  })

  test.each([
    ['is wanted beside a request id', {}, '', /needs an 'endpoint'\. Endpoints: m, n$/],
    ['must exist', { endpoint: 'mm' }, '/endpoint', /did you mean 'm'/],
    ['must be as it is written', { endpoint: 'M' }, '/endpoint', /did you mean 'm'/],
  ])('%s', (_, more, pointer, detail) => {
    const exchange = makeWorld().post(item({ request_id: 'r', ...more }))
    expect(exchange.answer?.status).toBe(404)
    expect(exchange.json()).toMatchObject({
      ...oneFault('ENDPOINT_NOT_FOUND', pointer),
      detail: expect.stringMatching(detail),
    })
  })

  test('may be away for a while', () => {
    const { post } = makeWorld(['m'], { unavailable: ['away'] })
    const exchange = post(item({ prediction_id: ID, endpoint: 'away' }))
    expect(exchange.json()).toMatchObject(oneFault('VERSION_NOT_READY', '/endpoint'))
    expect(exchange.header('retry-after')).not.toBe('')
  })
})

describe('a key', () => {
  const grant = (...endpoints: string[]): Head => ({
    grant: { endpoints: new Set(endpoints), priority: 0 },
  })
  const asked = (more: object, head: Head, models = ['m', 'n']) => {
    const { sink, post } = makeWorld(models)
    const exchange = post([{ label: 1, ...more }], head)
    return { status: exchange.answer?.status, kept: sink.kept.length, json: exchange.json() }
  }

  test.each([
    ['names the endpoint that it may ask', { prediction_id: ID, endpoint: 'm' }],
    ['names it beside a request id', { request_id: 'r', endpoint: 'm' }],
  ])('that is limited %s', (_, more) => {
    expect(asked(more, grant('m'))).toMatchObject({ status: 202, kept: 1 })
  })

  test('that is limited may leave the default endpoint unnamed beside a request id', () => {
    expect(asked({ request_id: 'r' }, grant('m'), ['m'])).toMatchObject({ status: 202 })
    expect(asked({ request_id: 'r' }, grant('x'), ['m'])).toMatchObject({ status: 403, kept: 0 })
  })

  test.each([
    ['names none', { prediction_id: ID }, '/0'],
    ['names none beside a request id', { request_id: 'r' }, '/0'],
    ['names another', { prediction_id: ID, endpoint: 'n' }, '/0/endpoint'],
    ['names one that does not exist', { prediction_id: ID, endpoint: 'x' }, '/0/endpoint'],
  ])('that is limited is refused where it %s, and told of no endpoint', (_, more, pointer) => {
    const { status, kept: count, json } = asked(more, grant('m'))
    expect([status, count]).toEqual([403, 0])
    expect(json).toMatchObject(oneFault('FORBIDDEN', pointer))
    expect(JSON.stringify(json)).not.toMatch(/Endpoints|'n'|did you mean/)
  })

  test('for all endpoints need name none', () => {
    const head: Head = { grant: { endpoints: null, priority: 0 } }
    expect(asked({ prediction_id: ID }, head)).toMatchObject({ status: 202 })
  })
})

describe('what stands in the way of a record', () => {
  test('POST /feedback is 501 where nothing is recorded', () => {
    const path = new RequestPath(plan(['m']))
    const exchange = path.send({ path: '/feedback' }, 'no JSON')
    expect(exchange.answer?.status).toBe(501)
    expect(exchange.json()).toMatchObject({ code: 'NOT_IMPLEMENTED' })
  })

  test('POST /feedback says what the records of an endpoint say', () => {
    const { sink, post } = makeWorld()
    sink.refusals.set('n', { ...refuse('RECORD_UNAVAILABLE', 'full'), retryAfterMs: 3000 })
    const good = { prediction_id: ID, label: 1 }
    const exchange = post([good, { ...good, endpoint: 'n' }])
    expect(exchange.json()).toMatchObject(oneFault('RECORD_UNAVAILABLE', '/1'))
    expect([exchange.header('retry-after'), sink.kept]).toEqual(['3', []])
    expect(post(good).answer?.status).toBe(202)
  })

  test.each([
    [0, [1], '/0'],
    [2, [1, 2, 3], '/2'],
    [0, null, ''],
  ])('POST /feedback says which item found no room after %i', (room, labels, pointer) => {
    const { sink, path, post } = makeWorld()
    sink.room = room
    const item = (label: number) => ({ prediction_id: ID, label })
    const exchange = post(labels === null ? item(1) : labels.map(item))
    expect(exchange.answer?.status).toBe(503)
    expect(exchange.json()).toMatchObject(oneFault('RECORD_UNAVAILABLE', pointer))
    expect(sink.kept).toHaveLength(room)
    expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'features RECORD_UNAVAILABLE': 1 })
  })

  test('POST /feedback counts a client that has gone before its records were safe', () => {
    const { sink, path, post } = makeWorld()
    sink.isAtOnce = false
    const exchange = post({ prediction_id: ID, label: 1 })
    exchange.abort()
    sink.release()
    expect([sink.kept.length, exchange.answer]).toEqual([1, null])
    expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'features aborted': 1 })
  })
})

describe('POST /feedback', () => {
  test('takes a body as it is compressed', () => {
    const { sink, post } = makeWorld()
    const body = gzipSync(JSON.stringify({ prediction_id: ID, label: 1 }))
    expect(post(body, { contentEncoding: 'gzip' }).answer?.status).toBe(202)
    expect(post(body, { contentEncoding: 'br' }).answer?.status).toBe(415)
    expect(sink.kept).toHaveLength(1)
  })

  test.each([
    ['no JSON', 400, 'REQUEST_MALFORMED'],
    ['{"label":1,"label":1}', 400, 'DUPLICATE_KEY'],
    [' '.repeat(FEEDBACK_BYTES_MAX + 1), 413, 'BODY_TOO_LARGE'],
    ['['.repeat(30), 400, 'REQUEST_TOO_DEEP'],
  ])('refuses %.20s with %i', (body, status, code) => {
    const exchange = makeWorld().post(body)
    expect(exchange.answer?.status).toBe(status)
    expect(exchange.header('content-type')).toBe('application/problem+json')
    expect(exchange.json()).toMatchObject({ code, hint: expect.any(String) })
  })

  test('has labels of one item that are too long together in no record', () => {
    const label = Array.from({ length: 40 }, () => 'x'.repeat(1000))
    const exchange = makeWorld().post([{ prediction_id: ID, label }])
    expect(exchange.answer?.status).toBe(413)
    expect(exchange.json()).toMatchObject(oneFault('BODY_TOO_LARGE', '/0'))
  })

  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('is all that /feedback has: no %s', (method) => {
    const exchange = makeWorld().post('', { method })
    expect(exchange.answer?.status).toBe(405)
    expect(exchange.header('allow')).toBe('POST, OPTIONS')
  })

  test('answers OPTIONS, and browsers that ask for leave', () => {
    const { post } = makeWorld()
    const options = post('', { method: 'OPTIONS' })
    expect([options.answer?.status, options.header('allow')]).toEqual([204, 'POST, OPTIONS'])
    expect(post('', { method: 'OPTIONS', isPreflight: true }).answer?.status).toBe(204)
  })

  test('reports a fault of the records as ours', () => {
    const { sink, path, post } = makeWorld()
    sink.keep = () => {
      throw new Error('broken')
    }
    const exchange = post({ prediction_id: ID, label: 1 }, { requestId: 'r-1' })
    expect(exchange.answer?.status).toBe(500)
    expect(path.faults).toEqual([['r-1', new Error('broken')]])
  })
})
