/** What is written down of requests, whatever becomes of them. */

import { expect, test } from 'vitest'
import { refuse } from '../../../src/shared/errors.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../helpers/record-keeping.ts'
import { PREFIX, RequestPath, type RequestPathOptions } from '../../helpers/request-path.ts'

const version = (number: number, model = 'm') => plannedVersion({ model, version: number })

const makePath = (
  settings: ConstructorParameters<typeof RecordKeeping>[0] = {},
  options: RequestPathOptions = {},
  plan = recorded(epochPlan(5, [version(1)])),
) => {
  const records = new RecordKeeping(settings)
  return { records, path: new RequestPath(plan, { records, ...options }) }
}

const GOOD = { features: [1, 2] }

test('an answer is recorded with what was asked, what was answered and how long it took', () => {
  const { path, records } = makePath()
  path.turns.nowMs = 100
  const exchange = path.send({ requestId: 'mine', startedMs: 90 }, GOOD)
  path.turns.nowMs = 107
  path.turns.turn()
  const { records: found } = records.take()
  expect(found).toEqual([
    expect.objectContaining({
      predictionId: `${PREFIX}1`,
      requestId: 'mine',
      timeMs: path.wallMs + 90,
      ...{ endpoint: 'm', model: 'm', version: 1, variant: 'v1', role: 'answer', code: '' },
      ...{ epoch: 5, revision: 1, bucket: -1, protocol: 'features', status: 200 },
      ...{ producer: PREFIX.slice(0, -1), sequence: 1, inclusionProbability: 1, traceId: '' },
      ...{ latencyMs: 17, decodeMs: 10, queueMs: 7, computeMs: 0, rows: 1, isBatch: false },
      instances: [expect.objectContaining({ features: { x: [1, 2] }, outputs: { y: [2, 4] } })],
    }),
  ])
  expect(exchange.header('x-sluice-prediction-id')).toBe(found[0]?.predictionId)
})

test('members of one run are recorded with their own rows', () => {
  const { path, records } = makePath()
  path.send({}, GOOD)
  path.send(
    {},
    {
      instances: [
        [3, 4],
        [5, 6],
      ],
    },
  )
  path.turns.turn()
  const found = records.take().records
  expect(found.map(({ isBatch, rows }) => [isBatch, rows])).toEqual([
    [false, 1],
    [true, 2],
  ])
  expect(found.map(({ instances }) => instances.map(({ features }) => features['x']))).toEqual([
    [[1, 2]],
    [
      [3, 4],
      [5, 6],
    ],
  ])
})

test('the bucket is recorded where traffic is split, and no other', () => {
  const variants = [1, 2].map((number) => ({
    ...{ name: `v${number}`, version: number, weightBp: 5000 },
  }))
  const plan = recorded(epochPlan(1, [version(1), version(2)], { m: variants }))
  const { path, records } = makePath({}, {}, plan)
  path.ask({ path: '/v2/models/m/versions/2/infer' }, 'garbage')
  path.ask({ requestId: 'key' }, GOOD)
  const [pinned, split] = records.take().records
  expect([pinned?.bucket, pinned?.version]).toEqual([-1, 2])
  expect(split?.bucket).toBeGreaterThanOrEqual(0)
})

test.each([
  ['by its engine', {}, '', 'BODY_TOO_LARGE', 413, 0, refuse('BODY_TOO_LARGE', 'large')],
  ['for its encoding', { contentEncoding: 'br' }, '', 'ENCODING_UNSUPPORTED', 415, 0, null],
  ['for its body', {}, 'garbage', 'REQUEST_MALFORMED', 400, 1, null],
  ['for a feature', {}, { features: [1] }, 'TENSOR_SHAPE_MISMATCH', 400, 1, null],
])('what is refused %s is recorded without features', (...given) => {
  const [, head, body, code, status, chosen, refusal] = given
  const { path, records } = makePath()
  const exchange = path.ask(head, body, refusal)
  expect(exchange.answer?.status).toBe(status)
  expect(records.take().records).toEqual([
    expect.objectContaining({
      ...{ role: 'refused', code, status, version: chosen, endpoint: 'm', instances: [] },
      ...{ queueMs: Number.NaN, computeMs: Number.NaN, decodeMs: Number.NaN },
    }),
  ])
})

test('a request that fails in its run is recorded with what it sent', () => {
  const { path, records } = makePath()
  path.turns.nowMs = 1
  path.send({}, GOOD)
  path.send({ requestId: 'bad' }, { features: [POISON, 2] })
  path.turns.turn()
  const found = records.take().records
  expect(found.map(({ role, code, status }) => [role, code, status])).toEqual([
    ['answer', '', 200],
    ['failed', 'INFERENCE_FAILED', 500],
  ])
  expect(found[1]?.instances[0]?.features).toEqual({ x: [POISON, 2] })
  expect(found[1]?.requestId).toBe('bad')
})

test('a client that goes while it waits is recorded as failed, without a status', () => {
  const { path, records } = makePath()
  path.turns.nowMs = 1
  path.send({}, GOOD).abort()
  path.turns.turn()
  expect(records.take().records).toEqual([
    expect.objectContaining({ role: 'failed', code: 'ABORTED', status: 0 }),
  ])
})

test('a client that goes during its run is recorded with what it sent', () => {
  const during = { abort: () => {} }
  class Slow extends CountingSession {
    override run(inputs: Parameters<CountingSession['run']>[0]) {
      during.abort()
      return super.run(inputs)
    }
  }
  const { path, records } = makePath({}, { session: () => new Slow() })
  path.turns.nowMs = 1
  const exchange = path.send({}, GOOD)
  during.abort = () => exchange.abort()
  path.turns.turn()
  expect(records.take().records).toEqual([
    expect.objectContaining({
      ...{ role: 'failed', code: 'ABORTED', status: 0, rows: 1 },
      instances: [expect.objectContaining({ features: { x: [1, 2] } })],
    }),
  ])
})

