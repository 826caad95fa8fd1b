import fc from 'fast-check'
import { expect, test } from 'vitest'
import { METRICS } from '../../../../src/control/figures/metric-table.ts'
import { outcomeOf } from '../../../../src/control/figures/outcome.ts'
import type { Sample } from '../../../../src/control/figures/sample.ts'
import { TRITON_SERIES, TritonSums } from '../../../../src/control/figures/triton-metrics.ts'
import {
  PENDING_AT,
  PROTOCOLS,
  REASON_ABORTED,
  REASON_OK,
  REASONS,
  reasonIndex,
  reasonName,
  SLOT_DOUBLES,
} from '../../../../src/shared/counters.ts'
import { countRun } from '../../../../src/shared/counting.ts'
import type { ErrorCode } from '../../../../src/shared/errors.ts'
import {
  answerKey,
  anyRequest,
  type CountedRequest,
  countInto,
  slotFrom,
} from '../../../helpers/counted-slots.ts'

const sumsOf = (...slots: readonly Float64Array[]): Sample[] => {
  const sums = new TritonSums(answerKey('flights', '3'))
  for (const slot of slots) sums.add(slot)
  return sums.samples()
}

/** Values by name, as in Triton's exposition. */
const lines = (samples: readonly Sample[]): Record<string, number> =>
  Object.fromEntries(
    samples.map(({ metric, labels, value }) => {
      const { model, version, reason } = labels
      expect([model, version]).toEqual(['flights', '3'])
      const { name } = METRICS[metric]
      return [reason === undefined ? name : `${name}{${reason}}`, value]
    }),
  )

const answered = (protocol: number, rows: number, us: number): CountedRequest => ({
  protocol,
  reason: REASON_OK,
  rows,
  totalUs: us * 4,
  queueUs: us,
  computeUs: us * 2,
  inputUs: us / 2,
  outputUs: us / 4,
})

const unanswered = (reason: number, protocol = 1): CountedRequest => ({
  ...answered(protocol, 99, 1e6),
  reason,
})

test('TritonSums predicts every nv_* value of a script of requests', () => {
  const codes: ErrorCode[] = [
    ...(['QUEUE_FULL', 'INFERENCE_FAILED', 'OUTPUT_NOT_FINITE'] as const),
    ...(['INTERNAL', 'ANSWER_TOO_LARGE'] as const),
  ]
  const slot = slotFrom([
    answered(0, 1, 100),
    answered(1, 5, 250),
    answered(3, 2, 1000),
    ...codes.map((code) => unanswered(reasonIndex(code))),
    unanswered(reasonIndex('QUEUE_FULL'), 0),
    unanswered(REASON_ABORTED),
    unanswered(reasonIndex('REQUEST_MALFORMED')),
    unanswered(reasonIndex('INPUT_MISSING')),
    unanswered(REASONS - 1),
  ])
  // a second endpoint over the same version: two requests in one run
  const other = new Float64Array(SLOT_DOUBLES)
  for (const rows of [3, 4]) countInto(other, answered(1, rows, 50))
  for (const each of [slot, other]) each[PENDING_AT]! += each === slot ? 2 : 1
  countRun(other, 0, 7, 0, 0.0001)
  expect(lines(sumsOf(slot, other))).toEqual({
    nv_inference_request_success: 5,
    'nv_inference_request_failure{REJECTED}': 2,
    'nv_inference_request_failure{CANCELED}': 1,
    'nv_inference_request_failure{BACKEND}': 2,
    'nv_inference_request_failure{OTHER}': 3,
    nv_inference_count: 15,
    nv_inference_exec_count: 6,
    nv_inference_request_duration_us: 5800,
    nv_inference_queue_duration_us: 1450,
    nv_inference_compute_input_duration_us: 725,
    nv_inference_compute_infer_duration_us: 2900,
    nv_inference_compute_output_duration_us: 363,
    nv_inference_pending_request_count: 3,
  })
})

test('TritonSums has all its series at zero before anything was counted', () => {
  const samples = sumsOf()
  expect(samples).toHaveLength(TRITON_SERIES)
  expect(new Set(samples.map(({ value }) => value))).toEqual(new Set([0]))
})

/** Refused once they were in the queue, or by the queue itself. */
const LATE = new Set([
  ...['QUEUE_FULL', 'ANSWER_TOO_LARGE', 'DEADLINE_UNMEETABLE', 'DEADLINE_EXPIRED', 'THREAD_LOST'],
])

test('TritonSums counts each request once, or not at all when it was refused early', () => {
  for (let protocol = 0; protocol < PROTOCOLS.length; protocol++) {
    for (let reason = 0; reason < REASONS; reason++) {
      const samples = sumsOf(slotFrom([unanswered(reason, protocol)]))
      const isRequest = ({ metric }: Sample) => metric === 'nvSuccess' || metric === 'nvFailure'
      const count = samples.filter(isRequest).reduce((total, { value }) => total + value, 0)
      const isRefusedEarly = outcomeOf(reason) === 'refused' && !LATE.has(reasonName(reason))
      expect([protocol, reason, count]).toEqual([protocol, reason, isRefusedEarly ? 0 : 1])
    }
  }
})

test('TritonSums adds slots whatever their order, to within a microsecond', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyRequest), { maxLength: 4 }), (all) => {
      const together = lines(sumsOf(slotFrom(all.flat())))
      const apart = lines(sumsOf(...all.map(slotFrom)))
      const reversed = lines(sumsOf(...all.map(slotFrom).reverse()))
      for (const [name, value] of Object.entries(together)) {
        const tolerance = name.endsWith('_us') ? 1 : 0
        expect(Math.abs(apart[name]! - value)).toBeLessThanOrEqual(tolerance)
        expect(Math.abs(reversed[name]! - value)).toBeLessThanOrEqual(tolerance)
      }
    }),
  )
})
