import { expect, test } from 'vitest'
import { outcomeOf } from '../../../src/cli/feedback-batch.ts'

const answer = (status: number, body: unknown = {}, retryAfter: string | null = null) => ({
  ...{ status, retryAfter },
  text: typeof body === 'string' ? body : JSON.stringify(body),
})

const problem = (code: string, ...pointers: string[]) => ({
  ...{ code, detail: 'why' },
  errors: pointers.map((pointer) => ({ pointer, detail: `at ${pointer}` })),
})

test('outcomeOf() 202 is done', () => {
  expect(outcomeOf(3, answer(202, { accepted: 3 }))).toEqual({ kind: 'done' })
})

test('outcomeOf() takes out the rows that are named, each once', () => {
  const body = problem('FEEDBACK_INVALID', '/12/label', '/2', '/12/row', '/99', '', '/x')
  expect(outcomeOf(20, answer(400, body))).toMatchObject({
    ...{ kind: 'again', taken: 0, isAtOnce: true },
    rejected: [
      { index: 2, reason: 'at /2' },
      { index: 12, reason: 'at /12/label' },
    ],
  })
})

test('outcomeOf() goes on behind what has been recorded', () => {
  const body = problem('RECORD_UNAVAILABLE', '/7')
  expect(outcomeOf(20, answer(503, body, '2'))).toMatchObject({
    ...{ kind: 'again', taken: 7, rejected: [], isAtOnce: false, waitMs: 2000 },
    ...{ code: 'RECORD_UNAVAILABLE', detail: 'why' },
  })
})

test.each([
  [answer(429, problem('RATE_LIMITED'), '1'), 1000],
  [answer(503, problem('BODY_BUDGET_EXHAUSTED', '/3')), null],
  [answer(503, problem('QUEUE_FULL'), '86400'), 30_000],
  [answer(500, problem('INTERNAL'), 'soon'), null],
  [answer(502, '<html>'), null],
])('outcomeOf() waits and sends all again, %#', (given, waitMs) => {
  const wanted = { kind: 'again', taken: 0, rejected: [], isAtOnce: false, waitMs }
  expect(outcomeOf(5, given)).toMatchObject(wanted)
})

test.each([
  [answer(401, problem('KEY_REQUIRED')), 'KEY_REQUIRED'],
  [answer(501, problem('NOT_IMPLEMENTED')), 'NOT_IMPLEMENTED'],
  [answer(404, '<html>'), undefined],
  [answer(400, problem('REQUEST_MALFORMED', '')), 'REQUEST_MALFORMED'],
  [answer(200, 'welcome'), undefined],
])('outcomeOf() stops where no row is to blame, %#', (given, code) => {
  expect(outcomeOf(5, given)).toMatchObject({ kind: 'stop', code })
})
