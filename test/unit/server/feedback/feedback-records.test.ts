import { expect, test } from 'vitest'
import { epochPlan, plannedVersion } from '../../../helpers/epoch-plans.ts'
import { RECORDED, RecordKeeping, recorded } from '../../../helpers/record-keeping.ts'
import { PREFIX, RequestPath } from '../../../helpers/request-path.ts'

const PLAN = {
  ...recorded(epochPlan(5, [plannedVersion({ model: 'm', version: 1 })])),
  records: RECORDED,
}
const HEAD = { path: '/feedback', requestId: 'call-1' }

const byId = (label: number) => ({ prediction_id: `${PREFIX}1`, label })
const byRequest = (label: number) => ({ request_id: 'mine', endpoint: 'm', label })

const makePath = (
  settings: ConstructorParameters<typeof RecordKeeping>[0] = {},
  plan: typeof PLAN = PLAN,
) => {
  const records = new RecordKeeping(settings)
  return { records, path: new RequestPath(plan, { records }) }
}

test('each item is a record with a sequence number of its own', () => {
  const { path, records } = makePath()
  path.turns.nowMs = 4
  const exchange = path.send({ ...HEAD, startedMs: 1 }, [byId(1), byRequest(0)])
  expect([exchange.answer?.status, exchange.json()]).toEqual([202, { accepted: 2 }])
  const found = records.take().records
  const both = { role: 'feedback', status: 202, code: '', epoch: 5, requestId: 'call-1' }
  expect(found).toEqual([
    expect.objectContaining({
      ...{ ...both, sequence: 1, endpoint: '', latencyMs: 3, rows: 0, instances: [] },
      feedback: expect.objectContaining({ ofPredictionId: `${PREFIX}1`, label: 1 }),
    }),
    expect.objectContaining({
      ...{ ...both, sequence: 2, endpoint: 'm' },
      feedback: expect.objectContaining({ ofRequestId: 'mine', label: 0 }),
    }),
  ])
})

test('an answer to feedback waits for the last of its records', () => {
  const { path, records } = makePath({ durability: 'process' })
  const exchange = path.send(HEAD, [byId(1), byId(0)])
  path.turns.turn()
  expect(exchange.answer).toBeNull()
  records.take()
  path.turns.turn()
  expect(exchange.answer?.status).toBe(202)
})

test('feedback is no prediction: nothing else is recorded of it', () => {
  const { path, records } = makePath()
  expect(path.send(HEAD, { label: 1 }).answer?.status).toBe(400)
  expect([records.taken, records.take().records]).toEqual([0, []])
})

test.each(['drop', 'wait'] as const)(
  'without room (%s) it says how many are recorded',
  (whenFull) => {
    const { path, records } = makePath({ whenFull, ringBytes: 64 * 1024 })
    let accepted = 0
    let refused = path.send(HEAD, [byId(1), byId(2), byId(3)])
    for (; refused.answer?.status === 202; refused = path.send(HEAD, [byId(1), byId(2), byId(3)])) {
      accepted += 3
    }
    expect(refused.header('x-sluice-error')).toBe('RECORD_UNAVAILABLE')
    const [fault] = refused.json()['errors'] as { pointer: string }[]
    expect(records.take().records).toHaveLength(accepted + Number(fault?.pointer.slice(1)))
  },
)

test('feedback of an endpoint that keeps no records is not accepted', () => {
  const plan = { ...PLAN, ...recorded(PLAN, { ...RECORDED, isRecorded: false }) }
  const { path } = makePath({}, plan)
  expect(path.send(HEAD, byRequest(1)).answer?.status).toBe(501)
  expect(path.send(HEAD, byId(1)).answer?.status).toBe(202)
})

test.each(['drop', 'hmac'] as const)(
  'a label by an id that is not kept (%s) is refused: it could be joined to nothing',
  (kind) => {
    const redact = { ...RECORDED.redact, requestId: { kind } }
    const policy = { ...RECORDED, redact }
    const { path, records } = makePath({}, { ...recorded(PLAN, policy), records: policy })
    const refused = path.send(HEAD, [byId(1), byRequest(0)])
    expect(refused.answer?.status).toBe(501)
    expect(refused.json()).toMatchObject({
      code: 'NOT_IMPLEMENTED',
      errors: [{ pointer: '/1', detail: expect.stringContaining("name the 'prediction_id'") }],
    })
    expect([records.taken, records.take().records]).toEqual([0, []])
    // The id that a request without one has is that of its prediction, which is kept.
    const named = { request_id: `${PREFIX}1`, endpoint: 'm', label: 1 }
    expect(path.send(HEAD, [byId(1), named]).answer?.status).toBe(202)
  },
)
