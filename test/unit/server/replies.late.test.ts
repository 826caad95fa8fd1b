/** What clients and records are told of answers whose records cannot be written in time. */

import { expect, test } from 'vitest'
import { outcomeOf } from '../../../src/cli/feedback-batch.ts'
import { HOLD_MS_MAX } from '../../../src/server/held-answers.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../helpers/record-keeping.ts'
import { PREFIX, RequestPath } from '../../helpers/request-path.ts'

const GOOD = { features: [1, 2] }
const ANSWERED = { role: 'answer', status: 200, code: '' }

const makePath = () => {
  const records = new RecordKeeping({ durability: 'process', whenFull: 'wait' })
  const plan = recorded(epochPlan(5, [plannedVersion({ model: 'm', version: 1 })]))
  const path = new RequestPath({ ...plan, records: RECORDED }, { records })
  /** As long as the spool thread finds no room. */
  const beatAfter = (ms: number) => {
    path.turns.advance(ms)
    records.thread.onBeat()
  }
  const ask = (head: object, body: unknown = GOOD) => {
    const exchange = path.send(head, body)
    path.run()
    return exchange
  }
  return { path, records, beatAfter, ask }
}

test('an answer is refused that is held for long when nothing can be written any more', () => {
  const { path, records, beatAfter, ask } = makePath()
  const held = ask({ requestId: 'mine' })
  records.say('DISK_FULL')
  beatAfter(HOLD_MS_MAX - 1)
  expect(held.answer).toBeNull()
  beatAfter(1)
  expect([held.answer?.status, held.header('x-sluice-error')]).toEqual([503, 'RECORD_UNAVAILABLE'])
  expect(held.json()).toMatchObject({ code: 'RECORD_UNAVAILABLE', retryable: true })
  expect(held.header('x-sluice-prediction-id')).toBe(`${PREFIX}1`)
  expect([records.thread.release?.count, path.inFlight]).toEqual([0, 0])
  records.say('WELL')
  const after = ask({ requestId: 'again' })
  // The record says what the model answered, as it was written.
  expect(records.take()).toMatchObject({
    records: [
      { ...ANSWERED, sequence: 1, requestId: 'mine' },
      { ...ANSWERED, sequence: 2, requestId: 'again' },
    ],
    gaps: [],
  })
  path.turns.turn()
  expect(after.answer?.status).toBe(200)
  expect(path.counts(answerKey('m'))).toEqual({
    'features RECORD_UNAVAILABLE': 1,
    'features ok': 1,
  })
})

test('at its deadline an answer is refused for that, though others before it wait on', () => {
  const { path, records, beatAfter, ask } = makePath()
  const patient = ask({ requestId: 'patient' })
  const hasty = ask({ requestId: 'hasty', timeout: '500' })
  const behind = ask({ requestId: 'behind' })
  records.say('FULL')
  beatAfter(400)
  expect(hasty.answer).toBeNull()
  beatAfter(100)
  expect([patient, hasty, behind].map(({ answer }) => answer?.status)).toEqual([
    ...[undefined, 503, undefined],
  ])
  expect(hasty.header('x-sluice-error')).toBe('DEADLINE_EXPIRED')
  expect(hasty.header('x-sluice-prediction-id')).toBe(`${PREFIX}2`)
  expect(records.thread.release?.count).toBe(2)
  const found = records.take().records
  path.turns.turn()
  expect([patient, behind].map(({ answer }) => answer?.status)).toEqual([200, 200])
  expect(found).toMatchObject(
    ['patient', 'hasty', 'behind'].map((requestId) => ({ ...ANSWERED, requestId })),
  )
  expect(path.counts(answerKey('m'))).toEqual({
    'features DEADLINE_EXPIRED': 1,
    'features ok': 2,
  })
})

test('while the spool is well none is, however late the disk is', () => {
  const { path, records, beatAfter, ask } = makePath()
  const held = ask({ timeout: '500' })
  for (const ms of [495, HOLD_MS_MAX, 10 * HOLD_MS_MAX]) beatAfter(ms)
  expect(held.answer).toBeNull()
  records.take()
  path.turns.turn()
  expect(held.answer?.status).toBe(200)
})

test('a client that has gone meanwhile is told nothing', () => {
  const { path, records, beatAfter, ask } = makePath()
  const gone = ask({})
  gone.abort()
  records.say('FULL')
  beatAfter(HOLD_MS_MAX)
  expect(gone.answer).toBeNull()
  expect(records.take().records).toMatchObject([ANSWERED])
  expect(path.counts(answerKey('m'))).toEqual({ 'features aborted': 1 })
})

test('feedback that is held then is refused as a whole, and may be on disk all the same', () => {
  const { path, records, beatAfter } = makePath()
  const body = [1, 2, 3].map((label) => ({ prediction_id: `${PREFIX}1`, label }))
  const held = path.send({ path: '/feedback' }, body)
  path.run()
  records.say('IO_ERROR')
  beatAfter(HOLD_MS_MAX)
  expect([held.answer?.status, held.json()['code']]).toEqual([503, 'RECORD_UNAVAILABLE'])
  // No item is named: nobody is told that those before it are recorded, or those behind it not.
  expect(held.json()['errors']).toBeUndefined()
  const { body: text } = held.answer!
  expect(outcomeOf(3, { status: 503, text, retryAfter: '1' })).toMatchObject({
    ...{
      kind: 'again',
      taken: 0,
      rejected: [],
      detail: expect.stringMatching(/may be there twice/),
    },
  })
  const label = { role: 'feedback', status: 202 }
  expect(records.take().records).toMatchObject([label, label, label])
})

test('what is held when the thread ends is told that it has no answer', () => {
  const { path, records, ask } = makePath()
  const held = ask({})
  records.say('FULL')
  records.thread.release?.close()
  expect([held.answer?.status, held.header('x-sluice-error')]).toEqual([503, 'RECORD_UNAVAILABLE'])
  expect([path.inFlight, records.take().records]).toMatchObject([0, [ANSWERED]])
  expect(path.counts(answerKey('m'))).toEqual({ 'features RECORD_UNAVAILABLE': 1 })
})

test('what has come to disk by then is answered', () => {
  const { path, records, beatAfter, ask } = makePath()
  const held = ask({ timeout: '500' })
  records.say('FULL')
  records.take()
  beatAfter(10 * HOLD_MS_MAX)
  path.turns.turn()
  expect(held.answer?.status).toBe(200)
})
