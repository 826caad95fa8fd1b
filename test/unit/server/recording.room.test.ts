/** Requests, answers and their records where one of these has no room. */

import { expect, test } from 'vitest'
import { refuse } from '../../../src/shared/errors.ts'
import { POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../helpers/record-keeping.ts'
import { RequestPath, type RequestPathOptions } from '../../helpers/request-path.ts'

const makePath = (
  settings: ConstructorParameters<typeof RecordKeeping>[0] = {},
  options: RequestPathOptions = {},
  { heldBytesMax = 1e9, rate = 1 } = {},
) => {
  const records = new RecordKeeping(settings, heldBytesMax)
  const plan = recorded(epochPlan(5, [plannedVersion({ model: 'm', version: 1 })]), {
    ...RECORDED,
    rate,
  })
  return { records, path: new RequestPath(plan, { records, ...options }) }
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
    path.run()
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
  const { path, records } = makePath(
    { durability: 'power', whenFull: 'wait' },
    {},
    { heldBytesMax: 300 },
  )
  const waiting = Array.from({ length: 5 }, () => path.send({}, { instances: ROWS }))
  path.run()
  const refused = path.ask({}, GOOD)
  expect(refused.header('x-sluice-error')).toBe('RECORD_UNAVAILABLE')
  records.take()
  path.turns.turn()
  expect(waiting.every(({ answer }) => answer?.status === 200)).toBe(true)
  path.send({}, GOOD)
  path.run()
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
  path.run()
  const to = (name: string) => path.ask({ path: `/predict/${name}` }, 'garbage')
  expect([to('m'), to('other')].map(({ answer }) => answer?.status)).toEqual([503, 400])
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

test('a thread that ends waits a moment for room to say what has no record', () => {
  const { path, records } = makePath({ ringBytes: 64 * 1024 }, {}, { rate: 0.5 })
  for (let i = 0; i < 1000; i++) path.ask({}, GOOD)
  expect(records.floor).toBeLessThan(1001)
  let waits = 0
  records.onWait = () => {
    if (++waits === 3) records.take()
  }
  records.thread.close(false)
  expect([waits, records.floor]).toEqual([3, 1001])
})

test('a fault that comes with every request is reported once a second', () => {
  const { path, records } = makePath()
  const { recording } = records.thread
  const ask = () => {
    path.turns.nowMs += 100
    const exchange = path.send({}, GOOD)
    Object.defineProperty(exchange, 'trace', { value: {}, configurable: true })
    path.turns.turn()
  }
  for (let i = 0; i < 25; i++) ask()
  expect(recording.promisedUnits).toBe(0)
  expect(records.faults.length).toBe(3)
  expect(String(records.faults[1])).toBe('Error: 10 faults of records')
})
