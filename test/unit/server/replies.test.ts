import { expect, test } from 'vitest'
import { refuse } from '../../../src/shared/errors.ts'
import { NO_ENDPOINT_KEY } from '../../../src/shared/slot-keys.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { PREFIX, RequestPath } from '../../helpers/request-path.ts'

const path = () => new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1 })]))

const OURS = `${PREFIX}1`
const LONG = 'x'.repeat(128)

/** id of the head, of the body, what the answer's body shows and its header */
const IDS: readonly (readonly [string, string | null, string, string])[] = [
  ['', null, OURS, OURS],
  ['head', null, 'head', 'head'],
  ['head', 'body', 'head', 'head'],
  ['', 'body', 'body', 'body'],
  ['', 'Zürich "1"\n', 'Zürich "1"\n', OURS],
  ['a b', null, OURS, OURS],
  ['a b', 'body', 'body', 'body'],
  ['a b', 'a b', 'a b', OURS],
  ['head', 'head', 'head', 'head'],
  ['a\r\nx: y', 'Zürich', 'Zürich', OURS],
  [`${LONG}x`, LONG, LONG, LONG],
]

test.each(IDS)('answered() of the ids %j and %j shows %j and %j', (head, body, shown, header) => {
  const request = { features: [1, 2], ...(body === null ? {} : { request_id: body }) }
  const exchange = path().ask({ requestId: head }, request)
  expect(exchange.json()).toMatchObject({ metadata: { request_id: shown, prediction_id: OURS } })
  expect(exchange.header('x-request-id')).toBe(header)
  expect(exchange.header('x-sluice-prediction-id')).toBe(OURS)
})

test.each(IDS)('refused() of the ids %j and %j shows %j and %j', (head, body, shown, header) => {
  const request = { ...(body === null ? {} : { request_id: body }), features: [1, 'two'] }
  const exchange = path().ask({ requestId: head }, request)
  expect(exchange.json()).toMatchObject({ status: 400, request_id: shown })
  expect(exchange.header('x-request-id')).toBe(header)
  expect(exchange.header('x-sluice-prediction-id')).toBe(OURS)
})

test.each<[string, string | null]>([
  ['', null],
  ['', ''],
  ['', 'theirs'],
  ['head', null],
  ['head', 'theirs'],
  ['head', ''],
])('answered() echoes over OIP, with %j in the head, the id %j of the body alone', (head, id) => {
  const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }]
  const exchange = path().ask(
    { path: '/v2/models/m/infer', requestId: head },
    id === null ? { inputs } : { id, inputs },
  )
  if (id === null) expect(exchange.json()).not.toHaveProperty('id')
  else expect(exchange.json()['id']).toBe(id)
  expect(exchange.header('x-request-id')).toBe(head || id || OURS)
})

test('refused() keeps the id of a body whose rows are wrong', () => {
  const request = { instances: [[1, 2], [1]], request_id: 'theirs' }
  expect(path().ask({}, request).json()).toMatchObject({ request_id: 'theirs' })
})

test('answered() names the first row that JSON cannot carry', () => {
  const requests = path()
  const many = requests.ask(
    {},
    {
      instances: [
        [1, 2],
        [3, 3e38],
        [3e38, 4],
      ],
    },
  )
  expect(many.json()).toMatchObject({
    status: 500,
    code: 'OUTPUT_NOT_FINITE',
    errors: [{ pointer: '/instances/1' }],
  })
  expect(requests.ask({}, { features: [3e38, 1] }).json()).not.toHaveProperty('errors')
  const input = { name: 'x', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, 3e38] }
  expect(requests.ask({ path: '/v2/models/m/infer' }, { inputs: [input] }).json()).toEqual({
    error: "Element 3 of output 'y' is NaN or infinity; ask for it as binary data",
  })
})

test('refused() says when to come again, and only where that may help', () => {
  const again = (code: 'BODY_BUDGET_EXHAUSTED' | 'BODY_TOO_LARGE') =>
    path().ask({}, '', refuse(code, 'too many')).header('retry-after')
  expect([again('BODY_BUDGET_EXHAUSTED'), again('BODY_TOO_LARGE')]).toEqual(['1', ''])
})

test('document() and refused() give requests of no endpoint ids that are no prediction ids', () => {
  const requests = path()
  const others = [
    requests.ask({ method: 'GET', path: '/livez' }),
    requests.ask({ path: '/nosuch' }),
    requests.ask({ method: 'GET', path: '/livez', requestId: 'r-1' }),
    requests.ask({ path: '/nosuch', requestId: 'r-2' }),
  ].map((exchange) => exchange.header('x-request-id'))
  expect(others.slice(2)).toEqual(['r-1', 'r-2'])
  expect(new Set(others).size).toBe(4)
  for (const id of others.slice(0, 2)) expect(id).toMatch(/^gw1234\.0\.0-7-other-\d+$/)
  expect(requests.ask({}, { features: [1, 2] }).header('x-request-id')).toBe(OURS)
})

test('document() counts that a server or model is not ready', () => {
  const plan = epochPlan(1, [plannedVersion({ model: 'm', version: 1 })])
  const requests = new RequestPath({ ...plan, unavailable: ['away'] }, { isReady: () => false })
  const get = (at: string) => {
    const exchange = requests.ask({ method: 'GET', path: at })
    const [code, retry] = ['x-sluice-error', 'retry-after'].map((name) => exchange.header(name))
    return [exchange.answer?.status, code, retry]
  }
  const notReady = [503, 'VERSION_NOT_READY', '1']
  for (const at of ['/readyz', '/v2/health/ready', '/v2/models/away/ready']) {
    expect(get(at)).toEqual(notReady)
  }
  expect(get('/livez')).toEqual([200, '', ''])
  expect(requests.counts(NO_ENDPOINT_KEY)).toEqual({
    'oip VERSION_NOT_READY': 2,
    'other VERSION_NOT_READY': 1,
    'other ok': 1,
  })
})

test('takeSequence() counts from 1 without a gap', () => {
  const { replies } = path()
  expect([1, 2, 3].map(() => replies.takeSequence())).toEqual([1, 2, 3])
  expect(replies.predictionId(3)).toBe(`${PREFIX}3`)
})
