import { expect, test } from 'vitest'
import { endpointStatuses } from '../../../../src/control/api/endpoint-status.ts'
import {
  PROTOCOLS,
  REASON_ABORTED,
  REASON_OK,
  reasonIndex,
  slotKeyText,
} from '../../../../src/shared/counters.ts'
import type { EpochPlan } from '../../../../src/shared/epoch-plan.ts'
import { answerKey, slotFrom } from '../../../helpers/counted-slots.ts'
import { snapshotOf } from '../../../helpers/metrics-context.ts'

const plan = {
  epoch: 3,
  endpoints: [
    {
      ...{ name: 'a', model: 'a', revision: 2 },
      variants: [{ name: 'v1', version: 1, weightBp: 10_000 }],
    },
  ],
} as unknown as EpochPlan

const request = (protocol: number, reason: number) => ({
  ...{ protocol, reason, rows: 1, totalUs: 2000, queueUs: 1, computeUs: 1 },
})

test('endpointStatuses() tells what became of the requests of a variant, over all protocols', () => {
  const reasons = [
    ...[REASON_OK, REASON_OK, REASON_ABORTED],
    ...[reasonIndex('INPUT_MISSING'), reasonIndex('QUEUE_FULL'), reasonIndex('INPUT_UNKNOWN')],
    ...[reasonIndex('INFERENCE_FAILED')],
  ]
  const counted = PROTOCOLS.flatMap((_, protocol) => reasons.map((each) => request(protocol, each)))
  const slots = new Map([[slotKeyText(answerKey('a')), slotFrom(counted)]])
  const many = PROTOCOLS.length
  const [status] = endpointStatuses(plan, snapshotOf({ slots }))
  expect(status).toMatchObject({
    name: 'a',
    revision: 2,
    variants: [
      {
        ...{ name: 'v1', version: 1, weightBp: 10_000 },
        ...{ requests: 7 * many, refused: 3 * many, failed: many, aborted: many },
      },
    ],
  })
  const { p50Ms, p99Ms } = status!.variants[0]!
  for (const ms of [p50Ms, p99Ms]) expect(Math.abs(ms - 2)).toBeLessThan(0.3)
})

test('endpointStatuses() has zeros before there are figures, and no endpoint before an epoch', () => {
  const zeros = { requests: 0, refused: 0, failed: 0, aborted: 0, p50Ms: 0, p99Ms: 0 }
  expect(endpointStatuses(plan, null)[0]!.variants).toMatchObject([zeros])
  expect(endpointStatuses(null, snapshotOf())).toEqual([])
})
