import { expect, test } from 'vitest'
import { FAILURE_REASONS, tritonOutcomes } from '../../../../src/control/figures/triton-outcomes.ts'
import { REASON_ABORTED, REASON_OK, reasonIndex } from '../../../../src/shared/counters.ts'
import type { ErrorCode } from '../../../../src/shared/errors.ts'
import { slotFrom } from '../../../helpers/counted-slots.ts'

const request = (reason: number) => ({
  ...{ protocol: 1, reason, rows: 1, totalUs: 1, queueUs: 1, computeUs: 1 },
})

const NONE = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 }

test.each<readonly [ErrorCode, (typeof FAILURE_REASONS)[number] | null]>([
  ['QUEUE_FULL', 'REJECTED'],
  ['INFERENCE_FAILED', 'BACKEND'],
  ['OUTPUT_NOT_FINITE', 'BACKEND'],
  ['DEADLINE_EXPIRED', 'REJECTED'],
  ['THREAD_LOST', 'BACKEND'],
  ['ANSWER_TOO_LARGE', 'OTHER'],
  ['INTERNAL', 'OTHER'],
  ['REQUEST_MALFORMED', null],
  ['TENSOR_SHAPE_MISMATCH', null],
  ['BODY_BUDGET_EXHAUSTED', null],
  ['VERSION_NOT_READY', null],
])('tritonOutcomes() counts %s as %s', (code, failure) => {
  const { success, failures } = tritonOutcomes(slotFrom([request(reasonIndex(code))]))
  expect(success).toBe(0)
  expect(failures).toEqual(failure === null ? NONE : { ...NONE, [failure]: 1 })
})

test('tritonOutcomes() counts answers, and clients that went', () => {
  const reasons = [REASON_OK, REASON_OK, REASON_ABORTED]
  const { success, failures } = tritonOutcomes(slotFrom(reasons.map(request)))
  expect([success, failures]).toEqual([2, { ...NONE, CANCELED: 1 }])
  expect(Object.keys(failures)).toEqual(FAILURE_REASONS)
})
