/** What the request path publishes of itself: counters, gauges, states and times. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { COMPUTE_AT, QUEUE_AT, RUNS_AT, TOTAL_AT } from '../../../src/shared/counters.ts'
import { refuse } from '../../../src/shared/errors.ts'
import { LATENCY_SLOTS } from '../../../src/shared/latency-slots.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { answerKey, refusedKey } from '../../helpers/counted-slots.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import type { HeldExchange } from '../../helpers/held-exchange.ts'
import { RequestPath } from '../../helpers/request-path.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const version = (number: number, model = 'm') => plannedVersion({ model, version: number })

const one = () => epochPlan(5, [version(1)])

const some = { name: 'x', shape: [80, 2], datatype: 'FP32', data: new Array(160).fill(1.5) }
const many = { name: 'x', shape: [900, 2], datatype: 'FP32', data: new Array(1800).fill(1.5) }

const input = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }

test('onRequest() shows the rows that wait for any version, and the requests in flight', () => {
  const path = new RequestPath(epochPlan(1, [version(1, 'a'), version(1, 'b')]))
  path.send({ path: '/predict/a' }, { features: [1, 2] })
  expect([path.queueRows, path.inFlight]).toEqual([1, 1])
  path.send(
    { path: '/predict/b' },
    {
      instances: [
        [1, 2],
        [3, 4],
      ],
    },
  )
  path.send({ path: '/predict/b' }, 'garbage')
  expect([path.queueRows, path.inFlight]).toEqual([3, 2])
  path.turns.turn()
  expect([path.queueRows, path.inFlight]).toEqual([0, 0])
})

test('onRequest() shows no row as waiting that is being run', () => {
  const during: number[] = []
  class Watched extends CountingSession {
    override run(inputs: Parameters<Session['run']>[0]) {
      during.push(path.queueRows)
      return super.run(inputs)
    }
  }
  const path = new RequestPath(one(), { session: () => new Watched() })
  path.ask({}, { features: [1, 2] })
  expect(during).toEqual([0])
})

test('onRequest() publishes that it decodes only where that may take long', () => {
  const path = new RequestPath(one())
  const { words } = path.memory.threads[0]!
  const beats = (body: unknown) => {
    const before = words[THREAD_WORDS.BEAT]!
    const exchange = path.send({ path: OIP }, body)
    const state = words[THREAD_WORDS.STATE]
    path.turns.turn()
    return [words[THREAD_WORDS.BEAT]! - before, state, exchange.answer?.status]
  }
  // A run is two beats: its start and its end.
  expect(beats({ inputs: [input] })).toEqual([2, THREAD_STATE.IDLE, 200])
  expect(beats({ parameters: {}, inputs: [input] })).toEqual([4, THREAD_STATE.IDLE, 200])
  expect(beats('garbage')).toEqual([2, THREAD_STATE.IDLE, 400])
})

test('onRequest() counts times from the last byte of the body', () => {
  const path = new RequestPath(one())
  const exchange = path.send({ isExplained: true, headMs: 0 }, { features: [1, 2] })
  path.turns.nowMs += 8
  path.turns.turn()
  expect(exchange.header('server-timing')).toBe(
    'body;dur=0.000, decode;dur=0.000, queue;dur=8.000, infer;dur=0.000;desc="batch 1", ' +
      'total;dur=8.000',
  )
  path.turns.nowMs = 100
  const late = path.send({ isExplained: true, headMs: 30 }, { features: [1, 2] })
  path.turns.turn()
  expect(late.header('server-timing')).toMatch(/^body;dur=70\.000, .* total;dur=0\.000$/)
  expect(late.json()).toMatchObject({ metadata: { latency_ms: 0 } })
  const key = answerKey('m')
  const sums = [TOTAL_AT, QUEUE_AT, COMPUTE_AT].map((at) => path.figure(key, at + LATENCY_SLOTS))
  expect(sums).toEqual([0.008, 0.008, 0])
  expect(path.figure(key, RUNS_AT)).toBe(2)
})

const OIP = '/v2/models/m/infer'

test.each([
  ['the usual body: in no time', { path: OIP }, { inputs: [input] }, 0.004],
  ['one that is explained: measured', { path: OIP, isExplained: true }, { inputs: [input] }, 0],
  ['one for the complete decoder: measured', {}, { features: { x: [1, 2] } }, 0],
  ['a long one: measured', { path: OIP }, { inputs: [some] }, 0],
  ['a very long one: measured', { path: OIP }, { inputs: [many] }, 0],
])('onRequest() decodes %s', (_title, head, body, queueSeconds) => {
  const path = new RequestPath(one())
  path.turns.nowMs = 14
  expect(path.ask({ ...head, startedMs: 10 }, body).answer?.status).toBe(200)
  expect(path.figure(answerKey('m'), QUEUE_AT + LATENCY_SLOTS)).toBe(queueSeconds)
  expect(path.figure(answerKey('m'), TOTAL_AT + LATENCY_SLOTS)).toBe(0.004)
})

test('onRequest() counts what an endpoint refuses before a variant is chosen apart', () => {
  const path = new RequestPath(one())
  path.send({}, '', refuse('BODY_TOO_LARGE', 'too large'))
  path.send({ contentEncoding: 'br' }, '')
  path.send({}, 'garbage')
  path.send({ path: '/nosuch' }, '', refuse('BODY_TOO_LARGE', 'too large'))
  expect(path.counts(refusedKey('m'))).toEqual({
    'features BODY_TOO_LARGE': 1,
    'features ENCODING_UNSUPPORTED': 1,
  })
  expect(path.counts(answerKey('m'))).toEqual({ 'features REQUEST_MALFORMED': 1 })
  expect(path.counts(NO_ENDPOINT_KEY)).toEqual({ 'other BODY_TOO_LARGE': 1 })
})

const BODIES = {
  good: { features: [1, 2] },
  bad: { features: [1] },
  poisoned: { features: [POISON, 2] },
  large: { instances: Array.from({ length: 20 }, () => [1, 2]) },
} as const

type Step = keyof typeof BODIES | 'abort' | 'turn' | 'forsaken'

const take = (path: RequestPath, exchanges: HeldExchange[], step: Step): void => {
  if (step === 'turn') path.turns.turn()
  else if (step === 'forsaken') path.infer.onAborted()
  else if (step !== 'abort') exchanges.push(path.send({}, BODIES[step]))
  else {
    const open = exchanges.find(({ answer, isAborted }) => answer === null && !isAborted)
    if (open !== undefined) open.abort()
  }
}

test('onRequest() counts every request once, whenever its client goes', () => {
  const step = fc.constantFrom<Step>(
    ...(['good', 'good', 'bad', 'poisoned', 'large', 'abort', 'turn', 'forsaken'] as const),
  )
  const path = new RequestPath(one(), { queueRowsMax: 12 })
  let sent = 0
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const exchanges: HeldExchange[] = []
    for (const each of steps) take(path, exchanges, each)
    while (!path.turns.isIdle) path.turns.turn()
    for (const { answer, isAborted } of exchanges) expect(answer === null).toBe(isAborted)
    sent += exchanges.length + steps.filter((each) => each === 'forsaken').length
    expect(Object.values(path.counts()).reduce((sum, count) => sum + count, 0)).toBe(sent)
    expect([path.inFlight, path.queueRows]).toEqual([0, 0])
    expect(path.epochs.current().epoch.inFlight).toBe(0)
  })
  fc.assert(property, { numRuns: propertyRuns(150) })
})

test('onAborted() counts a client that went before its request was complete', () => {
  const path = new RequestPath(one())
  path.infer.onAborted()
  expect(path.counts()).toEqual({ 'other aborted': 1 })
})
