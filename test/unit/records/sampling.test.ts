import { expect, test } from 'vitest'
import { inclusionOf, samplingSeed } from '../../../src/records/sampling.ts'
import { makeWriteFacts, ROLE, type WriteFacts } from '../../../src/records/write-facts.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import { reasonIndex } from '../../../src/shared/counters.ts'
import type { AlwaysKept } from '../../../src/shared/record-policy.ts'
import { endpointLayout } from '../../helpers/record-layouts.ts'

const NEVER: AlwaysKept = { roles: [], codes: [], latencyMsMin: null }
const SEED = samplingSeed('gw.1.0-7')

const planOf = (rate: number, always: Partial<AlwaysKept> = {}) =>
  writePlanOf(endpointLayout({ rate, always: { ...NEVER, ...always } }))

const inclusion = (plan: ReturnType<typeof planOf>, facts: Partial<WriteFacts>, seed = SEED) =>
  inclusionOf(plan, { ...makeWriteFacts(), ...facts }, seed)

const keptOf = (plan: ReturnType<typeof planOf>, from: number, seed = SEED): number[] => {
  const kept: number[] = []
  for (let sequence = from; sequence < from + 20_000; sequence++) {
    if (inclusion(plan, { sequence }, seed) > 0) kept.push(sequence)
  }
  return kept
}

test('a share of the records is kept, with that probability, also of large numbers', () => {
  for (const rate of [0.01, 0.25, 0.9]) {
    const plan = planOf(rate)
    for (const from of [1, 2 ** 31 - 10_000, 2 ** 32 - 10_000, 2 ** 40]) {
      const share = keptOf(plan, from).length / 20_000
      // Five standard deviations.
      expect(Math.abs(share - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / 20_000))
    }
    const [sequence] = keptOf(plan, 1)
    expect(inclusion(plan, { sequence: sequence! })).toBe(rate)
  }
})

test('all or nothing is kept without a look at the hash', () => {
  expect(keptOf(planOf(1), 1)).toHaveLength(20_000)
  expect(inclusion(planOf(1), { sequence: 1 })).toBe(1)
  expect(keptOf(planOf(0), 1)).toEqual([])
})

test('answer and shadow of one prediction agree; producers do not keep the same numbers', () => {
  const plan = planOf(0.5)
  for (const sequence of keptOf(plan, 1).slice(0, 50)) {
    expect(inclusion(plan, { sequence, role: ROLE.shadow })).toBe(0.5)
  }
  const other = samplingSeed('gw.1.1-7')
  expect(keptOf(plan, 1, other)).not.toEqual(keptOf(plan, 1))
})

test('roles, codes and slow answers are always kept where the policy says so', () => {
  expect(inclusion(planOf(0, { roles: ['failed'] }), { role: ROLE.failed })).toBe(1)
  expect(inclusion(planOf(0, { roles: ['failed'] }), { role: ROLE.answer })).toBe(0)
  const codes = planOf(0, { codes: ['QUEUE_FULL', 'NO_SUCH_CODE'] })
  expect(inclusion(codes, { code: reasonIndex('QUEUE_FULL') })).toBe(1)
  expect(inclusion(codes, { code: reasonIndex('INTERNAL') })).toBe(0)
  const slow = planOf(0, { latencyMsMin: 50 })
  expect([50, 49.9, Number.NaN].map((latencyMs) => inclusion(slow, { latencyMs }))).toEqual([
    ...[1, 0, 0],
  ])
})

test('feedback is never sampled', () => {
  expect(inclusion(planOf(0), { role: ROLE.feedback })).toBe(1)
})
