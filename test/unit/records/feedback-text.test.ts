import { expect, test } from 'vitest'
import { EntryInvalid } from '../../../src/records/entry-cursor.ts'
import { decodeFeedback, encodeFeedback } from '../../../src/records/feedback-text.ts'

const FEEDBACK = {
  ...{ ofPredictionId: 'gw.1.0-7-1', ofRequestId: null, row: 2, observedAtMs: 1.5 },
  label: [1, 'late', [true, null]],
}

test('feedback comes back as it was', () => {
  expect(decodeFeedback(encodeFeedback(FEEDBACK))).toEqual(FEEDBACK)
})

test('a text that is no feedback is invalid', () => {
  const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as never[]
  const bad = [
    ...['', '{', 'null', '[]', '{}'],
    ...[
      { ofRequestId: 1 },
      { row: '1' },
      { observedAtMs: null },
      { label: {} },
      { label: deep },
    ].map((more) => JSON.stringify({ ...FEEDBACK, ...more })),
  ]
  for (const text of bad) expect(() => decodeFeedback(text), text).toThrow(EntryInvalid)
})
