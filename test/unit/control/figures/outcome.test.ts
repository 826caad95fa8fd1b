import { expect, test } from 'vitest'
import { outcomeOf } from '../../../../src/control/figures/outcome.ts'
import { REASON_ABORTED, REASON_OK, REASONS, reasonName } from '../../../../src/shared/counters.ts'
import { ERROR_CODES, ERRORS } from '../../../../src/shared/errors.ts'

const named = (outcome: string): string[] =>
  Array.from({ length: REASONS }, (_, reason) => reason)
    .filter((reason) => outcomeOf(reason) === outcome)
    .map(reasonName)

test('outcomeOf() is ok and aborted for their own reasons only', () => {
  expect([outcomeOf(REASON_OK), outcomeOf(REASON_ABORTED)]).toEqual(['ok', 'aborted'])
  expect([named('ok'), named('aborted')]).toEqual([['ok'], ['aborted']])
})

test('outcomeOf() blames the model or us for exactly the codes that answer 500', () => {
  const failures = ['INFERENCE_FAILED', 'OUTPUT_NOT_FINITE', 'INTERNAL']
  expect(named('failed').filter((name) => name !== '')).toEqual(failures)
})

test('outcomeOf() calls load and mistakes of the client refused', () => {
  const statuses = new Set([400, 403, 404, 405, 413, 415, 501, 503])
  const codes = ERROR_CODES.filter((code) => statuses.has(ERRORS[code].http))
  expect(codes).toContain('QUEUE_FULL')
  expect(named('refused')).toEqual(expect.arrayContaining(codes))
})

test('outcomeOf() calls what a newer replica counted failed', () => {
  for (let reason = 2; reason < REASONS; reason++) {
    if (reasonName(reason) !== '') continue
    expect(outcomeOf(reason)).toBe('failed')
  }
})
