/** What clients and records are told of answers whose records cannot be written in time. */

import { expect, test } from 'vitest'
import { HOLD_MS_MAX } from '../../../src/server/held-answers.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../helpers/record-keeping.ts'
import { PREFIX, RequestPath } from '../../helpers/request-path.ts'

const GOOD = { features: [1, 2] }
const FAILED = { role: 'failed', status: 503, code: 'RECORD_UNAVAILABLE' }
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

test('an answer that is held when nothing can be written any more is refused, and so recorded', () => {
  const { path, records, beatAfter, ask } = makePath()
  const held = ask({ requestId: 'mine' })
  records.say('DISK_FULL')
  beatAfter(HOLD_MS_MAX - 1)
  expect(held.answer).toBeNull()
  beatAfter(1)
  expect([held.answer?.status, held.header('x-sluice-error')]).toEqual([503, 'RECORD_UNAVAILABLE'])
  expect(held.json()).toMatchObject({ code: 'RECORD_UNAVAILABLE', retryable: true })
  expect(held.header('x-sluice-prediction-id')).toBe(`${PREFIX}1`)
  expect(records.thread.release?.count).toBe(0)
  records.say('WELL')
  const after = ask({ requestId: 'again' })
  expect(records.take().records).toEqual([
    expect.objectContaining({ ...FAILED, sequence: 1, requestId: 'mine' }),
    expect.objectContaining({ ...ANSWERED, sequence: 2, requestId: 'again' }),
  ])
  path.turns.turn()
  expect(after.answer?.status).toBe(200)
  expect(path.counts(answerKey('m'))).toEqual({
    'features RECORD_UNAVAILABLE': 1,
    'features ok': 1,
  })
})

test('an answer is refused at its deadline, though others before it wait on', () => {
  const { path, records, beatAfter, ask } = makePath()
  const patient = ask({ requestId: 'patient' })
  const hasty = ask({ requestId: 'hasty', timeout: '500' })
  const behind = ask({ requestId: 'behind' })
  beatAfter(400)
  expect(hasty.answer).toBeNull()
  beatAfter(100)
  expect([patient, hasty, behind].map(({ answer }) => answer?.status)).toEqual([
    ...[undefined, 503, undefined],
  ])
  expect(records.thread.release?.count).toBe(2)
  const found = records.take().records.map(({ requestId, role, status }) => ({
    ...{ requestId, role, status },
  }))
  path.turns.turn()
  expect([patient, behind].map(({ answer }) => answer?.status)).toEqual([200, 200])
  expect(found).toEqual([
    { requestId: 'patient', role: 'answer', status: 200 },
    { requestId: 'hasty', role: 'failed', status: 503 },
    { requestId: 'behind', role: 'answer', status: 200 },
  ])
})

test('of a client that has gone meanwhile the record says that, and it is told nothing', () => {
  const { path, records, beatAfter, ask } = makePath()
  const gone = ask({})
  gone.abort()
  records.say('FULL')
  beatAfter(HOLD_MS_MAX)
  expect(gone.answer).toBeNull()
  expect(records.take().records).toMatchObject([{ role: 'failed', status: 0, code: 'ABORTED' }])
  expect(path.counts(answerKey('m'))).toEqual({ 'features aborted': 1 })
})

test('feedback that is held then is refused; its label stays in the records', () => {
  const { path, records, beatAfter } = makePath()
  const body = [{ prediction_id: `${PREFIX}1`, label: 1 }]
  const held = path.send({ path: '/feedback' }, body)
  path.run()
  records.say('IO_ERROR')
  beatAfter(HOLD_MS_MAX)
  expect([held.answer?.status, held.json()]).toMatchObject([
    ...[503, { code: 'RECORD_UNAVAILABLE', errors: [{ pointer: '/0' }] }],
  ])
  expect(records.take().records).toMatchObject([{ role: 'feedback', status: 202 }])
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