test('categories that the vocabulary does not have are recorded as they came', () => {
  const features = [
    { name: 'city', type: 'category', tensor: 'x', column: 0, vocabulary: ['ulm'] },
    { name: 'age', type: 'number', tensor: 'x', column: 1 },
  ] as const
  const manifest: Manifest = {
    ...{ digest: '', task: 'other' },
    features: features.map((each) => ({ ...each, optional: true, missing: 7 })),
  }
  const plan = recorded(epochPlan(1, [plannedVersion({ model: 'm', version: 1, manifest })]))
  const { path, records } = makePath({}, {}, plan)
  path.ask({}, { features: { city: 'ulm', age: 1 } })
  path.ask({}, { features: { city: 'bonn' } })
  const found = records.take().records.flatMap(({ instances }) => instances)
  expect(found.map((each) => each.features)).toEqual([
    { city: 'ulm', age: 1 },
    { city: 'bonn', age: null },
  ])
})

test('an endpoint that is not recorded has its numbers counted', () => {
  const policy = { ...RECORDED, isRecorded: false }
  const plan = recorded(epochPlan(1, [version(1)]), policy)
  const { path, records } = makePath({}, {}, plan)
  path.ask({}, GOOD)
  path.ask({}, 'garbage')
  records.thread.onBeat()
  expect(records.take()).toEqual({ records: [], gaps: [{ from: 1, to: 2, reason: 13 }] })
  expect([records.counted('DISABLED'), records.taken]).toEqual([2, 2])
})

test('requests of no endpoint have no place in the records', () => {
  const { path, records } = makePath()
  path.ask({ path: '/nosuch' }, GOOD)
  path.ask({ method: 'GET', path: '/v2' })
  expect([records.taken, records.take().records]).toEqual([0, []])
})

test('without room requests are refused before they are decoded, where that is asked for', () => {
  const { path, records } = makePath({ whenFull: 'wait', ringBytes: 64 * 1024 })
  let answered = 0
  while (path.ask({}, GOOD).answer?.status === 200) answered++
  expect(answered).toBeGreaterThan(100)
  const refused = path.ask({}, 'garbage')
  expect(refused.header('x-sluice-error')).toBe('RECORD_UNAVAILABLE')
  expect(refused.header('retry-after')).toBe('1')
  expect(records.counted('RING_FULL')).toBe(2)
  expect(records.take().records).toHaveLength(answered)
  expect(path.ask({}, GOOD).answer?.status).toBe(200)
})

test.each([
  ['FULL', 'SPOOL_FULL'],
  ['DISK_FULL', 'DISK_FULL'],
  ['IO_ERROR', 'IO_ERROR'],
] as const)('while the spool is %s requests are refused, and counted for it', (state, reason) => {
  const { path, records } = makePath({ whenFull: 'wait' })
  records.say(state)
  expect(path.ask({}, GOOD).header('x-sluice-error')).toBe('RECORD_UNAVAILABLE')
  expect(records.counted(reason)).toBe(1)
  records.say('WELL')
  expect(path.ask({}, GOOD).answer?.status).toBe(200)
})

test('without room records are dropped, and requests answered, unless told otherwise', () => {
  const { path, records } = makePath({ ringBytes: 64 * 1024 })
  for (let i = 0; i < 1000; i++) expect(path.ask({}, GOOD).answer?.status).toBe(200)
  const kept = records.take().records.length
  expect(kept + records.counted('RING_FULL')).toBe(1000)
  records.thread.onBeat()
  const { gaps } = records.take()
  expect(gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(1000 - kept)
})

test('an answer waits for its record, and its time is counted when it has left', () => {
  const { path, records } = makePath({ durability: 'process' })
  path.turns.nowMs = 10
  const exchange = path.send({ isExplained: true, requestId: 'mine' }, GOOD)
  path.run()
  expect([exchange.answer, path.counts(answerKey('m'))]).toEqual([null, {}])
  path.turns.nowMs = 15
  records.take()
  path.turns.turn()
  expect(exchange.answer?.status).toBe(200)
  expect(exchange.header('x-request-id')).toBe('mine')
  expect(exchange.header('server-timing')).toMatch(/, record;dur=5\.000, total;dur=5\.000$/)
  expect(path.counts(answerKey('m'))).toEqual({ 'features ok': 1 })
})

test('answers that wait together keep what each of them says', () => {
  const { path, records } = makePath({ durability: 'process' })
  const sent = Array.from({ length: 70 }, (_, i) => path.send({}, { features: [i, 2] }))
  path.run()
  expect(sent.filter(({ answer }) => answer !== null)).toEqual([])
  records.take()
  path.turns.turn()
  const said = sent.map((exchange) => {
    const { outputs, metadata } = exchange.json()
    return [outputs, metadata]
  })
  expect(said).toEqual(
    sent.map((_, i) => [
      { y: [i * 2, 4] },
      expect.objectContaining({ prediction_id: `${PREFIX}${i + 1}` }),
    ]),
  )
})

test('a client that goes while its answer waits has had it, for all accounts', () => {
  const { path, records } = makePath({ durability: 'power' })
  const exchange = path.send({}, GOOD)
  path.run()
  exchange.abort()
  records.take()
  path.turns.turn()
  expect([exchange.answer, path.inFlight]).toEqual([null, 0])
  expect(path.counts(answerKey('m'))).toEqual({ 'features ok': 1 })
})

test('refusals wait for nothing', () => {
  const { path } = makePath({ durability: 'power', whenFull: 'wait' })
  expect(path.ask({}, 'garbage').answer?.status).toBe(400)
})
