/** Requests, answers and their records where one of these has no room. */

import { expect, test } from 'vitest'
import { refuse } from '../../../src/shared/errors.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../helpers/record-keeping.ts'
import { RequestPath, type RequestPathOptions } from '../../helpers/request-path.ts'

const PLAN = recorded(epochPlan(5, [plannedVersion({ model: 'm', version: 1 })]))

const makePath = (
  settings: ConstructorParameters<typeof RecordKeeping>[0] = {},
  options: RequestPathOptions = {},
  heldBytesMax = 1e9,
) => {
  const records = new RecordKeeping(settings, heldBytesMax)
  return { records, path: new RequestPath(PLAN, { records, ...options }) }
}

const GOOD = { features: [1, 2] }
const ROWS = Array.from({ length: 100 }, () => [1, 2])

test.each(['memory', 'power'] as const)(
  'no answer goes out without its record, however many are under way (%s)',
  (durability) => {
    const settings = { whenFull: 'wait', durability, ringBytes: 64 * 1024 } as const
    const { path, records } = makePath(settings, { queueRowsMax: 100_000 })
    const flood = () => path.send({}, GOOD, refuse('BODY_TOO_LARGE', 'large'))
    const exchanges = Array.from({ length: 1000 }, (_, i) => {
      if (i % 10 === 0) flood()
      return path.send({ requestId: `r${i}` }, i % 3 === 0 ? { instances: ROWS } : GOOD)
    })
    for (let i = 0; i < 300; i++) flood()
    path.turns.turn()
    const kept = new Set(records.take().records.map(({ requestId }) => requestId))
    path.turns.turn()
    const answered = exchanges.filter(({ answer }) => answer?.status === 200)
    expect(answered.length).toBeGreaterThan(30)
    expect(answered.filter(({ requestId }) => !kept.has(requestId))).toEqual([])
    const refused = exchanges.filter(
      (each) => each.header('x-sluice-error') === 'RECORD_UNAVAILABLE',
    )
    expect(answered.length + refused.length).toBe(exchanges.length)
    expect([records.undurable, records.thread.recording.promisedUnits]).toEqual([0, 0])
  },
)

test('while too large answers wait for their records, requests are refused', () => {
  const { path, records } = makePath({ durability: 'power', whenFull: 'wait' }, {}, 300)
  const waiting = Array.from({ length: 5 }, () => path.send({}, { instances: ROWS }))
  path.turns.turn()
  const refused = path.ask({}, GOOD)
  expect(refused.header('x-sluice-error')).toBe('RECORD_UNAVAILABLE')
  records.take()
  path.turns.turn()
  expect(waiting.every(({ answer }) => answer?.status === 200)).toBe(true)
  path.send({}, GOOD)
  path.turns.turn()
  expect(records.take().records).toHaveLength(1)
})

test('who has no record to wait for is not refused for those who have', () => {
  const versions = ['m', 'other'].map((model) => plannedVersion({ model, version: 1 }))
  const plan = epochPlan(5, versions)
  const [m, other] = plan.endpoints
  const records = new RecordKeeping({ durability: 'power', whenFull: 'wait' }, 1)
  const path = new RequestPath(
    { ...plan, endpoints: [{ ...m!, records: RECORDED }, other!] },
    { records },
  )
  path.send({ path: '/predict/m' }, GOOD)
  path.turns.turn()
  const to = (name: string) => path.ask({ path: `/predict/${name}` }, 'garbage')
  expect([to('m'), to('other')].map(({ answer }) => answer?.status)).toEqual([503, 400])
})

test('answers that a thread takes with it at its end are counted as gone', () => {
  const { path, records } = makePath({ durability: 'power', whenFull: 'wait' })
  path.send({}, GOOD)
  path.turns.turn()
  expect(path.counts(answerKey('m'))).toEqual({})
  records.thread.release?.close()
  expect(path.counts(answerKey('m'))).toEqual({ 'features aborted': 1 })
})

test('a request is settled although its client cannot be told of a fault', () => {
  const { path, records } = makePath()
  class Broken extends Error {}
  const exchange = path.send({}, { features: [POISON, 2] })
  exchange.refuse = () => {
    throw new Broken()
  }
  expect(() => path.turns.turn()).toThrow(Broken)
  records.thread.onBeat()
  expect([records.taken, records.floor, records.counted('UNACCOUNTED')]).toEqual([1, 2, 0])
})
