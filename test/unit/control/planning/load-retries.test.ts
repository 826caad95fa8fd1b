import { expect, test } from 'vitest'
import {
  failedAttempt,
  mayPass,
  retryDelayMs,
} from '../../../../src/control/planning/load-retries.ts'

const POLICY = { max: 3, firstMs: 1000 }

test('retryDelayMs() doubles from failure to failure, and ends', () => {
  expect([1, 2, 3, 4, 5].map((tries) => retryDelayMs(tries, POLICY))).toEqual([
    ...[1000, 2000, 4000],
    ...[null, null],
  ])
  expect(retryDelayMs(1, { max: 0, firstMs: 1 })).toBeNull()
})

test('mayPass() is false for what lies in the files', () => {
  for (const code of ['PROVING_TIMEOUT', 'PROVING_MEMORY', 'PREPARE_FAILED'] as const) {
    expect(mayPass(code)).toBe(true)
  }
  for (const code of ['MODEL_INVALID', 'MODEL_UNSAFE', 'MANIFEST_INVALID'] as const) {
    expect(mayPass(code)).toBe(false)
  }
})

test('failedAttempt() says when it is tried again, and how often it was', () => {
  expect(failedAttempt('PREPARE_FAILED', 1, POLICY, 500)).toEqual({
    ...{ tries: 2, retryAtMs: 2500, note: 'tried 2 of 4 times, again 2 s after the last' },
  })
  expect(failedAttempt('PREPARE_FAILED', 3, POLICY, 500)).toEqual({
    ...{ tries: 4, retryAtMs: null, note: 'tried 4 of 4 times' },
  })
  expect(failedAttempt('MODEL_INVALID', 0, POLICY, 500)).toMatchObject({
    retryAtMs: null,
    note: '',
  })
})
