import { describe, expect, test } from 'vitest'
import {
  FEEDBACK_BYTES_MAX,
  FEEDBACK_ITEMS_MAX,
  readFeedback,
} from '../../../../src/server/feedback/feedback-request.ts'
import { isRefusal, type Refusal } from '../../../../src/shared/errors.ts'

const ID = 'k3x9ab.1.0-7-42'
const NOW_MS = Date.UTC(2026, 10, 27, 12)
const GOOD = { prediction_id: ID, label: 1 }

const read = (body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readFeedback(new TextEncoder().encode(text), 20, NOW_MS)
}

const refusalOf = (body: unknown): Refusal => {
  const found = read(body)
  if (!isRefusal(found)) throw new Error('it was taken')
  return found
}

describe('what readFeedback() takes', () => {
  test.each([
    ['a number', 1, 1],
    ['a fraction', -0.25, -0.25],
    ['the largest number', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['text', 'on time', 'on time'],
    ['no text', '', ''],
    ['long text', '😀'.repeat(1024), '😀'.repeat(1024)],
    ['a boolean', false, false],
    ['a list', [1, 'a', true, null], [1, 'a', true, null]],
    ['a list of all that it may have', new Array(4096).fill(0), new Array(4096).fill(0)],
  ])('readFeedback() takes %s for a label', (_, label, wanted) => {
    expect(read({ ...GOOD, label })).toMatchObject([{ feedback: { label: wanted } }])
  })

  test('readFeedback() fills in what is absent or null', () => {
    const more = { request_id: null, row: null, observed_at: null, endpoint: null }
    const feedback = {
      ...{ ofPredictionId: ID, ofRequestId: null, row: -1, label: 1, observedAtMs: NOW_MS },
    }
    for (const item of [GOOD, { ...GOOD, ...more }]) {
      expect(read(item)).toEqual([{ feedback, endpoint: null, at: '' }])
      expect(read([item])).toEqual([{ feedback, endpoint: null, at: '/0' }])
    }
  })

  test.each([
    ['2026-11-28T12:00:00Z', NOW_MS + 86_400_000],
    ['2000-01-01T00:00:00Z', Date.UTC(2000, 0, 1)],
    ['2026-11-27T13:00:00+01:00', NOW_MS],
  ])('readFeedback() takes %s for the time of a label', (observed_at, observedAtMs) => {
    expect(read({ ...GOOD, observed_at })).toMatchObject([{ feedback: { observedAtMs } }])
  })

  test('readFeedback() takes keys in any order, blanks, and as many items as it may', () => {
    expect(read(` [ {"row" : 3.0,\n"label": 1, "prediction_id":"${ID}"} ] `)).toMatchObject([
      { feedback: { row: 3 } },
    ])
    expect(read(new Array(FEEDBACK_ITEMS_MAX).fill(GOOD))).toHaveLength(FEEDBACK_ITEMS_MAX)
  })
})

describe('what readFeedback() refuses', () => {
  test.each([
    ['no object', 1, '', /must be an object, got a number$/],
    ['an item that is none', [GOOD, []], '/1', /must be an object, got a list$/],
    ['no item', [], '', /no item$/],
    ['too many', new Array(1001).fill(GOOD), '', /may have 1000 items, got 1001$/],
    ['an unknown key', { ...GOOD, lable: 1 }, '/lable', /did you mean 'label'\?$/],
    ['another unknown key', { ...GOOD, 'a/b~': 1 }, '/a~1b~0', /known: prediction_id, /],
    ['no id', { label: 1 }, '', /either 'prediction_id' or 'request_id'$/],
    ['ids that are null', { label: 1, prediction_id: null }, '', /either/],
    ['two ids', { ...GOOD, request_id: 'r' }, '', /either/],
    ['no label', { prediction_id: ID }, '', /needs a 'label'$/],
    ['null', { ...GOOD, label: null }, '', /needs a 'label'$/],
    [
      'an object',
      { ...GOOD, label: {} },
      '/label',
      /number, a string or a boolean, got an object$/,
    ],
    ['lists in a list', { ...GOOD, label: [1, []] }, '/label/1', /got a list$/],
    ['no labels', { ...GOOD, label: [] }, '/label', /must have a label$/],
    ['nothing but null', { ...GOOD, label: [null, null] }, '/label', /must have a label$/],
    ['too many labels', { ...GOOD, label: new Array(4097).fill(0) }, '/label', /4096 labels/],
    ['long text', { ...GOOD, label: 'x'.repeat(1025) }, '/label', /more than 1024 characters$/],
    ['text with NUL', { ...GOOD, label: ['a\0'] }, '/label/0', /NUL/],
    [
      'a number with too many digits',
      { ...GOOD, label: 2 ** 53 },
      '/label',
      /send it as a string$/,
    ],
    ['another', { ...GOOD, label: -1e300 }, '/label', /send it as a string$/],
    ['half a row', { ...GOOD, row: 0.5 }, '/row', /number of a row/],
    ['a row before the first', { ...GOOD, row: -1 }, '/row', /from 0$/],
    ['a row beyond all', { ...GOOD, row: 2 ** 31 - 1 }, '/row', /number of a row/],
    ['a row that is text', { ...GOOD, row: '1' }, '/row', /number of a row/],
    ['a row of several labels', { ...GOOD, row: 0, label: [1] }, '/row', /one for each row$/],
    ['an id of no prediction', { label: 1, prediction_id: 'r-1' }, '/prediction_id', /got 'r-1'$/],
    ['a number for an id', { label: 1, prediction_id: 7 }, '/prediction_id', /like k3x9ab\.1/],
    ['an empty id', { label: 1, request_id: '' }, '/request_id', /1 to 128 characters$/],
    ['a long id', { label: 1, request_id: 'x'.repeat(129) }, '/request_id', /1 to 128/],
    ['a time that is none', { ...GOOD, observed_at: 'now' }, '/observed_at', /like 2026-/],
    ['a time in seconds', { ...GOOD, observed_at: 1764244800 }, '/observed_at', /RFC 3339/],
    ['a time to come', { ...GOOD, observed_at: '2026-11-28T12:00:01Z' }, '/observed_at', /a day/],
    ['a time long past', { ...GOOD, observed_at: '1999-12-31T23:59:59Z' }, '/observed_at', /2000/],
    ['no name', { ...GOOD, endpoint: 7 }, '/endpoint', /name of one$/],
  ])('readFeedback() refuses %s', (_, body, pointer, detail) => {
    expect(refusalOf(body)).toEqual({
      code: 'FEEDBACK_INVALID',
      detail: expect.stringMatching(detail),
      errors: [{ pointer, detail: expect.any(String) }],
    })
  })

  test('readFeedback() names the faults of several items', () => {
    const bad = { ...GOOD, row: -1 }
    expect(refusalOf([bad, GOOD, { label: 1 }, bad])).toMatchObject({
      detail: expect.stringMatching(/from 0 \(and 2 more\)$/),
      errors: [{ pointer: '/0/row' }, { pointer: '/2' }, { pointer: '/3/row' }],
    })
    const { detail, errors } = refusalOf(new Array(50).fill(bad))
    expect([detail, errors?.length]).toEqual([expect.stringMatching(/ \(and 15 or more\)$/), 16])
  })

  test('readFeedback() reads on behind an item that is wrong in the middle', () => {
    const text = `[{"label":[1,{"a":[1,{}]}],"prediction_id":"${ID}"},{"row":"]}"},${JSON.stringify(GOOD)}]`
    expect(refusalOf(text).errors).toMatchObject([{ pointer: '/0/label/1' }, { pointer: '/1/row' }])
  })

  test.each([
    ['REQUEST_MALFORMED', '{"label":1,}', undefined],
    ['INPUT_VALUE_INVALID', '{"label":"\\ud800"}', undefined],
    ['DUPLICATE_KEY', '[{"label":1,"label":2}]', [{ pointer: '/0', detail: expect.any(String) }]],
    ['BODY_TOO_LARGE', ' '.repeat(FEEDBACK_BYTES_MAX + 1), undefined],
  ])('readFeedback() refuses with %s', (code, text, errors) => {
    const { code: found, errors: places } = refusalOf(text)
    expect([found, places]).toEqual([code, errors])
  })
})
