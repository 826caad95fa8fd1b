/** The description of the API says what `/feedback` takes, no more and no less. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readFeedback } from '../../src/server/feedback/feedback-request.ts'
import { isRefusal } from '../../src/shared/errors.ts'
import { FEEDBACK_MESSAGES } from '../helpers/fuzz/feedback.ts'
import { jsonBytes } from '../helpers/fuzz/json.ts'
import { randomOf } from '../helpers/fuzz/random.ts'
import { codesOf, describe, examplesOf, validatorOf } from '../helpers/openapi.ts'
import { propertyRuns } from '../helpers/seeds.ts'

/** Numbers that lose digits where a validator reads them, and keys that it passes over. */
const UNREADABLE = /\d{16}|[eE][+-]?\d{3}|__proto__/
/** What no schema can say. */
const BEYOND_SCHEMAS = /DUPLICATE_KEY|REQUEST_TOO_DEEP|INPUT_VALUE_INVALID|observed_at/

const parsed = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return undefined
  }
}

test('every example of feedback is taken and fits the schema', () => {
  const document = describe()
  const validate = validatorOf(document)
  const values = examplesOf(document).map(([, { value }]) => value)
  expect(values).toHaveLength(3)
  for (const value of values) {
    const found = readFeedback(Buffer.from(JSON.stringify(value)), 20, Date.UTC(2026, 10, 27))
    expect([isRefusal(found), validate('FeedbackRequest', value)]).toEqual([false, null])
  }
})

test('a body of feedback fits the schema exactly where it is taken', () => {
  const document = describe()
  const codes = codesOf(document, 'Feedback')
  const validate = validatorOf(document)
  const bodies = fc.nat().map((seed) => jsonBytes(randomOf(seed), FEEDBACK_MESSAGES))
  const property = fc.property(bodies, (bytes) => {
    const value = parsed(bytes)
    const text = bytes.toString()
    const found = readFeedback(bytes, 20, Date.UTC(2026, 10, 27))
    if (isRefusal(found)) expect(codes).toContain(found.code)
    if (value === undefined) expect(isRefusal(found)).toBe(true)
    if (value === undefined || UNREADABLE.test(text)) return
    if (isRefusal(found) && BEYOND_SCHEMAS.test(JSON.stringify(found))) return
    const fault = validate('FeedbackRequest', value)
    const shown = `${text} | ${JSON.stringify(found)} | ${fault}`
    expect(fault === null, shown).toBe(!isRefusal(found))
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})
